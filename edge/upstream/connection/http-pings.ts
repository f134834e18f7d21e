/**
 * Signs of life of HTTP servers. An HTTP-FLV stream has no ping of its own, so the server is asked over another
 * connection, once for all streams that wonder about it in the same moment.
 */

import type { OriginAddress } from '../../conf/model.ts';
import { originName } from './address.ts';

/** A sign of life counts for so long: a server with many quiet streams is not asked more often than this. */
const freshMs = 500;

interface Question {
  readonly askedMs: number;
  readonly answer: Promise<boolean>;
}

export class HttpPings {
  readonly #answers: (address: OriginAddress) => Promise<boolean>;
  /** By origin: those that are open, and those that were answered just now. */
  readonly #questions = new Map<string, Question>();

  /** @param answers asks the server; never rejects */
  constructor(answers: (address: OriginAddress) => Promise<boolean>) {
    this.#answers = answers;
  }

  /** Whether the server answers, or did so just now. */
  answers(address: OriginAddress): Promise<boolean> {
    const name = originName(address);
    const present = this.#questions.get(name);
    if (present !== undefined) return present.answer;
    const question = { askedMs: performance.now(), answer: this.#answers(address) };
    this.#questions.set(name, question);
    void question.answer.then((answers) => this.#answered(name, question, answers));
    return question.answer;
  }

  /** What did not answer is asked again by the next who wonders. */
  #answered(name: string, { askedMs }: Question, answers: boolean): void {
    const leftMs = answers ? askedMs + freshMs - performance.now() : 0;
    if (leftMs <= 0) this.#questions.delete(name);
    else setTimeout(() => this.#questions.delete(name), leftMs).unref();
  }
}

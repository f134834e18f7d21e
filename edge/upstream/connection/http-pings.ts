/**
 * Signs of life of HTTP servers. An HTTP-FLV stream has no ping of its own, so the server is asked over another
 * connection, once for all streams that wonder about it in the same moment.
 */

import type { OriginAddress } from '../../conf/model.ts';
import { originName } from './address.ts';

/** A sign of life counts for so long: a server with many quiet streams is not asked more often than this. */
const freshMs = 500;

export class HttpPings {
  readonly #answers: (address: OriginAddress) => Promise<boolean>;
  /** By origin, when the question was asked that it has answered. */
  readonly #heardMs = new Map<string, number>();

  /** @param answers asks the server; never rejects */
  constructor(answers: (address: OriginAddress) => Promise<boolean>) {
    this.#answers = answers;
  }

  /** Whether the server answers, or did so just now. */
  async answers(address: OriginAddress): Promise<boolean> {
    const name = originName(address);
    const askedMs = performance.now();
    this.#forgetOld(askedMs);
    if (this.#heardMs.has(name)) return true;
    const answered = await this.#answers(address);
    if (answered) this.#heardMs.set(name, askedMs);
    return answered;
  }

  #forgetOld(nowMs: number): void {
    for (const [name, heardMs] of this.#heardMs) if (nowMs - heardMs >= freshMs) this.#heardMs.delete(name);
  }
}

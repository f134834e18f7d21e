/**
 * The origins that a search is asking for a stream, until each delivers or shows that it will not.
 */

import { awakeNow } from '../../time/awake.ts';
import type { PullTrial } from './pull-trial.ts';

export class OpenTrials {
  readonly #trials = new Set<PullTrial>();

  get count(): number {
    return this.#trials.size;
  }

  add(trial: PullTrial): void {
    this.#trials.add(trial);
  }

  remove(trial: PullTrial): void {
    this.#trials.delete(trial);
  }

  /** Gives up those whose names say so, or all of them. @returns whether there were any */
  letGo(isLeft: (name: string) => boolean = () => true): boolean {
    const left = [...this.#trials].filter(({ name }) => isLeft(name));
    for (const trial of left) {
      trial.close();
      this.#trials.delete(trial);
    }
    return left.length > 0;
  }

  get names(): readonly string[] {
    return [...this.#trials].map(({ name }) => name);
  }

  /** Whether an origin is being asked: not while all wait for their turn. */
  get isAsking(): boolean {
    for (const { askedMs } of this.#trials) if (askedMs !== undefined) return true;
    return false;
  }

  /** Names of origins that have been asked and have not accepted. */
  get unanswered(): ReadonlySet<string> {
    const trials = [...this.#trials].filter(({ askedMs, hasAccepted }) => askedMs !== undefined && !hasAccepted);
    return new Set(trials.map(({ name }) => name));
  }

  /**
   * How long they are waited for, milliseconds: 0 where there is none, or none has answered in its time. An origin that
   * has accepted may deliver at any moment.
   * @param patienceMs how long an origin may take to answer
   */
  waitMs(patienceMs: number): number {
    const nowMs = awakeNow();
    const left = [...this.#trials].map(({ askedMs, hasAccepted }) =>
      askedMs === undefined || hasAccepted ? patienceMs : askedMs + patienceMs - nowMs,
    );
    return Math.max(0, ...left);
  }
}

/**
 * `AbortSignal.timeout` that is fair to whoever must answer in time: see `Deadline`.
 */

import { Deadline } from './deadline.ts';

export class DeadlineSignal {
  readonly #controller = new AbortController();
  readonly #deadline = new Deadline(() => this.#controller.abort());

  /** Aborts the signal after this time, unless `stop` comes first. */
  constructor(afterMs: number) {
    this.#deadline.start(afterMs);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  stop(): void {
    this.#deadline.stop();
  }
}

/**
 * Players have nothing, and their stream may be where an origin is down: that one is probed soon, though others are well,
 * and the search hears when it is back.
 */

import { notNeeded } from '../../time/not-needed.ts';

export class AwaitedReturn {
  readonly #returned: (signal: AbortSignal) => Promise<void>;
  readonly #back: () => void;
  readonly #failed: (error: unknown) => void;
  #awaiting: AbortController | undefined;

  /**
   * @param returned resolves when one of the origins that are down is so no more; rejects when it is aborted
   * @param failed told of a mistake of ours
   */
  constructor(returned: (signal: AbortSignal) => Promise<void>, back: () => void, failed: (error: unknown) => void) {
    this.#returned = returned;
    this.#back = back;
    this.#failed = failed;
  }

  /** Waits for those that are down by now. */
  begin(): void {
    const before = this.#awaiting;
    const awaiting = new AbortController();
    this.#awaiting = awaiting;
    this.#returned(awaiting.signal).then(this.#back, (error: unknown) => {
      if (!awaiting.signal.aborted) this.#failed(error);
    });
    // Only now: that somebody waits for them is not to be forgotten in between.
    before?.abort(notNeeded);
  }

  end(): void {
    this.#awaiting?.abort(notNeeded);
  }
}

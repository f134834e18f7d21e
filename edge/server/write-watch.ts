/**
 * Finds clients that accept no more bytes, whatever they send meanwhile. One timer looks over all of them.
 */

import type { Outbox } from '../budget/outbox.ts';
import { awakeNow } from '../time/awake.ts';

const lookEveryMs = 1_000;

interface Watched {
  readonly timeoutMs: () => number;
  /** What it had taken when bytes waited at the last look. */
  takenBytes: number | undefined;
  /** Since when bytes wait and none is taken, on the clock of `awakeNow`. */
  stuckSinceMs: number | undefined;
}

export class WriteWatch {
  readonly #watched = new Map<Outbox, Watched>();
  #timer: NodeJS.Timeout | undefined;

  /** Ends a connection when bytes wait and none is taken for this long; `remove` ends the watch. */
  add(outbox: Outbox, timeoutMs: () => number): void {
    this.#watched.set(outbox, { timeoutMs, takenBytes: undefined, stuckSinceMs: undefined });
    this.#timer ??= setInterval(() => this.#look(), lookEveryMs).unref();
  }

  remove(outbox: Outbox): void {
    this.#watched.delete(outbox);
    if (this.#watched.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #look(): void {
    const nowMs = awakeNow();
    for (const [outbox, watched] of this.#watched) {
      // As a rule nothing waits: then there is nothing more to ask.
      const takenBytes = outbox.pendingBytes === 0 ? undefined : outbox.takenBytes;
      if (takenBytes === undefined || takenBytes !== watched.takenBytes) {
        watched.takenBytes = takenBytes;
        watched.stuckSinceMs = undefined;
        continue;
      }
      watched.stuckSinceMs ??= nowMs;
      const timeoutMs = watched.timeoutMs();
      if (nowMs - watched.stuckSinceMs >= timeoutMs) {
        outbox.destroy(new Error(`accepted no byte for ${timeoutMs} ms`));
      }
    }
  }
}

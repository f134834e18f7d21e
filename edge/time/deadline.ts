/**
 * A deadline that is fair to whoever must meet it: only time in which this process could run counts, and what has
 * arrived by then is read before the verdict.
 */

import { awakeNow } from './awake.ts';

/** A timer that fires later than this was held up: input that came meanwhile has not been read yet. */
const heldUpMs = 50;

/** How long such input gets to be read, once for each start. */
const graceMs = 100;

export class Deadline {
  readonly #expired: () => void;
  /** On the clock of `awakeNow`; undefined while nothing is due. */
  #dueMs: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** On the clock of `performance.now`. */
  #firesMs = 0;
  #graceGiven = false;

  /** @param expired called once for each `start` that neither `stop` nor another `start` came after in time */
  constructor(expired: () => void) {
    this.#expired = expired;
  }

  /** Whether it is running. */
  get pending(): boolean {
    return this.#dueMs !== undefined;
  }

  /** Milliseconds until it expires, at least 0; infinite when it is not running. */
  get leftMs(): number {
    return this.#dueMs === undefined ? Number.POSITIVE_INFINITY : Math.max(0, this.#dueMs - awakeNow());
  }

  /** Starts, or starts over. Cheap enough for every message: a later due time leaves the timer as it is. */
  start(afterMs: number): void {
    this.#dueMs = awakeNow() + afterMs;
    this.#graceGiven = false;
    if (this.#timer !== undefined && performance.now() + afterMs >= this.#firesMs) return;
    this.#arm(afterMs);
  }

  stop(): void {
    this.#dueMs = undefined;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #arm(afterMs: number): void {
    clearTimeout(this.#timer);
    this.#firesMs = performance.now() + afterMs;
    this.#timer = setTimeout(() => this.#fired(), afterMs);
  }

  #fired(): void {
    this.#timer = undefined;
    if (this.#dueMs === undefined) return;
    if (this.leftMs > 0) return this.#arm(Math.ceil(this.leftMs));
    const heldUp = performance.now() - this.#firesMs > heldUpMs;
    if (heldUp && !this.#graceGiven) {
      this.#graceGiven = true;
      return this.#arm(graceMs);
    }
    this.#dueMs = undefined;
    this.#expired();
  }
}

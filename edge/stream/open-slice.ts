/**
 * The slice that is being filled: it collects the frames of one merged-write interval (SRS's `mw_latency` and
 * `mw_msgs`) and closes when the interval is over.
 */

import type { VhostConfig } from '../conf/model.ts';
import type { Frame } from './frame.ts';
import { HeaderSet } from './headers.ts';
import { Slice } from './slice.ts';

export class OpenSlice {
  readonly #settings: () => VhostConfig;
  readonly #closed: (slice: Slice) => void;
  #frames: Frame[] = [];
  /** Headers in force after the last closed slice. */
  #headers: HeaderSet = HeaderSet.empty;
  /** Last stream time of each track in the slices that are closed, and in this one. */
  #closedTimes: (number | undefined)[] = [];
  #times: (number | undefined)[] = [];
  #lastCloseMs = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param settings those in force: a reload may replace them
   * @param closed takes each slice, in order
   */
  constructor(settings: () => VhostConfig, closed: (slice: Slice) => void) {
    this.#settings = settings;
    this.#closed = closed;
  }

  add(frame: Frame): void {
    this.#times[frame.track] = frame.timeMs;
    this.#frames.push(frame);
  }

  /** All that was read at once is in: closes the slice now, or sets the time when it will close. */
  flush(nowMs: number): void {
    if (this.#frames.length === 0 || this.#timer !== undefined) return;
    const waitMs = this.#lastCloseMs + intervalMs(this.#settings()) - nowMs;
    if (waitMs <= 0) this.close();
    else this.#timer = setTimeout(() => this.#due(), waitMs);
  }

  /** Closes the slice, if anything is in it. */
  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#frames.length === 0) return;
    const slice = new Slice(this.#frames, this.#headers, this.#closedTimes);
    this.#frames = [];
    this.#headers = slice.headersAfter;
    this.#closedTimes = [...this.#times];
    this.#lastCloseMs = performance.now();
    this.#closed(slice);
  }

  /** Forgets what is in it. */
  discard(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#frames = [];
  }

  /** SRS's merged write waits for `mw_msgs` messages too; here it does so for one more interval at most. */
  #due(): void {
    this.#timer = undefined;
    const settings = this.#settings();
    const waitMs = intervalMs(settings);
    const fewMessages =
      this.#frames.length < settings.play.mwMsgs && performance.now() < this.#lastCloseMs + 2 * waitMs;
    if (fewMessages) this.#timer = setTimeout(() => this.close(), waitMs);
    else this.close();
  }
}

/** Milliseconds between two slices. */
function intervalMs({ play }: VhostConfig): number {
  return Math.max(play.mwLatencyMs, play.sendMinIntervalMs);
}

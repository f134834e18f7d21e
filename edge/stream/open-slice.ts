/**
 * The slice that is being filled: it collects the frames of one merged-write interval (SRS's `mw_latency` and
 * `mw_msgs`) and closes when the interval is over.
 *
 * Players measure their time from the first slice that they get, so the first one waits a moment for each track that
 * has a header: one that is behind the other would begin before the player's zero.
 */

import type { VhostConfig } from '../conf/model.ts';
import { slicePool } from './buffer-pool.ts';
import { type Frame, placed } from './frame.ts';
import { FramePacker } from './frame-packer.ts';
import { HeaderSet } from './headers.ts';
import { Slice } from './slice.ts';

/** How long the first slice waits for a track that has a header and no frame. */
const trackWaitMs = 500;

/**
 * A slice that has so much is not kept open: a publisher that sends faster than time passes must not fill the memory.
 * That is 24 Mb/s at the usual interval of 350 ms.
 */
const sliceMaxBytes = 1024 * 1024;

/** What a slice takes from its stream when it is closed. */
export interface SliceStream {
  /** The settings in force: a reload may replace them. */
  settings(): VhostConfig;
  /** Whether the stream has shown that it sends no key frames. */
  lacksKeyframes(): boolean;
  /** Whether a track has a header and has brought nothing. */
  lacksTrack(): boolean;
  /** No later frame is before this stream time; infinite where tracks are side by side. */
  floorMs(): number;
  /** Takes each slice, in order. */
  closed(slice: Slice): void;
}

export class OpenSlice {
  readonly #stream: SliceStream;
  readonly #frames = new FramePacker(slicePool);
  /** Headers in force after the last closed slice. */
  #headers: HeaderSet = HeaderSet.empty;
  /** Last stream time of each track in the slices that are closed, and in this one. */
  #closedTimes: (number | undefined)[] = [];
  #times: (number | undefined)[] = [];
  #leadMs: number = Number.NEGATIVE_INFINITY;
  #lastCloseMs = Number.NEGATIVE_INFINITY;
  /** When a first slice was due, had it not waited for a track; undefined where none waits. */
  #waitsSinceMs: number | undefined;
  #isFirst = true;
  #timer: NodeJS.Timeout | undefined;

  constructor(stream: SliceStream) {
    this.#stream = stream;
  }

  add(frame: Frame): void {
    const { track, timeMs } = frame;
    const last = this.#times[track];
    if (last === undefined || timeMs >= last) this.#times[track] = timeMs;
    else if (!this.#pullHeadersBack(frame)) placed(frame, last);
    if (frame.timeMs > this.#leadMs) this.#leadMs = frame.timeMs;
    this.#frames.add(frame);
  }

  /** Only headers have come of its track before: their time is that of the first frame, if it can be. */
  #pullHeadersBack({ track, timeMs }: Frame): boolean {
    if (this.#closedTimes[track] !== undefined) return false;
    const { frames } = this.#frames;
    for (let at = 0; at < frames.end; at = frames.next(at)) if (frames.track(at) === track) frames.moveTo(at, timeMs);
    this.#times[track] = timeMs;
    return true;
  }

  /** The stream has just begun, and it will soon be known which tracks it has. */
  get waitsForTrack(): boolean {
    return this.#isFirst && this.#frames.count > 0;
  }

  /** All that was read at once is in: closes the slice now, or sets the time when it will close. */
  flush(nowMs: number): void {
    if (this.#frames.count === 0) return;
    if (this.#frames.packedBytes >= sliceMaxBytes) return this.close();
    if (this.#isFirst) return this.#flushFirst(nowMs);
    if (this.#timer !== undefined) return;
    const waitMs = this.#lastCloseMs + intervalMs(this.#stream.settings()) - nowMs;
    if (waitMs <= 0) this.close();
    else this.#timer = setTimeout(() => this.#due(), waitMs);
  }

  #flushFirst(nowMs: number): void {
    this.#waitsSinceMs ??= nowMs;
    const waitMs = this.#stream.lacksTrack() ? this.#waitsSinceMs + trackWaitMs - nowMs : 0;
    if (!(waitMs > 0)) this.close();
    else this.#timer ??= setTimeout(() => this.close(), waitMs);
  }

  /** From here on none but these headers are in force. Who has had all of them misses nothing by that. */
  keepHeaders(inForce: HeaderSet): void {
    this.close();
    this.#headers = this.#headers.filter((header) => inForce.has(header));
  }

  /** Another publication begins: its first slice is a first one again. */
  restart(): void {
    this.close();
    this.#isFirst = true;
    this.#waitsSinceMs = undefined;
  }

  /** Closes the slice, if anything is in it. */
  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#frames.count === 0) return;
    const slice = new Slice({
      frames: this.#frames.take(),
      headersBefore: this.#headers,
      lastTimes: this.#closedTimes,
      lacksKeyframes: this.#stream.lacksKeyframes(),
      leadMs: this.#leadMs,
      floorMs: this.#stream.floorMs(),
      pool: slicePool,
    });
    this.#isFirst = false;
    this.#headers = slice.headersAfter;
    this.#closedTimes = [...this.#times];
    this.#lastCloseMs = performance.now();
    this.#stream.closed(slice);
  }

  /** Forgets what is in it. */
  discard(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#frames.discard();
  }

  /** SRS's merged write waits for `mw_msgs` messages too; here it does so for one more interval at most. */
  #due(): void {
    this.#timer = undefined;
    const settings = this.#stream.settings();
    const waitMs = intervalMs(settings);
    const fewMessages = this.#frames.count < settings.play.mwMsgs && performance.now() < this.#lastCloseMs + 2 * waitMs;
    if (fewMessages) this.#timer = setTimeout(() => this.close(), waitMs);
    else this.close();
  }
}

/** Milliseconds between two slices. */
function intervalMs({ play }: VhostConfig): number {
  return Math.max(play.mwLatencyMs, play.sendMinIntervalMs);
}

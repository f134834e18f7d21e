/**
 * The frames a stream has lately had, by which a new source is recognised as one that carries the same media.
 */

import { checksum } from './checksum.ts';
import { type Frame, isMedia, type UntimedFrame } from './frame.ts';
import { isTraceOf, type Trace, Traces } from './traces.ts';

/** At least so much is remembered where GOPs are short: a backup may be behind the source that it replaces. */
const spanMinMs = 2_000;

/** Another origin may send a track's frame this much earlier among those of the other track. */
const interleaveMs = 250;

/** Frames remembered since a keyframe; twice that at most in all. */
const framesMax = 5_000;

export class History {
  #older = new Traces();
  #newer = new Traces();
  /** Made when it is asked for, then kept up to date until the GOP ends. */
  #index: FrameIndex | undefined;

  /** Keeps the GOPs before the present one too: a backup's cached GOP may have begun before ours did. */
  add(frame: Frame): void {
    const isLong = this.#newer.count > 0 && frame.timeMs - this.#newer.startMs >= spanMinMs;
    if ((frame.role === 'keyframe' && isLong) || this.#newer.count > framesMax) {
      [this.#older, this.#newer] = [this.#newer, this.#older];
      this.#newer.clear();
      this.#index = undefined;
    }
    this.#newer.add(frame);
    this.#index?.add(this.#newer.at(this.#newer.count - 1));
  }

  /** What came before has another clock than what will come. */
  clear(): void {
    this.#older.clear();
    this.#newer.clear();
    this.#index = undefined;
  }

  /** Where a source's frame stands against all that the stream has had by now. */
  compare(frame: UntimedFrame): Standing {
    this.#index ??= this.snapshot();
    return this.#index.compare(frame);
  }

  /**
   * What is to be added to the times of a source that has just brought this frame, so that they are the stream's:
   * 0 where both have one clock; undefined where the frame is not known, or is like several.
   */
  shiftOf(frame: UntimedFrame): number | undefined {
    this.#index ??= this.snapshot();
    return this.#index.shiftOf(frame);
  }

  /** The history as it is now: frames to come don't change it. */
  snapshot(): FrameIndex {
    const index = new FrameIndex();
    for (const traces of [this.#older, this.#newer]) {
      for (let at = 0; at < traces.count; at++) index.add(traces.at(at));
    }
    return index;
  }
}

/**
 * - `had`: the very same frame is here. `next`: nothing here speaks against its coming now.
 * - `past`: it lies in the time covered here, and its track has gone on since.
 * - `foreign`: it lies before all that is remembered: an older part of the stream, or another clock.
 */
export type Standing = 'had' | 'past' | 'next' | 'foreign';

/**
 * Finds frames by what does not change from origin to origin: type and bytes, and time where origins keep the
 * publisher's. (Many begin at zero for whoever comes, as SRS does by default: their times differ by a constant.)
 */
export class FrameIndex {
  readonly #byTime = new Map<number, Trace[]>();
  readonly #byChecksum = new Map<number, Trace[]>();
  /** Source times of each track's first and last frame; unsigned 32-bit values. */
  readonly #firstOfTrack: (number | undefined)[] = [];
  readonly #lastOfTrack: (number | undefined)[] = [];
  /** Bit mask of the tracks with audio or video here. */
  #mediaTracks = 0;

  get mediaTracks(): number {
    return this.#mediaTracks;
  }

  add(frame: Trace): void {
    append(this.#byTime, frame.sourceTime, frame);
    if (!frame.isMedia) return;
    append(this.#byChecksum, frame.checksum, frame);
    this.#firstOfTrack[frame.track] ??= frame.sourceTime;
    this.#lastOfTrack[frame.track] = frame.sourceTime;
    this.#mediaTracks |= 1 << frame.track;
  }

  shiftOf(frame: UntimedFrame): number | undefined {
    const same = this.#byChecksum.get(checksum(frame.payload))?.filter((trace) => isTraceOf(trace, frame)) ?? [];
    if (same.some(({ sourceTime }) => sourceTime === frame.sourceTime)) return 0;
    const [only, another] = same;
    return only === undefined || another !== undefined ? undefined : (only.sourceTime - frame.sourceTime) | 0;
  }

  compare(frame: UntimedFrame): Standing {
    const sameTime = this.#byTime.get(frame.sourceTime);
    if (sameTime?.some((trace) => isTraceOf(trace, frame)) === true) return 'had';
    const first = this.#firstOfTrack[frame.track];
    const last = this.#lastOfTrack[frame.track];
    if (last === undefined || first === undefined || !isMedia(frame)) return 'next';
    const behindMs = (last - frame.sourceTime) | 0;
    if (behindMs <= 0) return 'next';
    return behindMs <= ((last - first) | 0) + interleaveMs ? 'past' : 'foreign';
  }
}

function append(map: Map<number, Trace[]>, key: number, trace: Trace): void {
  const traces = map.get(key);
  if (traces === undefined) map.set(key, [trace]);
  else traces.push(trace);
}

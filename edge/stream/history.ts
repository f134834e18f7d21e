/**
 * The frames a stream has lately had, by which a new source is recognised as one that carries the same media.
 */

import { type Frame, isMedia, type UntimedFrame } from './frame.ts';

/** At least so much is remembered where GOPs are short: a backup may be behind the source that it replaces. */
const spanMinMs = 2_000;

export class History {
  #older: Frame[] = [];
  #newer: Frame[] = [];
  #newerBytes = 0;
  /** Made when it is asked for, then kept up to date until the GOP ends. */
  #index: FrameIndex | undefined;
  readonly #maxBytes: number;

  /** @param maxBytes of media kept since a keyframe; twice that at most in all */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Keeps the GOPs before the present one too: a backup's cached GOP may have begun before ours did. */
  add(frame: Frame): void {
    const isLong = frame.timeMs - (this.#newer[0]?.timeMs ?? frame.timeMs) >= spanMinMs;
    if ((frame.role === 'keyframe' && isLong) || this.#newerBytes > this.#maxBytes) {
      this.#older = this.#newer;
      this.#newer = [];
      this.#newerBytes = 0;
      this.#index = undefined;
    }
    this.#newer.push(frame);
    this.#newerBytes += frame.payload.length;
    this.#index?.add(frame);
  }

  /** What came before has another clock than what will come. */
  clear(): void {
    this.#older = [];
    this.#newer = [];
    this.#newerBytes = 0;
    this.#index = undefined;
  }

  /** Where a source's frame stands against all that the stream has had by now. */
  compare(frame: UntimedFrame): Standing {
    this.#index ??= this.snapshot();
    return this.#index.compare(frame);
  }

  /** The history as it is now: frames to come don't change it. */
  snapshot(): FrameIndex {
    const index = new FrameIndex();
    for (const frame of this.#older) index.add(frame);
    for (const frame of this.#newer) index.add(frame);
    return index;
  }
}

/**
 * - `had`: the very same frame is here. `next`: nothing here speaks against its coming now.
 * - `past`: it lies in the time covered here, and its track has gone on since.
 * - `foreign`: it lies before all that is remembered: an older part of the stream, or another clock.
 */
export type Standing = 'had' | 'past' | 'next' | 'foreign';

/** Finds frames by what does not change from origin to origin: type, source time and bytes. */
export class FrameIndex {
  readonly #byTime = new Map<number, Frame[]>();
  /** Source time of each track's last frame, and of the very first; unsigned 32-bit values. */
  readonly #lastOfTrack: (number | undefined)[] = [];
  #first: number | undefined;
  /** Bit mask of the tracks with audio or video here. */
  #mediaTracks = 0;

  get mediaTracks(): number {
    return this.#mediaTracks;
  }

  add(frame: Frame): void {
    const sameTime = this.#byTime.get(frame.sourceTime);
    if (sameTime === undefined) this.#byTime.set(frame.sourceTime, [frame]);
    else sameTime.push(frame);
    if (!isMedia(frame)) return;
    this.#first ??= frame.sourceTime;
    this.#lastOfTrack[frame.track] = frame.sourceTime;
    this.#mediaTracks |= 1 << frame.track;
  }

  compare(frame: UntimedFrame): Standing {
    const sameTime = this.#byTime.get(frame.sourceTime);
    if (sameTime?.some((other) => other.type === frame.type && other.payload.equals(frame.payload)) === true) {
      return 'had';
    }
    const last = this.#lastOfTrack[frame.track];
    if (last === undefined || this.#first === undefined || !isMedia(frame)) return 'next';
    const behindMs = (last - frame.sourceTime) | 0;
    if (behindMs <= 0) return 'next';
    return behindMs <= ((last - this.#first) | 0) ? 'past' : 'foreign';
  }
}

/**
 * The frames a stream has lately had, by which a new source is recognised as one that carries the same media.
 */

import type { Frame, UntimedFrame } from './frame.ts';

export class History {
  #older: Frame[] = [];
  #newer: Frame[] = [];
  #newerBytes = 0;
  readonly #maxBytes: number;

  /** @param maxBytes of media kept since a keyframe; twice that at most in all */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Keeps the GOP before this one too: a backup's cached GOP may have begun before ours did. */
  add(frame: Frame): void {
    if (frame.role === 'keyframe' || this.#newerBytes > this.#maxBytes) {
      this.#older = this.#newer;
      this.#newer = [];
      this.#newerBytes = 0;
    }
    this.#newer.push(frame);
    this.#newerBytes += frame.payload.length;
  }

  /** An index to look frames up by what does not change from origin to origin: type, time and bytes. */
  index(): FrameIndex {
    return new FrameIndex([...this.#older, ...this.#newer]);
  }
}

/** Finds frames by content. */
export class FrameIndex {
  readonly #byTime = new Map<number, Frame[]>();
  /** Greatest source time of each track, as an unsigned 32-bit value; undefined for a track without frames. */
  readonly #lastOfTrack: (number | undefined)[] = [];

  constructor(frames: readonly Frame[]) {
    for (const frame of frames) {
      const sameTime = this.#byTime.get(frame.sourceTime);
      if (sameTime === undefined) this.#byTime.set(frame.sourceTime, [frame]);
      else sameTime.push(frame);
      this.#lastOfTrack[frame.track] = frame.sourceTime;
    }
  }

  has(frame: UntimedFrame): boolean {
    const sameTime = this.#byTime.get(frame.sourceTime);
    return sameTime?.some((other) => other.type === frame.type && other.payload.equals(frame.payload)) === true;
  }

  /** Whether the frame's time lies behind what its track has already had. */
  isPast(frame: UntimedFrame): boolean {
    const last = this.#lastOfTrack[frame.track];
    return last !== undefined && ((frame.sourceTime - last) | 0) < 0;
  }
}

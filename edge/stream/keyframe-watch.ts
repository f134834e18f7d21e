/**
 * Which video of a stream can be decoded, by the keyframes that came. Some encoders refresh the picture bit by bit and
 * send no keyframe but the first, or none at all: nobody can wait for one of theirs.
 */

import type { UntimedFrame } from './frame.ts';

/** A source without a keyframe in this many frames has none to wait for (two minutes at 25 frames a second). */
export const framesWithoutKeyframeMax = 3_000;

export class KeyframeWatch {
  #hadKeyframe = false;
  /** Video frames since the last keyframe, or since the beginning. */
  #since = 0;
  /** The most frames that lay between two keyframes. */
  #longestGop = 0;

  /**
   * Whether it makes no sense to wait for a keyframe. Where keyframes are far apart, but come, twice the greatest
   * distance is waited for.
   */
  get lacksKeyframes(): boolean {
    return this.#since > Math.max(framesWithoutKeyframeMax, 2 * this.#longestGop);
  }

  /** Takes a video frame. False: it depends on a keyframe that never came (a publisher may be met between two). */
  isDecodable(frame: UntimedFrame): boolean {
    if (frame.role === 'keyframe') {
      if (this.#hadKeyframe) this.#longestGop = Math.max(this.#longestGop, this.#since);
      this.#hadKeyframe = true;
      this.#since = 0;
    } else this.#since++;
    return this.#hadKeyframe || this.lacksKeyframes;
  }

  /** Another publication begins. */
  restart(): void {
    this.#hadKeyframe = false;
    this.#since = 0;
    this.#longestGop = 0;
  }
}

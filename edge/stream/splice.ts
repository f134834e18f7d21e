/**
 * Joining a new source to a stream that players already watch. A source with the same publisher's clock is
 * recognised by its frames (the same bytes at the same time) and joined frame-exactly: none twice, none missing.
 * Any other source begins at its first keyframe, and the stream's clock goes on from where it was.
 */

import { isHeader, Track, type UntimedFrame } from './frame.ts';
import type { HeaderSet } from './headers.ts';
import type { FrameIndex } from './history.ts';

export type SpliceStep =
  /** Not to be shown: already had, or not decodable yet. */
  | { readonly kind: 'skip' }
  /** The new source takes over with these frames. `sameClock`: its time carries on as it is. */
  | { readonly kind: 'join'; readonly frames: readonly UntimedFrame[]; readonly sameClock: boolean }
  /** A frame of the source that has taken over. */
  | { readonly kind: 'pass' };

const skip: SpliceStep = { kind: 'skip' };
const pass: SpliceStep = { kind: 'pass' };

/** A source without a keyframe in this many frames has none to wait for. */
const framesWithoutKeyframeMax = 3_000;

export class Splice {
  readonly #index: FrameIndex;
  readonly #headers: HeaderSet;
  readonly #hasVideo: boolean;
  #state: 'seeking' | 'same-clock' | 'joined' | 'done' = 'seeking';
  #seen = 0;
  #newHeaders: UntimedFrame[] = [];

  /**
   * @param index what the stream's players have had
   * @param headers the headers they have
   * @param hasVideo whether decoding needs a keyframe
   */
  constructor(index: FrameIndex, headers: HeaderSet, hasVideo: boolean) {
    this.#index = index;
    this.#headers = headers;
    this.#hasVideo = hasVideo;
  }

  /** Every further frame would pass: the splice is of no more use. */
  get done(): boolean {
    return this.#state === 'done';
  }

  /** Decides about the new source's next frame. */
  next(frame: UntimedFrame): SpliceStep {
    if (isHeader(frame)) return this.#header(frame);
    this.#seen++;
    switch (this.#state) {
      case 'seeking':
        return this.#seek(frame);
      case 'same-clock':
        return this.#isRepeat(frame) ? skip : this.#join(frame, true);
      case 'joined':
        // Tracks interleave: one may still repeat what we have while the other is already new.
        if (this.#seen > framesWithoutKeyframeMax) this.#state = 'done';
        return this.#isRepeat(frame) ? skip : pass;
      case 'done':
        return pass;
    }
  }

  #header(frame: UntimedFrame): SpliceStep {
    if (this.#state === 'joined' || this.#state === 'done') return pass;
    if (!this.#headers.has(frame)) this.#newHeaders.push(frame);
    return skip;
  }

  #seek(frame: UntimedFrame): SpliceStep {
    if (this.#index.has(frame)) {
      this.#state = 'same-clock';
      return skip;
    }
    const decodable = frame.role === 'keyframe' || (!this.#hasVideo && frame.track === Track.audio);
    return decodable || this.#seen > framesWithoutKeyframeMax ? this.#join(frame, false) : skip;
  }

  #join(frame: UntimedFrame, sameClock: boolean): SpliceStep {
    this.#state = sameClock ? 'joined' : 'done';
    const headers = this.#newHeaders.map((header) => ({ ...header, sourceTime: frame.sourceTime }));
    return { kind: 'join', frames: [...headers, frame], sameClock };
  }

  #isRepeat(frame: UntimedFrame): boolean {
    return this.#index.has(frame) || this.#index.isPast(frame);
  }
}

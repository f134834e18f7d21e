/**
 * The GOP cache: the frames since the last keyframe, so that a new player has a picture at once. It is filled
 * slice by slice, so that whoever gets it is in step with the next slice.
 */

import { type Frame, Track } from './frame.ts';
import { HeaderSet } from './headers.ts';
import { Slice, type TrackTimes } from './slice.ts';

export interface GopCacheLimits {
  /** SRS's `gop_cache_max_frames`: messages of all kinds. */
  readonly maxFrames: number;
  readonly maxBytes: number;
}

export class GopCache {
  #frames: Frame[] = [];
  #bytes = 0;
  #headersBefore: HeaderSet = HeaderSet.empty;
  #headersAfter: HeaderSet = HeaderSet.empty;
  #slice: Slice | undefined;

  /** Takes in a slice that players have been given. */
  add(slice: Slice, limits: GopCacheLimits): void {
    this.#slice = undefined;
    this.#headersAfter = slice.headersAfter;
    if (slice.keyframeIndex >= 0) this.#begin(slice);
    else if (changesVideo(slice)) this.clear();
    else if (this.#frames.length > 0) for (const frame of slice.frames) this.#push(frame);
    // A stream without keyframes must not fill the memory.
    if (this.#frames.length > limits.maxFrames || this.#bytes > limits.maxBytes) this.clear();
  }

  /** The cached GOP as a slice to begin with, or undefined when there is none. */
  get opening(): Slice | undefined {
    if (this.#frames.length === 0) return undefined;
    this.#slice ??= new Slice([...this.#frames], this.#headersBefore, noTimes, this.#headersAfter);
    return this.#slice;
  }

  clear(): void {
    this.#frames = [];
    this.#bytes = 0;
    this.#slice = undefined;
  }

  #begin(slice: Slice): void {
    this.clear();
    for (const frame of slice.frames.slice(slice.keyframeIndex)) this.#push(frame);
    this.#headersBefore = slice.headersAt(slice.keyframeIndex);
  }

  #push(frame: Frame): void {
    this.#frames.push(frame);
    this.#bytes += frame.payload.length;
  }
}

const noTimes: TrackTimes = [];

/** Frames before a changed video header can't be decoded with it. */
function changesVideo(slice: Slice): boolean {
  if (slice.headersAfter === slice.headersBefore) return false;
  return slice.frames.some(
    (frame) => frame.track === Track.video && frame.role === 'header' && !slice.headersBefore.has(frame),
  );
}

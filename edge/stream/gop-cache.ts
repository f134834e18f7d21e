/**
 * What a new player is given at once, in step with the next slice.
 *
 * As long as the GOP is within the limits, that is all since its keyframe: picture and sound. A GOP that outgrows them
 * is of no use to a newcomer: its beginning cannot be shown without a leap in time, and its end cannot be decoded
 * without its beginning. Then, and where there is no keyframe at all, the newest sound is kept instead: a player hears
 * the stream at once and sees it from the next keyframe on.
 */

import type { MediaMemory } from '../budget/media-memory.ts';
import { type Frame, Track } from './frame.ts';
import { HeaderSet } from './headers.ts';
import { Slice, type TrackTimes } from './slice.ts';

export interface GopCacheLimits {
  /** SRS's `gop_cache_max_frames`: messages of all kinds. */
  readonly maxFrames: number;
  readonly maxBytes: number;
}

/** Sound kept where there is no GOP: enough to begin at once, too little to be late. */
const soundMs = 1_000;

/**
 * A page of the GOP has about this many bytes. Its encoded form is shared by all who join before the GOP ends; of the
 * last, unfinished page it is made again after each slice.
 */
const pageBytes = 64 * 1024;

export class GopCache {
  readonly #memory: MediaMemory;
  /** Finished pages of the GOP, or slices of sound. */
  #pages: Slice[] = [];
  #holds: 'gop' | 'sound' = 'sound';
  /** The page that is being filled. */
  #open: Frame[] = [];
  #openBytes = 0;
  #openHeaders: HeaderSet = HeaderSet.empty;
  #openTimes: TrackTimes = [];
  #frameCount = 0;
  #bytes = 0;
  #headersAfter: HeaderSet = HeaderSet.empty;
  #floorMs: number | undefined;
  #opening: readonly Slice[] | undefined;

  /** @param memory where what is kept is counted */
  constructor(memory: MediaMemory) {
    this.#memory = memory;
  }

  /** Whether a new player has a picture at once. */
  get holdsPicture(): boolean {
    return this.#holds === 'gop';
  }

  /** Bytes kept, encoded ones included. */
  get keptBytes(): number {
    return this.#pages.reduce((sum, page) => sum + page.heldBytes, this.#openBytes);
  }

  /** Takes in a slice that players have been given. */
  add(slice: Slice, limits: GopCacheLimits): void {
    this.#opening = undefined;
    this.#headersAfter = slice.headersAfter;
    this.#floorMs = slice.floorMs;
    if (slice.keyframeIndex >= 0) this.#begin(slice);
    else if (this.#holds === 'sound' || changesVideo(slice)) return this.#addSound(slice, limits);
    else {
      if (this.#open.length === 0) this.#openPage(slice.headersBefore, slice.lastTimes);
      for (const frame of slice.frames) this.#push(frame);
    }
    if (this.#openBytes >= pageBytes) this.#closePage();
    if (this.#frameCount > limits.maxFrames || this.#bytes > limits.maxBytes) this.#addSound(slice, limits);
  }

  /** What is kept, as slices that follow on each other; empty when there is nothing. */
  get opening(): readonly Slice[] {
    this.#opening ??= this.#open.length === 0 ? [...this.#pages] : [...this.#pages, this.#page()];
    return this.#opening;
  }

  /** Forgets all; what comes is kept as sound until the next keyframe. */
  clear(): void {
    for (const page of this.#pages) page.keep(this.#memory, false);
    this.#memory.change('gop_cache', -this.#openBytes);
    this.#pages = [];
    this.#holds = 'sound';
    this.#open = [];
    this.#openBytes = 0;
    this.#frameCount = 0;
    this.#bytes = 0;
    this.#opening = undefined;
  }

  #begin(slice: Slice): void {
    this.clear();
    this.#holds = 'gop';
    this.#openPage(slice.headersAt(slice.keyframeIndex), []);
    for (let index = slice.keyframeIndex; index < slice.frames.length; index++)
      this.#push(slice.frames[index] as Frame);
  }

  #openPage(headersBefore: HeaderSet, lastTimes: TrackTimes): void {
    this.#openHeaders = headersBefore;
    this.#openTimes = lastTimes;
  }

  #push(frame: Frame): void {
    this.#open.push(frame);
    this.#openBytes += frame.payload.length;
    this.#memory.change('gop_cache', frame.payload.length);
    this.#frameCount++;
    this.#bytes += frame.payload.length;
  }

  #page(): Slice {
    return new Slice({
      frames: [...this.#open],
      headersBefore: this.#openHeaders,
      headersAfter: this.#headersAfter,
      lastTimes: this.#openTimes,
      floorMs: this.#floorMs,
    });
  }

  #closePage(): void {
    const page = this.#page();
    page.keep(this.#memory, true);
    this.#pages.push(page);
    this.#memory.change('gop_cache', -this.#openBytes);
    this.#open = [];
    this.#openBytes = 0;
  }

  #addSound(slice: Slice, limits: GopCacheLimits): void {
    if (this.#holds === 'gop') this.clear();
    const sound = slice.withoutVideo;
    if (sound === undefined) return;
    this.#opening = undefined;
    sound.keep(this.#memory, true);
    this.#pages.push(sound);
    this.#frameCount += sound.frames.length;
    this.#bytes += sound.payloadBytes;
    let excess = 0;
    for (const page of this.#pages) {
      const isOld = sound.endMs - page.endMs > soundMs;
      if (!isOld && this.#frameCount <= limits.maxFrames && this.#bytes <= limits.maxBytes) break;
      this.#frameCount -= page.frames.length;
      this.#bytes -= page.payloadBytes;
      page.keep(this.#memory, false);
      excess++;
    }
    this.#pages.splice(0, excess);
  }
}

/** Frames before a changed video header can't be decoded with it. */
function changesVideo(slice: Slice): boolean {
  if (slice.headersAfter === slice.headersBefore) return false;
  return slice.frames.some(
    (frame) => frame.track === Track.video && frame.role === 'header' && !slice.headersBefore.has(frame),
  );
}

/**
 * What a new player is given at once, in step with the next slice.
 *
 * As long as the GOP is within the limits, that is all since its keyframe: picture and sound. A GOP that outgrows them
 * is of no use to a newcomer: its beginning cannot be shown without a leap in time, and its end cannot be decoded
 * without its beginning. Then, and where there is no keyframe at all, the newest sound is kept instead: a player hears
 * the stream at once and sees it from the next keyframe on.
 */

import type { MediaMemory } from '../budget/media-memory.ts';
import { slicePool } from './buffer-pool.ts';
import { Track } from './frame.ts';
import { GopPage, type PageStart } from './gop-page.ts';
import type { Slice } from './slice.ts';
import { contentOf } from './slice-content.ts';

export interface GopCacheLimits {
  /** SRS's `gop_cache_max_frames`: messages of all kinds. */
  readonly maxFrames: number;
  readonly maxBytes: number;
}

/** Sound kept where there is no GOP: enough to begin at once, too little to be late. */
const soundMs = 1_000;

/** The room of a page. What is left of the GOP may need less, and a single slice more. */
const pageMaxBytes = 64 * 1024;
const pageMinBytes = 16 * 1024;

export class GopCache {
  readonly #memory: MediaMemory;
  #holds: 'gop' | 'sound' = 'sound';
  /** The GOP; all but the last page are finished. */
  #pages: GopPage[] = [];
  /** Pages, from the first on, that players have been given as slices, which count what they hold. */
  #shown: Slice[] = [];
  /** Memory of the other pages. */
  #unshownBytes = 0;
  #sound: Slice[] = [];
  #frameCount = 0;
  #bytes = 0;
  /** What the GOP before had. */
  #usualBytes = Number.POSITIVE_INFINITY;
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
    return [...this.#shown, ...this.#sound].reduce((sum, slice) => sum + slice.heldBytes, this.#unshownBytes);
  }

  /** Takes in a slice that players are given. */
  add(slice: Slice, limits: GopCacheLimits): void {
    this.#opening = undefined;
    if (slice.keyframeAt >= 0) this.#begin(slice);
    else if (this.#holds === 'sound' || changesVideo(slice)) return this.#addSound(slice, limits);
    else this.#push(slice, 0, slice);
    if (this.#frameCount > limits.maxFrames || this.#bytes > limits.maxBytes) this.#addSound(slice, limits);
  }

  /** What is kept, as slices that follow on each other; empty when there is nothing. */
  get opening(): readonly Slice[] {
    this.#opening ??= this.#holds === 'sound' ? [...this.#sound] : this.#showPages();
    return this.#opening;
  }

  /** Forgets all; what comes is kept as sound until the next keyframe. */
  clear(): void {
    for (const slice of [...this.#shown, ...this.#sound]) slice.keep(this.#memory, false);
    this.#memory.change('gop_cache', -this.#unshownBytes);
    for (const page of this.#pages) page.free();
    this.#holds = 'sound';
    this.#pages = [];
    this.#shown = [];
    this.#unshownBytes = 0;
    this.#sound = [];
    this.#frameCount = 0;
    this.#bytes = 0;
    this.#opening = undefined;
  }

  #begin(slice: Slice): void {
    if (this.#holds === 'gop') this.#usualBytes = this.#bytes;
    this.clear();
    this.#holds = 'gop';
    this.#push(slice, slice.keyframeAt, { headersBefore: slice.headersAt(slice.keyframeAt), lastTimes: [] });
  }

  /** @param from position of the first frame to keep */
  #push(slice: Slice, from: number, start: PageStart): void {
    const { frameCount, payloadBytes } = from === 0 ? slice : contentOf(slice.frames, from);
    const neededBytes = slice.frames.end - from;
    let page = this.#pages.at(-1);
    if (page === undefined || page.freeBytes < neededBytes) {
      const likelyBytes = Math.max(this.#usualBytes - this.#bytes, this.#bytes / 4, pageMinBytes);
      page = new GopPage(start, Math.max(neededBytes, Math.min(likelyBytes, pageMaxBytes)), slicePool);
      this.#pages.push(page);
      this.#unshownBytes += page.roomBytes;
      this.#memory.change('gop_cache', page.roomBytes);
    }
    page.add(slice, from);
    this.#frameCount += frameCount;
    this.#bytes += payloadBytes;
  }

  #showPages(): Slice[] {
    const last = this.#pages.length - 1;
    for (let index = this.#shown.length; index < last; index++) {
      const page = this.#pages[index] as GopPage;
      const slice = page.show();
      slice.keep(this.#memory, true);
      this.#shown.push(slice);
      this.#unshownBytes -= page.roomBytes;
      this.#memory.change('gop_cache', -page.roomBytes);
    }
    return this.#pages.map((page) => page.show());
  }

  #addSound(slice: Slice, limits: GopCacheLimits): void {
    if (this.#holds === 'gop') this.clear();
    const { sound } = slice;
    if (sound === undefined) return;
    this.#opening = undefined;
    sound.keep(this.#memory, true);
    this.#sound.push(sound);
    this.#frameCount += sound.frameCount;
    this.#bytes += sound.payloadBytes;
    let excess = 0;
    for (const old of this.#sound) {
      const isOld = sound.endMs - old.endMs > soundMs;
      if (!isOld && this.#frameCount <= limits.maxFrames && this.#bytes <= limits.maxBytes) break;
      this.#frameCount -= old.frameCount;
      this.#bytes -= old.payloadBytes;
      old.keep(this.#memory, false);
      excess++;
    }
    this.#sound.splice(0, excess);
  }
}

/** Frames before a changed video header can't be decoded with it. */
function changesVideo({ frames, headersBefore, headersAfter }: Slice): boolean {
  if (headersAfter === headersBefore) return false;
  for (let at = 0; at < frames.end; at = frames.next(at)) {
    const isVideoHeader = frames.track(at) === Track.video && frames.role(at) === 'header';
    if (isVideoHeader && !headersBefore.has(frames.frame(at))) return true;
  }
  return false;
}

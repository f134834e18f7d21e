/**
 * What a new player is given at once, in step with the next slice.
 *
 * As long as the GOP is within the limits, that is all since its keyframe: picture and sound. A GOP that outgrows them
 * is of no use to a newcomer: its beginning cannot be shown without a leap in time, and its end cannot be decoded
 * without its beginning. Then, and where there is no keyframe at all, the newest sound is kept instead: a player hears
 * the stream at once and sees it from the next keyframe on.
 *
 * A GOP that has only just begun may be a single frame, and the next slice is a merged write away. Until that comes, the
 * GOP before it is given, too: whoever joins just behind a keyframe would stand still after that frame otherwise.
 */

import type { MediaMemory } from '../budget/media-memory.ts';
import { Track } from './frame.ts';
import { Gop } from './gop.ts';
import type { Slice } from './slice.ts';
import { dividedAt, wholeOf } from './slice-part.ts';

export interface GopCacheLimits {
  /** SRS's `gop_cache_max_frames`: messages of all kinds. */
  readonly maxFrames: number;
  readonly maxBytes: number;
}

/** Sound kept where there is no GOP: enough to begin at once, too little to be late. */
const soundMs = 1_000;

export class GopCache {
  readonly #memory: MediaMemory;
  #gop: Gop | undefined;
  /** The one before, until the present one has a second slice. */
  #before: Gop | undefined;
  /** What there is instead of a GOP. */
  #sound: Slice[] = [];
  #soundFrames = 0;
  #soundBytes = 0;
  #opening: readonly Slice[] | undefined;

  /** @param memory where what is kept is counted */
  constructor(memory: MediaMemory) {
    this.#memory = memory;
  }

  /** Whether a new player has a picture at once. */
  get holdsPicture(): boolean {
    return this.#gop !== undefined;
  }

  /** Bytes kept, encoded ones included. */
  get keptBytes(): number {
    const gopBytes = (this.#before?.keptBytes ?? 0) + (this.#gop?.keptBytes ?? 0);
    return this.#sound.reduce((sum, slice) => sum + slice.heldBytes, gopBytes);
  }

  /** Takes in a slice that players are given. */
  add(slice: Slice, limits: GopCacheLimits): void {
    this.#opening = undefined;
    if (slice.keyframeAt >= 0) this.#begin(slice);
    else if (this.#gop === undefined || changesVideo(slice)) return this.#addSound(slice, limits);
    else {
      this.#freeBefore();
      this.#gop.add(wholeOf(slice));
    }
    if (exceeds(limits, this.#before, this.#gop)) this.#freeBefore();
    if (exceeds(limits, this.#gop)) this.#addSound(slice, limits);
  }

  /** What is kept, as slices that follow on each other; empty when there is nothing. */
  get opening(): readonly Slice[] {
    this.#opening ??= [...(this.#before?.show() ?? []), ...this.newest];
    return this.#opening;
  }

  /** The same without the GOP before the present one. */
  get newest(): readonly Slice[] {
    return this.#gop?.show() ?? this.#sound.slice();
  }

  /** Forgets all; what comes is kept as sound until the next keyframe. */
  clear(): void {
    this.#freeBefore();
    this.#gop?.free();
    this.#gop = undefined;
    this.#clearSound();
    this.#opening = undefined;
  }

  #begin(slice: Slice): void {
    const old = this.#gop;
    const [end, start] = dividedAt(slice, slice.keyframeAt);
    this.#freeBefore();
    this.#clearSound();
    this.#gop = new Gop(this.#memory, old?.payloadBytes ?? Number.POSITIVE_INFINITY);
    this.#gop.add(start);
    if (old === undefined) return;
    // Nobody has to begin with a picture that is about to change its size or codec.
    if (changesVideo(slice)) return old.free();
    if (end !== undefined) old.add(end);
    old.complete();
    this.#before = old;
  }

  #freeBefore(): void {
    this.#before?.free();
    this.#before = undefined;
  }

  #clearSound(): void {
    for (const slice of this.#sound) slice.keep(this.#memory, false);
    this.#sound = [];
    this.#soundFrames = 0;
    this.#soundBytes = 0;
  }

  #addSound(slice: Slice, limits: GopCacheLimits): void {
    if (this.#gop !== undefined) this.clear();
    const { sound } = slice;
    if (sound === undefined) return;
    this.#opening = undefined;
    sound.keep(this.#memory, true);
    this.#sound.push(sound);
    this.#soundFrames += sound.frameCount;
    this.#soundBytes += sound.payloadBytes;
    let excess = 0;
    for (const old of this.#sound) {
      const isOld = sound.endMs - old.endMs > soundMs;
      if (!isOld && this.#soundFrames <= limits.maxFrames && this.#soundBytes <= limits.maxBytes) break;
      this.#soundFrames -= old.frameCount;
      this.#soundBytes -= old.payloadBytes;
      old.keep(this.#memory, false);
      excess++;
    }
    this.#sound.splice(0, excess);
  }
}

function exceeds({ maxFrames, maxBytes }: GopCacheLimits, ...gops: readonly (Gop | undefined)[]): boolean {
  let frames = 0;
  let bytes = 0;
  for (const gop of gops) {
    frames += gop?.frameCount ?? 0;
    bytes += gop?.payloadBytes ?? 0;
  }
  return frames > maxFrames || bytes > maxBytes;
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

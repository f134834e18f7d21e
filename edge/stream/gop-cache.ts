/**
 * What a new player is given at once, in step with the next slice.
 *
 * As long as the GOP is within the limits, that is all since its keyframe: picture and sound. A GOP that outgrows them
 * is of no use to a newcomer: its beginning cannot be shown without a leap in time, and its end cannot be decoded
 * without its beginning. Then, and where there is no keyframe at all, the newest sound is kept instead: a player hears
 * the stream at once and sees it from the next keyframe on.
 */

import type { MediaMemory } from '../budget/media-memory.ts';
import { Track } from './frame.ts';
import { Slice } from './slice.ts';

export interface GopCacheLimits {
  /** SRS's `gop_cache_max_frames`: messages of all kinds. */
  readonly maxFrames: number;
  readonly maxBytes: number;
}

/** Sound kept where there is no GOP: enough to begin at once, too little to be late. */
const soundMs = 1_000;

/**
 * A page of the GOP has about this many bytes. Its encoded form is shared by all who join before the GOP ends; of the
 * last, unfinished page it is made again after each slice. Pages are made when somebody joins.
 */
const pageBytes = 64 * 1024;

/** What one slice has brought to the GOP. */
type Piece = Pick<Slice, 'frames' | 'headersBefore' | 'headersAfter' | 'lastTimes' | 'floorMs' | 'payloadBytes'>;

export class GopCache {
  readonly #memory: MediaMemory;
  /** Finished pages of the GOP, or slices of sound. */
  #pages: Slice[] = [];
  #holds: 'gop' | 'sound' = 'sound';
  /** What is in no page yet. */
  #pieces: Piece[] = [];
  #piecesBytes = 0;
  #frameCount = 0;
  #bytes = 0;
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
    return this.#pages.reduce((sum, page) => sum + page.heldBytes, this.#piecesBytes);
  }

  /** Takes in a slice that players have been given. */
  add(slice: Slice, limits: GopCacheLimits): void {
    this.#opening = undefined;
    if (slice.keyframeIndex >= 0) this.#begin(slice);
    else if (this.#holds === 'sound' || changesVideo(slice)) return this.#addSound(slice, limits);
    else this.#push(slice);
    if (this.#frameCount > limits.maxFrames || this.#bytes > limits.maxBytes) this.#addSound(slice, limits);
  }

  /** What is kept, as slices that follow on each other; empty when there is nothing. */
  get opening(): readonly Slice[] {
    if (this.#opening === undefined) {
      const unfinished = this.#makePages();
      this.#opening = unfinished === undefined ? [...this.#pages] : [...this.#pages, unfinished];
    }
    return this.#opening;
  }

  /** Forgets all; what comes is kept as sound until the next keyframe. */
  clear(): void {
    for (const page of this.#pages) page.keep(this.#memory, false);
    this.#memory.change('gop_cache', -this.#piecesBytes);
    this.#pages = [];
    this.#holds = 'sound';
    this.#pieces = [];
    this.#piecesBytes = 0;
    this.#frameCount = 0;
    this.#bytes = 0;
    this.#opening = undefined;
  }

  #begin(slice: Slice): void {
    this.clear();
    this.#holds = 'gop';
    const { keyframeIndex: from, headersAfter, floorMs } = slice;
    const frames = slice.frames.slice(from);
    const payloadBytes = frames.reduce((sum, { payload }) => sum + payload.length, 0);
    this.#push({ frames, headersBefore: slice.headersAt(from), headersAfter, lastTimes: [], floorMs, payloadBytes });
  }

  #push({ frames, headersBefore, headersAfter, lastTimes, floorMs, payloadBytes }: Piece): void {
    this.#pieces.push({ frames, headersBefore, headersAfter, lastTimes, floorMs, payloadBytes });
    this.#piecesBytes += payloadBytes;
    this.#memory.change('gop_cache', payloadBytes);
    this.#frameCount += frames.length;
    this.#bytes += payloadBytes;
  }

  /** Puts what is in no page yet into pages. Returns the last one, unless it is finished. */
  #makePages(): Slice | undefined {
    let pieces: Piece[] = [];
    let bytes = 0;
    for (const piece of this.#pieces) {
      pieces.push(piece);
      bytes += piece.payloadBytes;
      if (bytes < pageBytes) continue;
      const page = pageOf(pieces);
      page?.keep(this.#memory, true);
      if (page !== undefined) this.#pages.push(page);
      this.#memory.change('gop_cache', -bytes);
      this.#piecesBytes -= bytes;
      pieces = [];
      bytes = 0;
    }
    this.#pieces = pieces;
    return pageOf(pieces);
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

/** The pieces as one slice; undefined when there are none. */
function pageOf(pieces: readonly Piece[]): Slice | undefined {
  const [first, last] = [pieces[0], pieces.at(-1)];
  if (first === undefined || last === undefined) return undefined;
  const { headersBefore, lastTimes } = first;
  const { headersAfter, floorMs } = last;
  const frames = pieces.flatMap((piece) => piece.frames);
  return new Slice({ frames, headersBefore, headersAfter, lastTimes, floorMs });
}

/** Frames before a changed video header can't be decoded with it. */
function changesVideo(slice: Slice): boolean {
  if (slice.headersAfter === slice.headersBefore) return false;
  return slice.frames.some(
    (frame) => frame.track === Track.video && frame.role === 'header' && !slice.headersBefore.has(frame),
  );
}

/**
 * A part of a GOP: the frames of slices that follow on each other, in one buffer. It becomes a slice of its own when
 * somebody joins; its encoded form is then shared by all who join before the GOP ends.
 */

import { noBytes } from '../rtmp/chunk-streams.ts';
import type { BufferPool } from './buffer-pool.ts';
import type { HeaderSet } from './headers.ts';
import { PackedFrames } from './packed-frames.ts';
import { Slice } from './slice.ts';
import type { SlicePart } from './slice-part.ts';
import type { TrackTimes } from './wire-format.ts';

export class GopPage {
  readonly #headersBefore: HeaderSet;
  readonly #lastTimes: TrackTimes;
  readonly #pool: BufferPool;
  #bytes: Buffer;
  #end = 0;
  #headersAfter: HeaderSet;
  #floorMs = Number.POSITIVE_INFINITY;
  #slice: Slice | undefined;
  #wasShown = false;

  /**
   * @param first what will be added first
   * @param bytes room for so much, records of the frames included
   */
  constructor({ headersBefore, lastTimes }: SlicePart, bytes: number, pool: BufferPool) {
    this.#headersBefore = headersBefore;
    this.#lastTimes = lastTimes;
    this.#headersAfter = headersBefore;
    this.#pool = pool;
    this.#bytes = pool.takeRoom(bytes);
  }

  /** Bytes of its memory. */
  get roomBytes(): number {
    return this.#bytes.length;
  }

  /** Room that is left. */
  get freeBytes(): number {
    return this.#bytes.length - this.#end;
  }

  /** Adds frames for which there is room. */
  add({ frames, from, to, headersAfter, floorMs }: SlicePart): void {
    this.#end += frames.bytes.copy(this.#bytes, this.#end, from, to);
    this.#headersAfter = headersAfter;
    this.#floorMs = floorMs;
    this.#slice = undefined;
  }

  /** What is in it, for players: the same object until more is added. */
  show(): Slice {
    if (this.#slice === undefined) {
      this.#slice = new Slice({
        frames: new PackedFrames(this.#bytes, this.#end),
        headersBefore: this.#headersBefore,
        headersAfter: this.#headersAfter,
        lastTimes: this.#lastTimes,
        floorMs: this.#floorMs,
      });
      this.#wasShown = true;
    }
    return this.#slice;
  }

  /** It is not kept any more. Players may still have to do with what they have been shown. */
  free(): void {
    if (!this.#wasShown) this.#pool.give(this.#bytes);
    this.#bytes = noBytes;
  }
}

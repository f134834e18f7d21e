/**
 * Packs frames as they come, in memory of a pool.
 */

import { noBytes } from '../rtmp/chunk-streams.ts';
import type { BufferPool } from './buffer-pool.ts';
import type { Frame } from './frame.ts';
import { PackedFrames, packedSize, writeFrame } from './packed-frames.ts';

/** Memory doubles as it fills up to this size; then it grows by what is needed. */
const doublingMaxBytes = 1024 * 1024;

/** Room of so little is not worth a copy. */
const smallBytes = 4096;

export class FramePacker {
  readonly #pool: BufferPool;
  #bytes: Buffer = noBytes;
  #end = 0;
  #count = 0;
  /** What was handed over last: the next ones will need about as much. */
  #likelyBytes = 0;

  constructor(pool: BufferPool) {
    this.#pool = pool;
  }

  /** Frames that are in. */
  get count(): number {
    return this.#count;
  }

  /** Bytes that they take. */
  get packedBytes(): number {
    return this.#end;
  }

  /** The frames that are in, until the next one comes. */
  get frames(): PackedFrames {
    return new PackedFrames(this.#bytes, this.#end);
  }

  add(frame: Frame): void {
    const end = this.#end + packedSize(frame);
    if (end > this.#bytes.length) this.#grow(end);
    this.#end = writeFrame(this.#bytes, this.#end, frame);
    this.#count++;
  }

  /** Hands over all that is in, with the memory, and begins with nothing. */
  take(): PackedFrames {
    this.#likelyBytes = this.#end;
    // A small slice behind a large one: somebody may wait for it for long.
    if (this.#bytes.length > smallBytes && 2 * this.#end < this.#bytes.length)
      this.#moveTo(this.#pool.takeRoom(this.#end));
    const { frames } = this;
    this.#begin();
    return frames;
  }

  /** Forgets what is in. */
  discard(): void {
    this.#pool.give(this.#bytes);
    this.#begin();
  }

  #begin(): void {
    this.#bytes = noBytes;
    this.#end = 0;
    this.#count = 0;
  }

  #grow(needed: number): void {
    const old = this.#bytes;
    const likely = old.length === 0 ? this.#likelyBytes : old.length > doublingMaxBytes ? 0 : 2 * old.length;
    this.#moveTo(this.#pool.takeRoom(Math.max(needed, likely)));
  }

  #moveTo(room: Buffer): void {
    const old = this.#bytes;
    old.copy(room, 0, 0, this.#end);
    this.#bytes = room;
    this.#pool.give(old);
  }
}

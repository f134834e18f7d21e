/**
 * Buffers that are used again and again. Every stream needs one for each of its slices, some times a second, and mostly
 * the kernel has taken the bytes for the last player by the time that all have been given them. The next slice gets
 * the same memory, which is still in the processor's cache, and nothing is left for the garbage collector.
 */

/** Sizes are this, 1.5, 2, 3, 4, 6, 8, … times this: so few that what one gave back is what another takes. */
const leastBytes = 1024;

/** Greater ones are rare: they are not kept. */
const bufferMaxBytes = 512 * 1024;

/**
 * Free buffers of all sizes. Slices of many streams close in the same moments and GOPs end in others: with 1,000 streams
 * of 600 kb/s up to 99 MB were free. What is made anew instead is garbage that V8 counts: with 32 MB it marked its whole
 * heap more than once a second, which was half of what the edge took.
 */
const freeMaxBytes = 96 * 1024 * 1024;

/** Of what was free all this time, half is let go. */
const trimAfterMs = 5_000;

interface Size {
  readonly bytes: number;
  readonly free: ArrayBufferLike[];
  /** As few were free at once since the last trim: so many were not needed. */
  leastFree: number;
}

export class BufferPool {
  /** The smallest first. */
  readonly #sizes: readonly Size[] = sizesUpTo(bufferMaxBytes).map((bytes) => ({ bytes, free: [], leastFree: 0 }));
  /** Memory that was made here: only that may be used again. */
  readonly #own = new WeakSet<ArrayBufferLike>();
  #freeBytes = 0;
  #trimTimer: NodeJS.Timeout | undefined;

  /** Memory that is kept and not in use. */
  get freeBytes(): number {
    return this.#freeBytes;
  }

  /** A buffer of arbitrary content. Whoever takes it may give it back. */
  take(bytes: number): Buffer {
    return this.takeRoom(bytes).subarray(0, bytes);
  }

  /** A buffer of so many bytes or more. */
  takeRoom(bytes: number): Buffer {
    const size = this.#sizes[sizeIndex(bytes)];
    if (size === undefined) return Buffer.allocUnsafeSlow(bytes);
    const memory = size.free.pop();
    if (memory === undefined) return this.#make(size.bytes);
    this.#freeBytes -= size.bytes;
    size.leastFree = Math.min(size.leastFree, size.free.length);
    return Buffer.from(memory);
  }

  #make(bytes: number): Buffer {
    const buffer = Buffer.allocUnsafeSlow(bytes);
    this.#own.add(buffer.buffer);
    return buffer;
  }

  /** @param buffer from `take`; nobody looks at it any more. Others are passed over. */
  give({ buffer: memory }: Buffer): void {
    if (!this.#own.has(memory)) return;
    this.#sizes[sizeIndex(memory.byteLength)]?.free.push(memory);
    this.#freeBytes += memory.byteLength;
    while (this.#freeBytes > freeMaxBytes) this.#dropOne();
    this.#trimTimer ??= setTimeout(() => this.trim(), trimAfterMs).unref();
  }

  /**
   * Lets go of half of what nobody has needed since the last time. Called by a timer as long as anything is free: after
   * a busy hour, the memory goes back.
   */
  trim(): void {
    clearTimeout(this.#trimTimer);
    this.#trimTimer = this.#freeBytes > 0 ? setTimeout(() => this.trim(), trimAfterMs).unref() : undefined;
    for (const size of this.#sizes) {
      this.#drop(size, Math.ceil(size.leastFree / 2));
      size.leastFree = size.free.length;
    }
  }

  /**
   * Drops a buffer of the size that most memory is free of. Sizes that were in use once and are no more (streams begin
   * with large slices) would fill the pool otherwise.
   */
  #dropOne(): void {
    this.#drop(
      this.#sizes.reduce((most, size) => (freeBytesOf(size) > freeBytesOf(most) ? size : most)),
      1,
    );
  }

  /** Drops those that have been free for longest. */
  #drop(size: Size, count: number): void {
    this.#freeBytes -= size.free.splice(0, count).length * size.bytes;
    size.leastFree = Math.min(size.leastFree, size.free.length);
  }
}

function freeBytesOf({ bytes, free }: Size): number {
  return bytes * free.length;
}

function sizesUpTo(maxBytes: number): number[] {
  const sizes: number[] = [];
  for (let index = 0; sizeBytes(index) <= maxBytes; index++) sizes.push(sizeBytes(index));
  return sizes;
}

/** Number of the least size that has room for so many bytes. */
function sizeIndex(bytes: number): number {
  if (bytes <= leastBytes) return 0;
  const doublings = 32 - Math.clz32((bytes - 1) / leastBytes);
  return bytes <= sizeBytes(2 * doublings - 1) ? 2 * doublings - 1 : 2 * doublings;
}

function sizeBytes(index: number): number {
  return leastBytes * 2 ** Math.ceil(index / 2) * (index % 2 === 0 ? 1 : 0.75);
}

/** All streams of the process share it. */
export const slicePool: BufferPool = new BufferPool();

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
 * Free buffers of all sizes. Slices of many streams close in the same moments and GOPs end in others. With 8 MB, 300
 * streams of 600 kb/s made 26 MB of new buffers a second; with this, 1 to 4.
 */
const freeMaxBytes = 32 * 1024 * 1024;

export class BufferPool {
  /** By size. */
  readonly #free: ArrayBufferLike[][] = [];
  /** Memory that was made here: only that may be used again. */
  readonly #own = new WeakSet<ArrayBufferLike>();
  #freeBytes = 0;

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
    if (bytes > bufferMaxBytes) return Buffer.allocUnsafeSlow(bytes);
    const size = sizeIndex(bytes);
    const free = this.#free[size]?.pop();
    if (free === undefined) return this.#make(sizeBytes(size));
    this.#freeBytes -= free.byteLength;
    return Buffer.from(free);
  }

  #make(bytes: number): Buffer {
    const buffer = Buffer.allocUnsafeSlow(bytes);
    this.#own.add(buffer.buffer);
    return buffer;
  }

  /** @param buffer from `take`; nobody looks at it any more. Others are passed over. */
  give({ buffer: memory }: Buffer): void {
    if (!this.#own.has(memory)) return;
    const bytes = memory.byteLength;
    const size = sizeIndex(bytes);
    while (this.#free.length <= size) this.#free.push([]);
    this.#free[size]?.push(memory);
    this.#freeBytes += bytes;
    while (this.#freeBytes > freeMaxBytes) this.#dropOne();
  }

  /**
   * Drops a buffer of the size that most memory is free of. Sizes that were in use once and are no more (streams begin
   * with large slices) would fill the pool for ever otherwise.
   */
  #dropOne(): void {
    let most = 0;
    const bytesOf = (size: number): number => (this.#free[size]?.length ?? 0) * sizeBytes(size);
    for (let size = 1; size < this.#free.length; size++) if (bytesOf(size) > bytesOf(most)) most = size;
    this.#freeBytes -= this.#free[most]?.pop()?.byteLength ?? 0;
  }
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

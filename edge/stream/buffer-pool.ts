/**
 * Buffers that are used again and again. Every stream needs one for each of its slices, some times a second, and mostly
 * the kernel has taken the bytes for the last player by the time that all have been given them. The next slice gets
 * the same memory, which is still in the processor's cache, and nothing is left for the garbage collector.
 */

/** Sizes are multiples of this. */
const stepBytes = 8 * 1024;

/** Greater ones are rare: they are not kept. */
const bufferMaxBytes = 512 * 1024;

/** Kept of one size. Slices come and go one after the other: few are free at the same time. */
const keptOfSizeMax = 4;

export class BufferPool {
  /** By size, in steps. */
  readonly #free: ArrayBufferLike[][] = [];
  /** Memory that was made here: only that may be used again. */
  readonly #own = new WeakSet<ArrayBufferLike>();

  /** A buffer of arbitrary content. Whoever takes it may give it back. */
  take(bytes: number): Buffer {
    const steps = Math.ceil(bytes / stepBytes);
    return Buffer.from(this.#free[steps]?.pop() ?? this.#make(steps * stepBytes), 0, bytes);
  }

  #make(bytes: number): ArrayBufferLike {
    const { buffer: memory } = Buffer.allocUnsafeSlow(bytes);
    this.#own.add(memory);
    return memory;
  }

  /** @param buffer from `take`; nobody looks at it any more. Others are passed over. */
  give({ buffer: memory }: Buffer): void {
    if (!this.#own.has(memory) || memory.byteLength > bufferMaxBytes) return;
    const steps = memory.byteLength / stepBytes;
    while (this.#free.length <= steps) this.#free.push([]);
    const free = this.#free[steps];
    if (free !== undefined && free.length < keptOfSizeMax) free.push(memory);
  }
}

/** All slices of the process share it. At most 66 MB could be free in it; in fact it is one or two buffers of each size. */
export const slicePool: BufferPool = new BufferPool();

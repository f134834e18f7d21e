/**
 * Buffers that are used again and again. Every stream needs one for each of its slices, some times a second, and mostly
 * the kernel has taken the bytes for the last player by the time that all have been given them. The next slice gets
 * the same memory, which is still in the processor's cache, and nothing is left for the garbage collector.
 */

/** Sizes are multiples of this. */
const stepBytes = 8 * 1024;

/** Greater ones are rare: they are not kept. */
const bufferMaxBytes = 512 * 1024;

/** Free buffers of all sizes. Slices come and go one after the other: one or two of a size are free at a time. */
const freeMaxBytes = 8 * 1024 * 1024;

export class BufferPool {
  /** By size, in steps. */
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
    const steps = Math.ceil(bytes / stepBytes);
    const free = this.#free[steps]?.pop();
    if (free === undefined) return Buffer.from(this.#make(steps * stepBytes), 0, bytes);
    this.#freeBytes -= free.byteLength;
    return Buffer.from(free, 0, bytes);
  }

  #make(bytes: number): ArrayBufferLike {
    const { buffer: memory } = Buffer.allocUnsafeSlow(bytes);
    this.#own.add(memory);
    return memory;
  }

  /** @param buffer from `take`; nobody looks at it any more. Others are passed over. */
  give({ buffer: memory }: Buffer): void {
    const size = memory.byteLength;
    if (!this.#own.has(memory) || size > bufferMaxBytes) return;
    const steps = size / stepBytes;
    while (this.#free.length <= steps) this.#free.push([]);
    this.#free[steps]?.push(memory);
    this.#freeBytes += size;
    while (this.#freeBytes > freeMaxBytes) this.#dropOne();
  }

  /**
   * Drops a buffer of the size that most memory is free of. Sizes that were in use once and are no more (streams begin
   * with large slices) would fill the pool for ever otherwise.
   */
  #dropOne(): void {
    let most = 0;
    const bytesOf = (steps: number): number => (this.#free[steps]?.length ?? 0) * steps;
    for (let steps = 1; steps < this.#free.length; steps++) if (bytesOf(steps) > bytesOf(most)) most = steps;
    this.#freeBytes -= this.#free[most]?.pop()?.byteLength ?? 0;
  }
}

/** All slices of the process share it. */
export const slicePool: BufferPool = new BufferPool();

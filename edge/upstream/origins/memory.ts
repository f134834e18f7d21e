/**
 * What is remembered of streams beyond their life here: the origin that had one, and that no origin has one. Bounded
 * in number and time, so that names that come and go leave nothing behind.
 */

interface Recollection {
  readonly origin: string | undefined;
  readonly absentUntilMs: number;
  readonly expiresMs: number;
}

/** How long an origin is remembered for a stream that nobody asks for. */
const originTtlMs = 600_000;
const recollectionsMax = 10_000;

export class StreamMemory {
  readonly #streams = new Map<string, Recollection>();

  /** The name of the origin that last had the stream. */
  originOf(streamKey: string): string | undefined {
    return this.#find(streamKey)?.origin;
  }

  /** Milliseconds for which the stream is to be taken for absent; 0 when it may be looked for. */
  absentForMs(streamKey: string): number {
    const until = this.#find(streamKey)?.absentUntilMs ?? 0;
    return Math.max(0, until - performance.now());
  }

  foundAt(streamKey: string, origin: string): void {
    this.#keep(streamKey, { origin, absentUntilMs: 0, expiresMs: performance.now() + originTtlMs });
  }

  absent(streamKey: string, ttlMs: number): void {
    const absentUntilMs = performance.now() + ttlMs;
    this.#keep(streamKey, { origin: undefined, absentUntilMs, expiresMs: absentUntilMs });
  }

  get size(): number {
    return this.#streams.size;
  }

  #find(streamKey: string): Recollection | undefined {
    const found = this.#streams.get(streamKey);
    if (found === undefined || found.expiresMs > performance.now()) return found;
    this.#streams.delete(streamKey);
    return undefined;
  }

  /** A Map keeps the order of insertion: the first is the one longest untouched. */
  #keep(streamKey: string, recollection: Recollection): void {
    this.#streams.delete(streamKey);
    this.#streams.set(streamKey, recollection);
    const nowMs = performance.now();
    for (const [key, { expiresMs }] of this.#streams) {
      if (this.#streams.size <= recollectionsMax && expiresMs > nowMs) break;
      this.#streams.delete(key);
    }
  }
}

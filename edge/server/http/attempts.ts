/**
 * How often somebody may try credentials. Each address has a few attempts at hand, and gets one back every second; those
 * that succeed cost nothing.
 */

import { addressKey } from '../../budget/address.ts';

const burst = 10;
const perSecond = 1;

/** Addresses that are remembered: what is kept stays below a megabyte, whoever tries. */
const addressesMax = 4_096;

interface Bucket {
  attempts: number;
  atMs: number;
}

export class Attempts {
  readonly #buckets = new Map<string, Bucket>();
  readonly #now: () => number;

  /** @param now a monotonic clock in milliseconds */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  get size(): number {
    return this.#buckets.size;
  }

  /** Takes one attempt of an address; returns false, and takes none, when it has none left. */
  take(address: string): boolean {
    const key = addressKey(address);
    const nowMs = this.#now();
    const old = this.#buckets.get(key);
    const refilled = old === undefined ? burst : old.attempts + ((nowMs - old.atMs) / 1000) * perSecond;
    const attempts = Math.min(burst, refilled);
    // The most recent stand last: the first is the one to forget.
    this.#buckets.delete(key);
    this.#buckets.set(key, { attempts: attempts < 1 ? attempts : attempts - 1, atMs: nowMs });
    if (this.#buckets.size > addressesMax) this.#forgetOldest();
    return attempts >= 1;
  }

  /** Gives an attempt back: it succeeded. */
  giveBack(address: string): void {
    const bucket = this.#buckets.get(addressKey(address));
    if (bucket !== undefined) bucket.attempts = Math.min(burst, bucket.attempts + 1);
  }

  #forgetOldest(): void {
    const [oldest] = this.#buckets.keys();
    if (oldest !== undefined) this.#buckets.delete(oldest);
  }
}

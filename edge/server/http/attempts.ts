/**
 * How often somebody may try credentials. Each address has a few attempts at hand, and gets one back every second; those
 * that succeed cost nothing.
 */

import { isIPv6 } from 'node:net';

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
    const key = keyOf(address);
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
    const bucket = this.#buckets.get(keyOf(address));
    if (bucket !== undefined) bucket.attempts = Math.min(burst, bucket.attempts + 1);
  }

  #forgetOldest(): void {
    const [oldest] = this.#buckets.keys();
    if (oldest !== undefined) this.#buckets.delete(oldest);
  }
}

/** One customer of a provider has a whole /64 of IPv6 addresses. */
function keyOf(address: string): string {
  if (!isIPv6(address)) return address;
  const [head = '', tail] = address.split('::', 2);
  const groups = head.split(':').filter((group) => group !== '');
  const after = tail === undefined ? [] : tail.split(':').filter((group) => group !== '');
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - groups.length - after.length);
  return [...groups, ...Array<string>(zeros).fill('0'), ...after].slice(0, 4).join(':');
}

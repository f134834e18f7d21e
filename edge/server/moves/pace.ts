/**
 * Spreads what is to be done with some clients evenly over a time, whoever comes or leaves meanwhile. Pure.
 */

export class Pace {
  readonly #endMs: number;
  /** When the last one was due. */
  #fromMs: number;

  /** @param endMs when the last one is due, on the same clock as `startMs` */
  constructor(startMs: number, endMs: number) {
    this.#fromMs = startMs;
    this.#endMs = endMs;
  }

  /** How many are due now. @param count those who are left; whoever is due does not count the next time */
  due(count: number, nowMs: number): number {
    if (nowMs >= this.#endMs) return count;
    if (nowMs <= this.#fromMs) return 0;
    if (count === 0) {
      this.#fromMs = nowMs;
      return 0;
    }
    const eachMs = (this.#endMs - this.#fromMs) / count;
    const due = Math.floor((nowMs - this.#fromMs) / eachMs);
    this.#fromMs += due * eachMs;
    return due;
  }
}

/** Takes `count` of the list, each as likely as any other. @param random 0 ≤ x < 1 */
export function pick<T>(from: readonly T[], count: number, random: () => number): T[] {
  const left = [...from];
  const picked: T[] = [];
  while (picked.length < count && left.length > 0) {
    const at = Math.floor(random() * left.length);
    const last = left.pop() as T;
    picked.push(at === left.length ? last : (left[at] as T));
    if (at < left.length) left[at] = last;
  }
  return picked;
}

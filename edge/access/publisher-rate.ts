/** `publisher_kbps`: how far a publisher is ahead of what it may send. */

/** What it may be ahead: key frames, and what has gathered while its network was slow. */
const aheadSeconds = 5;

export class PublisherRate {
  #bytes: number;
  #atMs: number;
  #aheadBytes = 0;

  /** @param bytes that it has sent before it published @param nowMs of a monotonic clock */
  constructor(bytes: number, nowMs: number) {
    this.#bytes = bytes;
    this.#atMs = nowMs;
  }

  /** Whether it has sent too much. To be asked about once a second. @param kbps that it may send; 0: no limit */
  exceeds(kbps: number, bytes: number, nowMs: number): boolean {
    const bytesPerSecond = (kbps * 1000) / 8;
    const allowedBytes = ((nowMs - this.#atMs) / 1000) * bytesPerSecond;
    this.#aheadBytes = kbps === 0 ? 0 : Math.max(0, this.#aheadBytes + bytes - this.#bytes - allowedBytes);
    this.#bytes = bytes;
    this.#atMs = nowMs;
    return this.#aheadBytes > aheadSeconds * bytesPerSecond;
  }
}

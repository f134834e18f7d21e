/**
 * When to acknowledge received bytes (RTMP 1.0 §5.4.3, §5.4.4).
 */

/**
 * Counts the bytes of one connection. The peer says by WindowAckSize how often it wants to hear from us; we answer at
 * half of it, as SRS does: a peer that stops sending at its full window then never waits.
 */
export class AckWindow {
  /** What the peer asked for; 0 until then: nothing is ever due. */
  windowBytes = 0;
  #received = 0;
  #acknowledged = 0;

  /** Counts `byteCount` more bytes; returns the sequence number (bytes modulo 2^32) to acknowledge now, if one is due. */
  received(byteCount: number): number | undefined {
    this.#received += byteCount;
    if (this.windowBytes === 0 || this.#received - this.#acknowledged < this.windowBytes / 2) return undefined;
    this.#acknowledged = this.#received;
    return this.#received % 2 ** 32;
  }
}

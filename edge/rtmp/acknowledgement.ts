/**
 * When to acknowledge received bytes (RTMP 1.0 §5.4.3, §5.4.4).
 */

/**
 * The peer says by WindowAckSize how often it wants to hear from us. We answer at half of it, as SRS does: a peer that
 * stops sending at its full window then never waits.
 */
export class AckWindow {
  /** In bytes; 0 until the peer has named one: then nothing is ever due. */
  windowBytes = 0;
  #acknowledged = 0;

  /**
   * The sequence number to acknowledge now, or undefined when none is due. `bytesRead` counts all bytes since the
   * connection began; the sequence number is that modulo 2^32.
   */
  due(bytesRead: number): number | undefined {
    if (this.windowBytes === 0 || bytesRead - this.#acknowledged < this.windowBytes / 2) return undefined;
    this.#acknowledged = bytesRead;
    return bytesRead % 2 ** 32;
  }
}

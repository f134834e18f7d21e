/**
 * Finds an origin that has fallen silent. Silence of a stream is no fault: a slow stream, or one whose publisher
 * paused, keeps its origin, because the origin answers pings. Only one that answers nothing is taken for dead; an
 * origin that has never answered a ping is judged by the longest pause it has made so far.
 */

import { UpstreamError } from './errors.ts';

/** What is watched. */
export interface Watched {
  readonly origin: string;
  readonly answersPings: boolean;
  readonly lastReceivedMs: number;
  /** Bytes that wait to be taken, and bytes taken so far. */
  readonly pendingBytes: number;
  readonly takenBytes: number;
  ping(): void;
}

/** Pauses of this many times the longest one yet, or of the stall timeout where none is known. */
const unansweredFactor = 4;

export class Watchdog {
  readonly #client: Watched;
  readonly #stallTimeoutMs: number;
  readonly #stalled: (error: UpstreamError) => void;
  readonly #timer: NodeJS.Timeout;
  #longestPauseMs = 0;
  #lastSeenMs: number;
  #pinged = false;
  #takenBytes = 0;
  #takenSinceMs: number = performance.now();

  constructor(client: Watched, stallTimeoutMs: number, stalled: (error: UpstreamError) => void) {
    this.#client = client;
    this.#stallTimeoutMs = stallTimeoutMs;
    this.#stalled = stalled;
    this.#lastSeenMs = client.lastReceivedMs;
    this.#timer = setInterval(() => this.#check(), stallTimeoutMs / 4);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #check(): void {
    const nowMs = performance.now();
    const { lastReceivedMs } = this.#client;
    if (lastReceivedMs !== this.#lastSeenMs) {
      this.#longestPauseMs = Math.max(this.#longestPauseMs, lastReceivedMs - this.#lastSeenMs);
      this.#lastSeenMs = lastReceivedMs;
      this.#pinged = false;
    }
    const silentMs = nowMs - lastReceivedMs;
    if (!this.#pinged && silentMs >= this.#stallTimeoutMs / 4) {
      this.#pinged = true;
      this.#client.ping();
    }
    if (silentMs >= this.#patienceMs()) return this.#stall(`silent for ${Math.round(silentMs)} ms`);
    this.#checkWrites(nowMs);
  }

  #patienceMs(): number {
    if (this.#client.answersPings) return this.#stallTimeoutMs;
    return Math.max(this.#longestPauseMs, this.#stallTimeoutMs) * unansweredFactor;
  }

  /** Bytes wait, and none has gone for a while: the origin takes nothing. */
  #checkWrites(nowMs: number): void {
    const { pendingBytes, takenBytes } = this.#client;
    if (pendingBytes === 0 || takenBytes !== this.#takenBytes) {
      this.#takenBytes = takenBytes;
      this.#takenSinceMs = nowMs;
      return;
    }
    const stuckMs = nowMs - this.#takenSinceMs;
    if (stuckMs >= this.#stallTimeoutMs) this.#stall(`takes no bytes since ${Math.round(stuckMs)} ms`);
  }

  #stall(message: string): void {
    this.stop();
    this.#stalled(new UpstreamError('stalled', message, { origin: this.#client.origin }));
  }
}

/**
 * Finds an origin that has fallen silent. Silence of a stream is no fault: a slow stream, or one whose publisher
 * paused, keeps its origin, because the origin answers pings. Only one that answers nothing is taken for dead. An
 * origin that never answers pings is judged by the longest pause it has made so far, if it owes media at all.
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

export interface WatchdogOptions {
  /** Whether the origin should be sending: one that we publish to need not say a word. */
  readonly owesMedia: boolean;
  /** Asked at every check: it may change while running. */
  readonly stallTimeoutMs: () => number;
  readonly stalled: (error: UpstreamError) => void;
}

/** Pauses of this many times the longest one yet, or of the stall timeout where none is known. */
const unansweredFactor = 4;

export class Watchdog {
  readonly #client: Watched;
  readonly #options: WatchdogOptions;
  #timer: NodeJS.Timeout | undefined;
  #dueMs = 0;
  #longestPauseMs = 0;
  #lastSeenMs: number;
  #pingedMs: number | undefined;
  #takenBytes = 0;
  #takenSinceMs: number = performance.now();

  constructor(client: Watched, options: WatchdogOptions) {
    this.#client = client;
    this.#options = options;
    this.#lastSeenMs = client.lastReceivedMs;
    this.#schedule(options.stallTimeoutMs() / 4);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #schedule(delayMs: number): void {
    this.#dueMs = performance.now() + delayMs;
    this.#timer = setTimeout(() => this.#check(), Math.ceil(delayMs));
  }

  #check(): void {
    const nowMs = performance.now();
    const stallTimeoutMs = this.#options.stallTimeoutMs();
    const { lastReceivedMs, pendingBytes, takenBytes } = this.#client;
    if (lastReceivedMs !== this.#lastSeenMs) {
      this.#longestPauseMs = Math.max(this.#longestPauseMs, lastReceivedMs - this.#lastSeenMs);
      this.#lastSeenMs = lastReceivedMs;
      this.#pingedMs = undefined;
    }
    if (pendingBytes === 0 || takenBytes !== this.#takenBytes) {
      this.#takenBytes = takenBytes;
      this.#takenSinceMs = nowMs;
    }
    const silentMs = nowMs - lastReceivedMs;
    if (this.#pingedMs === undefined && silentMs >= stallTimeoutMs / 4) {
      this.#pingedMs = nowMs;
      this.#client.ping();
    }
    const silenceLeftMs = this.#silenceLeftMs(nowMs, stallTimeoutMs);
    const stuckLeftMs = pendingBytes === 0 ? Infinity : this.#takenSinceMs + stallTimeoutMs - nowMs;
    // Where this very process was held up, what came meanwhile has not been read yet: no verdict before it is.
    const heldUp = nowMs - this.#dueMs > stallTimeoutMs / 4;
    if (!heldUp && silenceLeftMs <= 0) return this.#stall(`silent for ${Math.round(silentMs)} ms`);
    if (!heldUp && stuckLeftMs <= 0)
      return this.#stall(`takes no bytes for ${Math.round(nowMs - this.#takenSinceMs)} ms`);
    const soonestMs = Math.max(Math.min(silenceLeftMs, stuckLeftMs), heldUp ? stallTimeoutMs / 4 : 1);
    this.#schedule(Math.min(stallTimeoutMs / 4, soonestMs));
  }

  /** Milliseconds until silence speaks against the origin. */
  #silenceLeftMs(nowMs: number, stallTimeoutMs: number): number {
    const { answersPings, lastReceivedMs, pendingBytes } = this.#client;
    if (answersPings) {
      // A ping waits behind the bytes that have not gone out; one just sent could not be answered yet.
      if (pendingBytes > 0 || this.#pingedMs === undefined) return Infinity;
      return Math.max(lastReceivedMs + stallTimeoutMs, this.#pingedMs + stallTimeoutMs / 2) - nowMs;
    }
    if (!this.#options.owesMedia) return Infinity;
    return lastReceivedMs + Math.max(this.#longestPauseMs, stallTimeoutMs) * unansweredFactor - nowMs;
  }

  #stall(message: string): void {
    this.#options.stalled(new UpstreamError('stalled', message, { origin: this.#client.origin }));
  }
}

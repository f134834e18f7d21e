/**
 * Finds an origin that has fallen silent. Silence of a stream is no fault: a slow stream, or one whose publisher
 * paused, keeps its origin, because the origin answers pings. Only one that answers nothing is taken for dead. An
 * origin that never answers pings is judged by the longest pause it has made so far, if it owes media at all. One that we
 * publish to may read slowly: a ping waits in the system's buffers behind what it has not read, and is answered as late.
 */

import { awakeNow } from '../time/awake.ts';
import { Deadline } from '../time/deadline.ts';
import { UpstreamError } from './errors.ts';

/** What is watched. */
export interface Watched {
  readonly origin: string;
  readonly answersPings: boolean;
  /** How long it took to answer the ping that it answered last, milliseconds. */
  readonly answerMs: number;
  /** When it was last heard of, on the clock of `awakeNow`. */
  readonly heardMs: number;
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

/**
 * Pauses of this many times the longest one yet, or of the stall timeout where none is known. Answers of an origin that
 * reads a quarter of what it is sent come later and later by this factor.
 */
const unansweredFactor = 4;

export class Watchdog {
  readonly #client: Watched;
  readonly #options: WatchdogOptions;
  readonly #next = new Deadline(() => this.#check());
  #longestPauseMs = 0;
  #lastSeenMs: number;
  #pingedMs: number | undefined;
  #takenBytes = 0;
  #takenSinceMs: number = awakeNow();

  constructor(client: Watched, options: WatchdogOptions) {
    this.#client = client;
    this.#options = options;
    this.#lastSeenMs = client.heardMs;
    this.#next.start(options.stallTimeoutMs() / 4);
  }

  stop(): void {
    this.#next.stop();
  }

  #check(): void {
    const nowMs = awakeNow();
    const stallTimeoutMs = this.#options.stallTimeoutMs();
    const { heardMs, pendingBytes, takenBytes } = this.#client;
    if (heardMs !== this.#lastSeenMs) {
      this.#longestPauseMs = Math.max(this.#longestPauseMs, heardMs - this.#lastSeenMs);
      this.#lastSeenMs = heardMs;
      this.#pingedMs = undefined;
    }
    if (pendingBytes === 0 || takenBytes !== this.#takenBytes) {
      this.#takenBytes = takenBytes;
      this.#takenSinceMs = nowMs;
    }
    const silentMs = nowMs - heardMs;
    if (this.#pingedMs === undefined && silentMs >= stallTimeoutMs / 4) {
      this.#pingedMs = nowMs;
      this.#client.ping();
    }
    const silenceLeftMs = this.#silenceLeftMs(nowMs, stallTimeoutMs);
    const stuckLeftMs = pendingBytes === 0 ? Infinity : this.#takenSinceMs + stallTimeoutMs - nowMs;
    if (silenceLeftMs <= 0) return this.#stall(`silent for ${Math.round(silentMs)} ms`);
    if (stuckLeftMs <= 0) return this.#stall(`takes no bytes for ${Math.round(nowMs - this.#takenSinceMs)} ms`);
    this.#next.start(Math.min(stallTimeoutMs / 4, Math.max(1, Math.min(silenceLeftMs, stuckLeftMs))));
  }

  /** Milliseconds until silence speaks against the origin. */
  #silenceLeftMs(nowMs: number, stallTimeoutMs: number): number {
    const { answersPings, answerMs, heardMs, pendingBytes } = this.#client;
    if (answersPings) {
      // A ping waits behind the bytes that have not gone out; one just sent could not be answered yet.
      if (pendingBytes > 0 || this.#pingedMs === undefined) return Infinity;
      const lateMs = this.#options.owesMedia ? 0 : answerMs * unansweredFactor;
      return Math.max(heardMs + stallTimeoutMs, this.#pingedMs + stallTimeoutMs / 2) + lateMs - nowMs;
    }
    if (!this.#options.owesMedia) return Infinity;
    return heardMs + Math.max(this.#longestPauseMs, stallTimeoutMs) * unansweredFactor - nowMs;
  }

  #stall(message: string): void {
    this.#options.stalled(new UpstreamError('stalled', message, { origin: this.#client.origin }));
  }
}

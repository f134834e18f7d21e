/**
 * Finds an origin that has fallen silent. Silence of a stream is no fault: a slow stream, or one whose publisher
 * paused, keeps its origin, because the origin answers pings. Only one that answers nothing is taken for dead. An
 * origin that never answers pings is judged by the longest pause it has made so far, if it owes media at all. One that we
 * publish to may read slowly: a ping waits in the system's buffers behind what it has not read, and is answered as late.
 * So that one is pinged all the time: as long as answers come, it reads.
 */

import { awakeNow } from '../../time/awake.ts';
import { Deadline } from '../../time/deadline.ts';
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

/** What a slow origin may read in a millisecond of what it is sent at once. */
const slowBytesPerMs = 100;

export class Watchdog {
  readonly #client: Watched;
  readonly #options: WatchdogOptions;
  readonly #next = new Deadline(() => this.#check());
  #longestPauseMs = 0;
  #lastSeenMs: number;
  #pingedMs: number | undefined;
  #takenBytes = 0;
  #takenSinceMs: number = awakeNow();
  /** Until then a slow origin may be reading what it was sent at once. */
  #burstUntilMs = 0;

  constructor(client: Watched, options: WatchdogOptions) {
    this.#client = client;
    this.#options = options;
    this.#lastSeenMs = client.heardMs;
    this.#next.start(options.stallTimeoutMs() / 4);
  }

  stop(): void {
    this.#next.stop();
  }

  /** So much has been sent at once: pings wait behind it. */
  burst(bytes: number): void {
    const readMs = Math.min(bytes / slowBytesPerMs, unansweredFactor * this.#options.stallTimeoutMs());
    this.#burstUntilMs = awakeNow() + readMs;
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
    if (this.#isPingDue(silentMs, stallTimeoutMs)) {
      this.#pingedMs ??= nowMs;
      this.#client.ping();
    }
    const silenceLeftMs = this.#silenceLeftMs(nowMs, stallTimeoutMs);
    const stuckSinceMs = Math.max(this.#takenSinceMs, this.#readsUntilMs(stallTimeoutMs));
    const stuckLeftMs = pendingBytes === 0 ? Infinity : stuckSinceMs + stallTimeoutMs - nowMs;
    if (silenceLeftMs <= 0) return this.#stall(`silent for ${Math.round(silentMs)} ms`);
    if (stuckLeftMs <= 0) return this.#stall(`takes no bytes for ${Math.round(nowMs - this.#takenSinceMs)} ms`);
    this.#next.start(Math.min(stallTimeoutMs / 4, Math.max(1, Math.min(silenceLeftMs, stuckLeftMs))));
  }

  #isPingDue(silentMs: number, stallTimeoutMs: number): boolean {
    if (!this.#options.owesMedia && this.#client.answersPings) return true;
    return this.#pingedMs === undefined && silentMs >= stallTimeoutMs / 4;
  }

  /** The system may take bytes in great jumps, seconds apart. One that says something meanwhile reads. */
  #readsUntilMs(stallTimeoutMs: number): number {
    const { answersPings, heardMs } = this.#client;
    return !this.#options.owesMedia && answersPings ? heardMs + this.#lateMs(stallTimeoutMs) : 0;
  }

  /** How much later than the last answer the next one may be, beyond the stall timeout. */
  #lateMs(stallTimeoutMs: number): number {
    return this.#options.owesMedia ? 0 : Math.min(this.#client.answerMs, stallTimeoutMs) * unansweredFactor;
  }

  /** Milliseconds until silence speaks against the origin. */
  #silenceLeftMs(nowMs: number, stallTimeoutMs: number): number {
    const { answersPings, heardMs, pendingBytes } = this.#client;
    if (answersPings) {
      // A ping waits behind the bytes that have not gone out; one just sent could not be answered yet.
      if (pendingBytes > 0 || this.#pingedMs === undefined) return Infinity;
      const sinceMs = Math.max(heardMs + this.#lateMs(stallTimeoutMs), this.#burstUntilMs);
      return Math.max(sinceMs + stallTimeoutMs, this.#pingedMs + stallTimeoutMs / 2) - nowMs;
    }
    if (!this.#options.owesMedia) return Infinity;
    return heardMs + Math.max(this.#longestPauseMs, stallTimeoutMs) * unansweredFactor - nowMs;
  }

  #stall(message: string): void {
    this.#options.stalled(new UpstreamError('stalled', message, { origin: this.#client.origin }));
  }
}

/**
 * What a client must do next, and by when, while it neither plays nor publishes. Time in which it waits for an answer of
 * ours does not count.
 */

import { awakeNow } from '../../time/awake.ts';
import { Deadline } from '../../time/deadline.ts';

export class NextStep {
  readonly #deadline: Deadline;
  /** What is said of a client that is late. */
  #otherwise = '';
  /** Since when the client could have asked for a stream, on the clock of `awakeNow`. */
  #idleSinceMs: number = awakeNow();

  /** @param late called with what the client has not done in time */
  constructor(late: (reason: string) => void) {
    this.#deadline = new Deadline(() => late(this.#otherwise));
  }

  expectHandshake(handshakeTimeoutMs: number): void {
    this.#expect(`no RTMP handshake within handshake_timeout ${handshakeTimeoutMs} ms`, handshakeTimeoutMs);
  }

  /** It must ask to play or publish within what is left of `client_timeout`. */
  expectRequest(clientTimeoutMs: number): void {
    const leftMs = this.#idleSinceMs + clientTimeoutMs - awakeNow();
    this.#expect(`neither plays nor publishes after client_timeout ${clientTimeoutMs} ms`, leftMs);
  }

  /** It has stopped playing or publishing: the time begins again. */
  beginAgain(clientTimeoutMs: number): void {
    this.#idleSinceMs = awakeNow();
    this.expectRequest(clientTimeoutMs);
  }

  /** It waits for us. Call what is returned when it has its answer; nothing is expected before `expectRequest`. */
  pause(): () => void {
    const sinceMs = awakeNow();
    this.stop();
    return () => {
      this.#idleSinceMs += awakeNow() - sinceMs;
    };
  }

  /** Nothing is expected any more. */
  stop(): void {
    this.#deadline.stop();
  }

  #expect(otherwise: string, withinMs: number): void {
    this.#otherwise = otherwise;
    this.#deadline.start(Math.max(withinMs, 1));
  }
}

/** Waiting: exponential with jitter, and ended by a signal. */
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Milliseconds before attempt `failures + 1`: doubled with each failure, then anything from half of that to all of it,
 * so that clients do not come back in step.
 */
export function backoffMs(failures: number, minMs: number, maxMs: number): number {
  return Math.min(minMs * 2 ** Math.min(failures, 20), maxMs) * (0.5 + Math.random() / 2);
}

/** Pauses of one who keeps trying, and finds a server soon that was away. */
export class Retries {
  readonly #minMs: number;
  readonly #maxMs: number;
  readonly #awayMaxMs: number;
  #failures = 0;
  #away = false;

  /** @param awayMaxMs the longest while there is no server: it has no work with who asks */
  constructor({
    minMs,
    maxMs,
    awayMaxMs,
  }: { readonly minMs: number; readonly maxMs: number; readonly awayMaxMs: number }) {
    this.#minMs = minMs;
    this.#maxMs = maxMs;
    this.#awayMaxMs = awayMaxMs;
  }

  /** Milliseconds before the next attempt. @param away whether the last one found no server */
  pauseMs(away: boolean): number {
    // It is back. One that has just started refuses what it allows a moment later.
    if (this.#away && !away) this.#failures = 0;
    this.#away = away;
    return backoffMs(this.#failures++, this.#minMs, away ? this.#awayMaxMs : this.#maxMs);
  }

  succeeded(): void {
    this.#failures = 0;
    this.#away = false;
  }
}

/** Resolves after that time; sooner, and as well, when the signal aborts. */
export async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  await sleep(ms, undefined, signal && { signal }).catch(() => {});
}

/** Waiting: exponential with jitter, and ended by a signal. */
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Milliseconds before attempt `failures + 1`: doubled with each failure, then anything from half of that to all of it,
 * so that clients do not come back in step.
 */
export function backoffMs(failures: number, minMs: number, maxMs: number): number {
  return Math.min(minMs * 2 ** Math.min(failures, 20), maxMs) * (0.5 + Math.random() / 2);
}

/** Resolves after that time; sooner, and as well, when the signal aborts. */
export async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  await sleep(ms, undefined, signal && { signal }).catch(() => {});
}

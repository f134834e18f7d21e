/**
 * When an origin is probed next. Edges that start together, or lose the same origin, must not probe it in step: chance
 * has a part in each delay.
 */

import type { OriginRecord } from './origin-record.ts';
import { shortLifeMs } from './patience.ts';

export interface ProbeTimes {
  /** Delay before an origin that failed is probed: first and greatest. */
  readonly probeMinMs: number;
  readonly probeMaxMs: number;
  /** The same while a stream waits for the origin. */
  readonly retryMinMs: number;
  readonly retryMaxMs: number;
  /** An origin of which nothing was heard for this long, and that nobody uses, is probed; 0: it never is. */
  readonly checkIntervalMs: number;
}

/** The first check of an origin comes within this time. */
const firstCheckMs = 3_000;

/** An origin that fails again within so many of the longest delays has not been well in between. */
const relapseFactor = 2;

/** Until one that is down is tried: exponential back-off with full jitter in its upper half. */
export function trialDelayMs({ waiting, failures, relapses }: OriginRecord, times: ProbeTimes): number {
  const { probeMinMs, probeMaxMs, retryMinMs, retryMaxMs } = times;
  const awaited = waiting > 0;
  const least = awaited ? Math.min(probeMinMs, retryMinMs) : probeMinMs;
  const greatest = awaited ? Math.min(probeMaxMs, retryMaxMs) : probeMaxMs;
  const doublings = Math.min(failures + relapses, 20);
  return Math.min(least * 2 ** doublings, greatest) * (0.5 + Math.random() / 2);
}

/** Until one that is not down is looked at: an interval, or less if nothing is known of it. */
export function checkDelayMs({ state }: OriginRecord, { checkIntervalMs }: ProbeTimes): number {
  const jitter = Math.random();
  if (state === 'untried') return Math.min(checkIntervalMs, firstCheckMs) * jitter;
  return checkIntervalMs * (0.75 + jitter / 2);
}

/** Whether one that fails now has not been well since it was set aside before, though it answered a probe. */
export function isRelapse({ setAsideMs, upSinceMs }: OriginRecord, nowMs: number, { probeMaxMs }: ProbeTimes): boolean {
  return nowMs - setAsideMs < relapseFactor * probeMaxMs && nowMs - upSinceMs < shortLifeMs;
}

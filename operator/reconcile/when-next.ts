/** When an EdgeCluster is to be reconciled again. */

import { type ApiError, isAway } from '../kube/api.ts';
import type { Outcome } from './apply/carry-out.ts';
import type { Requeue } from './queue.ts';

/** Until a new plan is made of what was found out while objects were applied. */
const newPlanMs = 1000;

/** Pauses while the API server is away: nothing is wrong with the EdgeCluster, and what it waits for is soon there. */
const awayPauseMs = 5000;

/** What failed is tried again with growing pauses, and not before the API server wants it. */
export function backOff(errors: readonly ApiError[]): Requeue {
  const atLeastMs = Math.max(0, ...errors.map(({ retryAfterMs }) => retryAfterMs ?? 0));
  return { kind: 'backOff', atLeastMs, ...(errors.every(isAway) && { atMostMs: awayPauseMs }) };
}

/** @param dueInMs when something is due although nothing changes; undefined: nothing is */
export function whenNext(outcome: Outcome | undefined, dueInMs: readonly (number | undefined)[]): Requeue | undefined {
  const failed = outcome?.failed ?? [];
  if (failed.length > 0) return backOff(failed.map(({ error }) => error));
  const isAnew = outcome !== undefined && (outcome.blocked.length > 0 || outcome.kindGone || outcome.overtaken);
  const soonestMs = Math.min(
    isAnew ? newPlanMs : Number.POSITIVE_INFINITY,
    ...dueInMs.filter((ms) => ms !== undefined),
  );
  return soonestMs === Number.POSITIVE_INFINITY ? undefined : { kind: 'after', ms: Math.ceil(soonestMs) };
}

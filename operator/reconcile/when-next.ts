/** When an EdgeCluster is to be reconciled again. */

import type { Outcome } from './apply/carry-out.ts';
import type { Requeue } from './queue.ts';

/** Until a new plan is made of what was found out while objects were applied. */
const newPlanMs = 1000;

/** @param dueInMs when something is due although nothing changes; undefined: nothing is */
export function whenNext(outcome: Outcome | undefined, dueInMs: readonly (number | undefined)[]): Requeue | undefined {
  const failed = outcome?.failed ?? [];
  if (failed.length > 0) {
    return { kind: 'backOff', atLeastMs: Math.max(0, ...failed.map(({ error }) => error.retryAfterMs ?? 0)) };
  }
  if ((outcome?.blocked.length ?? 0) > 0 || outcome?.kindGone === true) return { kind: 'after', ms: newPlanMs };
  const soonestMs = Math.min(...dueInMs.filter((ms) => ms !== undefined));
  return soonestMs === Number.POSITIVE_INFINITY ? undefined : { kind: 'after', ms: Math.ceil(soonestMs) };
}

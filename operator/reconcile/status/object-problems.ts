/** What keeps owned objects from being as they should, for people. */

import { type Outcome, titleOf } from '../apply/carry-out.ts';
import type { Blocked, Contested } from '../apply/plan.ts';
import type { ObjectProblem } from './observation.ts';

export function objectProblems(
  blocked: readonly Blocked[],
  failed: Outcome['failed'],
  fights: readonly Contested[],
): ObjectProblem[] {
  return [
    ...blocked.map(({ object, obstacle }): ObjectProblem => {
      if (obstacle.kind === 'refused')
        return { reason: 'ApplyRefused', object: titleOf(object), message: obstacle.message };
      const message = `it belongs to ${obstacle.holder}; rename that or the EdgeCluster, or delete it`;
      return { reason: 'NameTaken', object: titleOf(object), message };
    }),
    ...failed.map(({ object, error }): ObjectProblem => {
      return { reason: 'ApplyRefused', object: titleOf(object), message: error.message };
    }),
    ...fights.map(({ object, by, putBacks }): ObjectProblem => {
      const message = `${by} changes it again and again (put back ${putBacks} times); keep it from doing so`;
      return { reason: 'Contested', object: titleOf(object), message };
    }),
  ];
}

/**
 * fast-check with the same inputs each time, so that a run of the tests judges the change and not the dice.
 *
 *     PROPERTY_SEED=$RANDOM npm test        other inputs
 *
 * `make fuzz` is the one that looks for what nobody thought of.
 */

import fc from 'fast-check';

fc.configureGlobal({ seed: Number(process.env.PROPERTY_SEED ?? 1) });

export default fc;

/** Below 1 where the same tests run thousands of times (`test/mutants`). */
const share = Number(process.env.PROPERTY_SHARE ?? 1);

/** How many inputs are tried where `usual` are enough for one run of the tests. */
export function inputs(usual: number): number {
  return Math.ceil(usual * share);
}

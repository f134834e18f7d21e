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

/**
 * How much garbage V8 lets pile up. On a machine with much memory it collects old objects when there are up to four
 * times as many as were in use the last time: two thirds of the operator's heap were garbage.
 */
import { setFlagsFromString } from 'node:v8';

/** Beside what is in use. Less takes more CPU: each time, all that is in use is looked through. */
const garbagePercent = 33;

/** Bounds the garbage of this process from now on. It is no option of the image: its `#!` can have one alone. */
export function boundGarbage(): void {
  setFlagsFromString(`--heap-growing-percent=${garbagePercent}`);
}

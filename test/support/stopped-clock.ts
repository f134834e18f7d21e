/**
 * The time of a test that must not wait, nor depend on how busy the machine is.
 */

import { mock, type TestContext } from 'node:test';

/** `setTimeout` and the monotonic clock stand still. Returns what makes both go on. */
export function stopClock(t: TestContext): (byMs: number) => void {
  // Whole: a timer of 40 ms must not be due in 40.0000001 ms.
  let nowMs = Math.round(performance.now());
  mock.timers.enable({ apis: ['setTimeout'] });
  t.after(() => mock.timers.reset());
  t.mock.method(performance, 'now', () => nowMs);
  return (byMs) => {
    nowMs += byMs;
    mock.timers.tick(byMs);
  };
}

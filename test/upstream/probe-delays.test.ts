/** When an origin is probed next: back-off, its bounds, and chance. */

import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { newRecord, type OriginRecord } from '../../edge/upstream/origins/origin-record.ts';
import { checkDelayMs, isRelapse, type ProbeTimes, trialDelayMs } from '../../edge/upstream/origins/probe-delays.ts';

const times: ProbeTimes = {
  probeMinMs: 1_000,
  probeMaxMs: 30_000,
  retryMinMs: 200,
  retryMaxMs: 2_000,
  checkIntervalMs: 20_000,
};

function record(of: Partial<OriginRecord>): OriginRecord {
  return { ...newRecord({ scheme: 'rtmp', host: 'a', port: 1935 }), ...of };
}

/** The least and the greatest delay that chance can give. */
function bounds(t: TestContext, delayMs: () => number): [number, number] {
  const random = t.mock.method(Math, 'random', () => 0);
  const least = delayMs();
  random.mock.mockImplementation(() => 1);
  const greatest = delayMs();
  random.mock.restore();
  return [least, greatest];
}

describe('one that is down', () => {
  const trial = (t: TestContext, of: Partial<OriginRecord>, with_: Partial<ProbeTimes> = {}) =>
    bounds(t, () => trialDelayMs(record(of), { ...times, ...with_ }));

  test('is tried after twice the time with each failure, and after the greatest delay at last', (t) => {
    const greatest = [0, 1, 2, 3, 4, 5, 6, 1_000].map((failures) => trial(t, { failures }));
    assert.deepEqual(
      greatest,
      [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000].map((most) => [most / 2, most]),
    );
  });

  test('is given less credit when it fails again and again after it has answered', (t) => {
    assert.deepEqual(trial(t, { failures: 1, relapses: 2 }), [4_000, 8_000]);
  });

  test('is tried sooner while a stream waits for it, and never later than without', (t) => {
    assert.deepEqual(trial(t, { waiting: 1 }), [100, 200]);
    assert.deepEqual(trial(t, { waiting: 3, failures: 10 }), [1_000, 2_000]);
    const quick = { probeMinMs: 100, probeMaxMs: 1_000 };
    assert.deepEqual(trial(t, { waiting: 1 }, quick), [50, 100]);
    assert.deepEqual(trial(t, { waiting: 1, failures: 10 }, quick), [500, 1_000]);
  });
});

describe('one that is not down', () => {
  const check = (t: TestContext, of: Partial<OriginRecord>, checkIntervalMs = times.checkIntervalMs) =>
    bounds(t, () => checkDelayMs(record(of), { ...times, checkIntervalMs }));

  test('is looked at soon where nothing is known of it', (t) => {
    assert.deepEqual(check(t, { state: 'untried' }), [0, 3_000]);
    assert.deepEqual(check(t, { state: 'untried' }, 1_000), [0, 1_000]);
  });

  test('is looked at about once an interval', (t) => {
    for (const state of ['up', 'suspect'] as const) assert.deepEqual(check(t, { state }), [15_000, 25_000]);
  });
});

test('who fails within two of the longest delays has not been well in between', () => {
  const failed = (afterMs: number, upMs: number): boolean =>
    isRelapse(record({ setAsideMs: 5_000, upSinceMs: 5_000 + afterMs - upMs }), 5_000 + afterMs, times);
  assert.deepEqual([failed(0, 0), failed(59_999, 0), failed(60_000, 0)], [true, true, false]);
  assert.deepEqual([failed(5_000, 1_999), failed(5_000, 2_000)], [true, false], 'for two seconds it was up');
  assert.equal(isRelapse(record({}), 0, times), false, 'it never was set aside');
});

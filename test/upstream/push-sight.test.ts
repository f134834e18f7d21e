/** When a pushed stream is pushed again: not before it is certain that its origin lacks it. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PushSight } from '../../edge/upstream/push/push-sight.ts';

const marginMs = 1_000;
const said = { kind: 'said' } as const;
const silentSince = (sinceMs: number) => ({ kind: 'silent', sinceMs }) as const;

/** At a time that the test tells. */
class Bench {
  nowMs = 0;
  readonly sight = new PushSight(
    () => marginMs,
    () => this.nowMs,
  );

  pass(ms: number): void {
    this.nowMs += ms;
  }
}

test('nothing that a player can begin with was sent: nothing is lacking', () => {
  const { sight } = new Bench();
  assert.equal(sight.isDue(said), false);
  assert.equal(sight.isDue(silentSince(-1)), false);
});

test('what was sent just now may be on its way', () => {
  const bench = new Bench();
  bench.sight.entry();
  bench.pass(marginMs - 1);
  assert.equal(bench.sight.isDue(said), false);
  bench.pass(1);
  assert.equal(bench.sight.isDue(said), true);
});

test('a player that came later may wait for the next keyframe; one that was there should have it', () => {
  const bench = new Bench();
  bench.sight.entry();
  bench.pass(marginMs);
  assert.equal(bench.sight.isDue(silentSince(0)), false);
  assert.equal(bench.sight.isDue(silentSince(-1)), true);
});

test('keyframes that never stop coming put the proof off by no more than the margin', () => {
  for (const intervalMs of [marginMs / 10, marginMs * 0.7, marginMs, marginMs * 3]) {
    const bench = new Bench();
    let dueMs = Number.POSITIVE_INFINITY;
    for (; bench.nowMs <= 10 * marginMs; bench.pass(intervalMs)) {
      bench.sight.entry();
      if (bench.sight.isDue(silentSince(marginMs * 2.5))) dueMs = Math.min(dueMs, bench.nowMs);
    }
    // The player may have missed the keyframe that was noted last before it came.
    assert.ok(dueMs >= marginMs * 3.5 && dueMs <= marginMs * 6, `every ${intervalMs} ms: ${dueMs}`);
  }
});

test('it is pushed again after 5 s, 10 s, 20 s and so on, 5 minutes at most', () => {
  const bench = new Bench();
  bench.sight.entry();
  bench.pass(marginMs);
  assert.equal(bench.sight.isDue(said), true, 'at once for the first time');
  for (const [index, waitMs] of [5_000, 10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000].entries()) {
    assert.equal(bench.sight.times, index + 1);
    bench.pass(waitMs - 1);
    assert.equal(bench.sight.isDue(said), false, `${waitMs}`);
    bench.pass(1);
    assert.equal(bench.sight.isDue(said), true, `${waitMs}`);
  }
  bench.sight.seen();
  assert.equal(bench.sight.times, 0);
});

test('what another push was sent does not count', () => {
  const bench = new Bench();
  for (let entries = 0; entries < 5; entries++) {
    bench.sight.entry();
    bench.pass(marginMs);
  }
  bench.sight.begin();
  assert.equal(bench.sight.isDue(said), false);
  bench.sight.entry();
  bench.pass(marginMs);
  assert.equal(bench.sight.isDue(said), true);
});

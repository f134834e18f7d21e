/** When a pushed stream is pushed again: not before it is certain that its origin lacks it. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { awakeNow } from '../../edge/time/awake.ts';
import { PushSight } from '../../edge/upstream/push/push-sight.ts';

const marginMs = 20;
const said = { kind: 'said' } as const;

/** Until what was sent before it must have reached a player. */
async function pastMargin(): Promise<void> {
  const sinceMs = awakeNow();
  while (awakeNow() - sinceMs <= marginMs) await delay(5);
}

test('nothing that a player can begin with was sent: nothing is lacking', async () => {
  const sight = new PushSight(() => marginMs);
  await pastMargin();
  assert.equal(sight.isDue(said), false);
  assert.equal(sight.isDue({ kind: 'silent', sinceMs: 0 }), false);
});

test('what was sent just now may be on its way', async () => {
  const sight = new PushSight(() => 60_000);
  sight.entry();
  assert.equal(sight.isDue(said), false);
});

test('a player that came later may wait for the next keyframe; one that was there should have it', async () => {
  const sight = new PushSight(() => marginMs);
  const before = awakeNow() - 1;
  sight.entry();
  await pastMargin();
  assert.equal(sight.isDue({ kind: 'silent', sinceMs: awakeNow() }), false);
  assert.equal(sight.isDue({ kind: 'silent', sinceMs: before }), true);
});

test('it backs off, and what another push was sent does not count', async () => {
  const sight = new PushSight(() => marginMs);
  sight.entry();
  await pastMargin();
  assert.equal(sight.isDue(said), true);
  assert.equal(sight.times, 1);
  sight.begin();
  assert.equal(sight.isDue(said), false);
  sight.entry();
  await pastMargin();
  assert.equal(sight.isDue(said), false, 'not at once');
  sight.seen();
  assert.equal(sight.times, 0);
});

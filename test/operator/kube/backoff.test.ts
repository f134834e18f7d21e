import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Retries } from '../../../operator/kube/backoff.ts';

const limits = { minMs: 200, maxMs: 15_000, awayMaxMs: 3000 };

/** By chance a pause is between half of this and all of it. */
function assertPause(ms: number, fullMs: number): void {
  assert.ok(ms >= fullMs / 2 && ms <= fullMs, `${ms} of ${fullMs}`);
}

test('pauses grow: up to one length where there is no server, up to another where it refuses', () => {
  const away = new Retries(limits);
  for (const fullMs of [200, 400, 800, 1600, 3000, 3000, 3000]) assertPause(away.pauseMs(true), fullMs);
  const refused = new Retries(limits);
  for (const fullMs of [200, 400, 800, 1600, 3200, 6400, 12_800, 15_000, 15_000])
    assertPause(refused.pauseMs(false), fullMs);
  refused.succeeded();
  assertPause(refused.pauseMs(false), 200);
});

test('a server that is back and refuses for a moment is asked again soon', () => {
  const retries = new Retries(limits);
  for (let i = 0; i < 20; i++) retries.pauseMs(true);
  assertPause(retries.pauseMs(false), 200);
  assertPause(retries.pauseMs(false), 400);
});

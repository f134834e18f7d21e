/** Frames that are on no track's line: how many are held until it is clear what they are. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OddRun } from '../../edge/stream/track-clock.ts';
import { interFrame } from '../support/media.ts';
import { frameOf } from '../support/slices.ts';

/** How many frames of a size a run takes until it is full. */
function countUntilFull(bytes: number): number {
  const run = new OddRun(0, 0, 0);
  let order = 0;
  for (; !run.full && order < 100_000; order++) {
    run.add({ frame: frameOf(interFrame(order, order, bytes)), arrivalMs: 0, order });
  }
  return order;
}

test('a run is full by frames or by bytes, whichever comes first', () => {
  assert.equal(countUntilFull(20), 64);
  assert.equal(countUntilFull(1_000_000), 2);
});

test('a run has lasted by the clock here, or by its own where many frames arrive at once', () => {
  const run = new OddRun(1_000, 50, 0);
  assert.equal(run.lengthMs, 0);
  assert.equal(run.line.takes(1_500, 60, 10_000), true);
  assert.equal(run.lengthMs, 500);
  assert.equal(run.line.takes(1_510, 2_050, 10_000), true);
  assert.equal(run.lengthMs, 2_000);
});

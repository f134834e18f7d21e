import assert from 'node:assert/strict';
import { test } from 'node:test';
import { slope } from './measure.ts';

test('the slope of points on a line is that of the line', () => {
  const slopes = [2, 0, -3].map((rise) => slope([0, 1, 5, 7].map((x) => [x, 40 + rise * x])));
  assert.deepEqual(slopes, [2, 0, -3]);
});

test('points above and below the line even out', () => {
  assert.equal(
    slope([
      [0, 101],
      [1, 99],
      [2, 99],
      [3, 101],
    ]),
    0,
  );
});

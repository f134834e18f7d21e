import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { conditionsOf, finding, REASONS } from '../../../operator/api/conditions.ts';

const table = readFileSync(join(import.meta.dirname, '../../../crds/TROUBLESHOOTING.md'), 'utf8');

test('every reason has a row in the table, and no row is stale', () => {
  const rows = table.split('\n').filter((line) => /^\| [A-Z]/.test(line));
  const known = Object.entries(REASONS).flatMap(([type, reasons]) =>
    Object.entries(reasons).map(([reason, status]) => `${type} ${reason} ${status}`),
  );
  const cells = rows.map((row) => row.split('|').map((cell) => cell.trim()));
  assert.deepEqual(
    cells.map(([, type, reason, status]) => `${type} ${reason} ${status}`),
    known,
  );
  for (const row of cells) assert.ok(row.length === 7 && row[4] !== '' && row[5] !== '', row.join('|'));
});

test('every reason comes about somewhere', () => {
  const sources = globSync(join(import.meta.dirname, '../../../operator/**/*.ts')).filter(
    (file) => !/api\/(conditions|types)\.ts$/.test(file),
  );
  const text = sources.map((file) => readFileSync(file, 'utf8')).join('\n');
  const reasons = Object.values(REASONS).flatMap((of) => Object.keys(of));
  assert.deepEqual(
    reasons.filter((reason) => !text.includes(`'${reason}'`)),
    [],
  );
});

test('a condition keeps its time while its status is the same', () => {
  const noon = new Date('2025-03-01T12:00:00.999Z');
  const one = new Date('2025-03-01T13:00:00Z');
  const first = conditionsOf([finding('Ready', 'AllEdgesReady', 'x')], [], 1, noon);
  assert.deepEqual(first, [
    {
      type: 'Ready',
      status: 'True',
      reason: 'AllEdgesReady',
      message: 'x',
      lastTransitionTime: '2025-03-01T12:00:00Z',
      observedGeneration: 1,
    },
  ]);
  const [same] = conditionsOf([finding('Ready', 'ScaledToZero', 'y')], first, 2, one);
  assert.deepEqual([same?.lastTransitionTime, same?.observedGeneration], ['2025-03-01T12:00:00Z', 2]);
  const [other] = conditionsOf([finding('Ready', 'EdgesNotReady', 'z')], first, 2, one);
  assert.equal(other?.lastTransitionTime, '2025-03-01T13:00:00Z');
});

test('messages are bounded', () => {
  assert.equal(finding('Degraded', 'ApplyRefused', 'x'.repeat(5000)).message.length, 1024);
});

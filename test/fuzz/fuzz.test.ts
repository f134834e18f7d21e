/** The short form of `make fuzz`: some inputs for each target. A failure prints its seed and the smallest input. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseTree } from '../../edge/conf/grammar.ts';
import fc from '../support/property.ts';
import { survives } from './configuration.ts';
import { EdgeUnderFuzz, edgeTargetNames } from './edge-under-fuzz.ts';
import { readers } from './readers.ts';

for (const { name, property } of readers) {
  test(`fuzz: ${name}`, async () => {
    await fc.assert(property as fc.IAsyncProperty<unknown>, { numRuns: 400 });
  });
}

for (const name of edgeTargetNames) {
  test(`fuzz of a running edge: ${name}`, async (t) => {
    const edge = await EdgeUnderFuzz.start();
    t.after(() => edge.stop());
    await fc.assert(edge.target(name).property as fc.IAsyncProperty<unknown>, { numRuns: 100 });
  });
}

test('configurations that are long and deep, in linear time', () => {
  const long = 'x'.repeat(1_000_000);
  survives(`listen ${long};`);
  survives(`vhost a { cluster { mode remote; origin ${'a.'.repeat(100_000)}; } }`);
  survives(`vhost a { http_remux { mount ${'['.repeat(100_000)}.flv; } }`);
  survives(`${'a '.repeat(200_000)};`);
  survives(long);
  assert.equal(parseTree('a{'.repeat(500_000), 'x').problems.length, 1);
});

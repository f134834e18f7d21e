/**
 * In whatever order an operator learns what happens, it makes of it in the end what another one would that had not seen
 * any of it happen. `PROPERTY_SEED=$RANDOM` tries other sequences.
 */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { differences } from '../../../operator/reconcile/apply/compare.ts';
import fc, { inputs } from '../../support/property.ts';
import { essenceOf, pictureOf } from './convergence/picture.ts';
import { type Scenario, scenario } from './convergence/steps.ts';
import { World } from './convergence/world.ts';

const { seed = 0 } = fc.readConfigureGlobal();
const scenarios = fc.sample(scenario, { seed, numRuns: inputs(48) });

// Most of the time is spent in pauses: of status, of put-backs, of watches that come back.
describe('sequences of changes and faults', { concurrency: 16, timeout: 300_000 }, () => {
  for (const [index, given] of scenarios.entries()) {
    it(`${index} of seed ${seed}`, async (t) => {
      const world = await World.start(t);
      await world.settle(given.operators);
      for (const steps of given.rounds) {
        try {
          await round(world, steps, given.operators);
        } catch (error) {
          t.diagnostic([`${given.operators} operators`, ...steps.map((step) => JSON.stringify(step))].join('\n'));
          throw error;
        }
      }
      await compareWithNew(t, world);
    });
  }
});

async function round(world: World, steps: Scenario['rounds'][number], operators: 1 | 2): Promise<void> {
  for (const step of steps) await world.run(step);
  world.calm();
  await world.rest();
  const seen = pictureOf(world.scene);
  await world.stopOperators();
  world.startOperators(operators);
  await world.rest();
  // Another operator makes the same of it.
  assert.deepEqual(seen, pictureOf(world.scene));
  assert.deepEqual(world.ownedWrites(), []);
}

async function compareWithNew(t: TestContext, world: World): Promise<void> {
  const { world: anew, names } = await world.anew(t);
  anew.startOperators(1);
  await anew.rest();
  for (const name of names) {
    const [here, there] = [essenceOf(world.scene, name), essenceOf(anew.scene, name)];
    assert.deepEqual(here.status, there.status);
    assert.deepEqual(Object.keys(here.objects), Object.keys(there.objects));
    // More may be in it: what others have set, and what was scaled.
    for (const [title, object] of Object.entries(there.objects))
      assert.deepEqual(differences(object, here.objects[title]), [], title);
  }
}

/** 1 → 4 → 1 edges under load: those that have the fewest clients go. */

import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import type { V1Pod } from '@kubernetes/client-node';
import { suiteCleaner } from '../support/programs.ts';
import { type Audience, assertNobodyCut } from './audience.ts';
import { openWithAudience } from './opening.ts';
import { nameOf, type Scene } from './scene.ts';

describe('scaling', () => {
  const cleaner = suiteCleaner();
  let scene: Scene;
  let audience: Audience;

  before(async () => {
    ({ scene, audience } = await openWithAudience(cleaner, { spec: { replicas: 1 } }));
  });

  it('1 → 4: nobody notices', async () => {
    const [first] = await scene.edges();
    const seen = await audience.watch('1 → 4 edges', () => scaleTo(4));
    assertNobodyCut(seen);
    assert.ok((await scene.edges()).some((pod) => nameOf(pod) === nameOf(first as V1Pod)));
  });

  it('4 → 1: the three without clients go', async () => {
    const seen = await audience.watch('4 → 1 edges', async () => {
      await scene.untilCostly(1);
      await scaleTo(1);
      await scene.untilTier(({ status }) => (status?.drainingReplicas ?? 0) === 0);
    });
    assertNobodyCut(seen);
  });

  async function scaleTo(replicas: number): Promise<void> {
    await scene.kubectl('scale', 'ec/live', `--replicas=${replicas}`);
    await scene.untilSettled();
  }
});

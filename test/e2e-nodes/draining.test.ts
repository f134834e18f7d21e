/** Origins are replaced while edges drain: a draining edge hears of nothing new, and finds them by the Service's name. */

import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { suiteCleaner } from '../support/programs.ts';
import { type Audience, assertNobodyCut } from './audience.ts';
import { openWithAudience } from './opening.ts';
import type { Scene } from './scene.ts';

/** Nobody is ended before all of it is over. */
const drainSeconds = 120;
const mostGapMs = 5000;

describe('edges that drain', () => {
  const cleaner = suiteCleaner();
  let scene: Scene;
  let audience: Audience;

  before(async () => {
    ({ scene, audience } = await openWithAudience(cleaner, { spec: { pods: { drainSeconds } } }));
  });

  it('edges are rolled, then origins: everybody stays where they are', async () => {
    let draining = 0;
    const seen = await audience.watch(
      'edges are rolled, then origins',
      async () => {
        await scene.kubectl('rollout', 'restart', 'deployment/live');
        await scene.kubectl('rollout', 'status', 'deployment/live', '--timeout=60s');
        await scene.rollOrigins();
        draining = (await scene.tier()).status?.drainingReplicas ?? 0;
      },
      { note: () => `${draining} edges drained` },
    );
    assert.equal(draining, 2);
    assertNobodyCut(seen);
    assert.ok(seen.gapMs <= mostGapMs, `a gap of ${seen.gapMs} ms`);
  });
});

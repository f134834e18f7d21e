/** There is no operator while origins come and go: edges find the new ones by the Service's name. */

import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { suiteCleaner } from '../support/programs.ts';
import { type Audience, assertNobodyCut } from './audience.ts';
import { openWithAudience } from './opening.ts';
import { operatorNamespace, type Scene } from './scene.ts';

/** Within what the edges' own look at the Service's name takes. */
const mostGapMs = 5000;

describe('without an operator', () => {
  const cleaner = suiteCleaner();
  let scene: Scene;
  let audience: Audience;

  before(async () => {
    ({ scene, audience } = await openWithAudience(cleaner));
    cleaner.after(() => scaleOperator(1));
  });

  const scaleOperator = async (replicas: number): Promise<void> => {
    const operator = ['deployment/edgecluster', '-n', operatorNamespace];
    await scene.kubernetes.kubectl(['scale', ...operator, `--replicas=${replicas}`]);
    await scene.kubernetes.kubectl(['rollout', 'status', ...operator, '--timeout=60s']);
  };

  it('origins are rolled', async () => {
    const seen = await audience.watch('no operator, origins are rolled', async () => {
      await scaleOperator(0);
      await scene.rollOrigins();
    });
    assertNobodyCut(seen);
    assert.ok(seen.gapMs <= mostGapMs, `a gap of ${seen.gapMs} ms`);
    await scaleOperator(1);
    await scene.untilSettled();
  });
});

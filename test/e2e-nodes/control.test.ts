/** What befalls those who steer: operator, API server, etcd. Edges find out by themselves what they need. */

import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { suiteCleaner } from '../support/programs.ts';
import { type Audience, assertNobodyCut } from './audience.ts';
import { openWithAudience } from './opening.ts';
import type { Scene } from './scene.ts';

/**
 * Kubelets and controllers that lost the API server ask it again after up to a minute each (30 s and as much again by
 * chance), pods and ConfigMaps one by one; an origin that counts as not ready meanwhile changes the configuration anew.
 */
const catchUpMs = 180_000;

describe('without those who steer', () => {
  const cleaner = suiteCleaner();
  let scene: Scene;
  let audience: Audience;

  before(async () => {
    ({ scene, audience } = await openWithAudience(cleaner));
  });

  it('the operator is killed in the middle of a change: the next one ends it', async () => {
    const instances = await scene.instances();
    const seen = await audience.watch('the operator is killed', async () => {
      const operator = await scene.operator();
      await scene.patchTier({ logLevel: 'Warn' });
      scene.signal(operator, 'SIGKILL');
      await scene.untilSettled();
    });
    assertNobodyCut(seen);
    assert.deepEqual(await scene.instances(), instances);
  });

  it('the API server is away for a minute, and an origin is killed meanwhile', async () => {
    const { apiServer } = scene.cluster.plane;
    const [origin] = await scene.origins();
    assert.ok(origin);
    let caughtUpMs = 0;
    const seen = await audience.watch(
      'no API server for 60 s, an origin is killed',
      async () => {
        await apiServer.kill();
        await delay(30_000);
        scene.signal(origin, 'SIGKILL');
        await delay(30_000);
        await apiServer.start();
        const beganMs = Date.now();
        await scene.patchTier({ logLevel: 'Info' });
        await scene.untilSettled({ patienceMs: catchUpMs });
        caughtUpMs = Date.now() - beganMs;
      },
      { note: () => `a change was in force ${(caughtUpMs / 1000).toFixed(1)} s after it was back` },
    );
    assertNobodyCut(seen);
  });

  it('etcd is killed', async () => {
    const { etcd } = scene.cluster.plane;
    const seen = await audience.watch('etcd is killed and started again', async () => {
      await etcd.kill();
      await delay(5000);
      await etcd.start();
      await scene.untilSettled();
    });
    assertNobodyCut(seen);
  });
});

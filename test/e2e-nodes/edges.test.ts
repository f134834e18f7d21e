/** An edge is killed, or hangs: its own clients are all who may notice, and they come back. */

import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { V1Pod } from '@kubernetes/client-node';
import { suiteCleaner } from '../support/programs.ts';
import { Audience, assertNobodyCut, assertTimesRanOn } from './audience.ts';
import { clientsOf, Scene } from './scene.ts';

describe('edges', () => {
  const cleaner = suiteCleaner();
  let scene: Scene;
  let audience: Audience;

  before(async () => {
    scene = await Scene.open(cleaner);
    await scene.startOrigins(2);
    await scene.startTier();
    audience = await Audience.gather(cleaner, await scene.address());
  });

  it('an edge is killed: its clients alone are cut', async () => {
    const [edge] = (await scene.edges()) as [V1Pod];
    const its = clientsOf(scene.processOf(edge));
    assert.ok(its > 0);
    const seen = await audience.watch(
      'an edge is killed',
      async () => {
        scene.signal(edge, 'SIGKILL');
        await scene.untilSettled();
      },
      { note: () => `${its} clients were on it` },
    );
    assertTimesRanOn(seen);
    assert.ok(seen.playersCut + seen.publishersCut <= its, `${JSON.stringify(seen)} for ${its} clients`);
  });

  it('an edge hangs for 15 s: its clients wait, and are served again', async () => {
    const [edge] = (await scene.edges()) as [V1Pod];
    const its = clientsOf(scene.processOf(edge));
    const seen = await audience.watch(
      'an edge hangs for 15 s',
      async () => {
        scene.signal(edge, 'SIGSTOP');
        await delay(15_000);
        scene.signal(edge, 'SIGCONT');
      },
      { note: () => `${its} clients were on it` },
    );
    assertNobodyCut(seen);
  });
});

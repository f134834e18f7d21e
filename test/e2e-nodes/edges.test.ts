/** An edge is killed, or hangs: its own clients are all who may notice, and they come back. */

import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { suiteCleaner } from '../support/programs.ts';
import { type Audience, assertNobodyCut, assertTimesRanOn } from './audience.ts';
import { openWithAudience } from './opening.ts';
import type { Scene } from './scene.ts';

describe('edges', () => {
  const cleaner = suiteCleaner();
  let scene: Scene;
  let audience: Audience;

  before(async () => {
    ({ scene, audience } = await openWithAudience(cleaner));
  });

  it('an edge is killed: its clients alone are cut', async () => {
    const { edge, clients } = await scene.busiestEdge();
    assert.ok(clients > 0);
    const seen = await audience.watch(
      'an edge is killed',
      async () => {
        scene.signal(edge, 'SIGKILL');
        await scene.untilSettled();
      },
      { note: () => `${clients} clients were on it` },
    );
    assertTimesRanOn(seen);
    assert.ok(seen.playersCut + seen.publishersCut <= clients, `${JSON.stringify(seen)} for ${clients} clients`);
  });

  it('an edge hangs for 15 s: its clients wait, and are served again', async () => {
    const { edge, clients } = await scene.busiestEdge();
    const seen = await audience.watch(
      'an edge hangs for 15 s',
      async () => {
        scene.signal(edge, 'SIGSTOP');
        await delay(15_000);
        scene.signal(edge, 'SIGCONT');
      },
      { note: () => `${clients} clients were on it` },
    );
    assertNobodyCut(seen);
  });
});

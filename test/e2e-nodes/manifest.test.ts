/** The manifest changes: running edges take it; no pod restarts, and nobody notices. */

import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { suiteCleaner } from '../support/programs.ts';
import { type Audience, assertNobodyCut } from './audience.ts';
import { openWithAudience } from './opening.ts';
import { nginxManifests } from './origins.ts';
import type { Scene } from './scene.ts';

const main = { name: 'main', service: { name: 'origin' } };
const spare = { name: 'spare', service: { name: 'nginx' } };

/** One after the other, each upon what was before. */
const changes = {
  'a group of origins and a vhost are added': {
    origins: [main, spare],
    vhosts: [{ name: '__defaultVhost__' }, { name: 'guests.example.com', origin: 'spare' }],
  },
  'a limit is lowered': { maxConnections: 500 },
  'the log level is changed': { logLevel: 'Debug' },
  'vhost and group are taken away': { vhosts: [{ name: '__defaultVhost__' }], origins: [main] },
};

describe('the manifest', () => {
  const cleaner = suiteCleaner();
  let scene: Scene;
  let audience: Audience;

  before(async () => {
    ({ scene, audience } = await openWithAudience(cleaner, {
      // rollouts.test.ts has it with canaries.
      spec: { configRollout: { strategy: 'Immediate' } },
      prepare: (opened) => opened.apply(nginxManifests(opened.namespace)),
    }));
  });

  for (const [change, spec] of Object.entries(changes)) {
    it(change, async () => {
      const instances = await scene.instances();
      const { status } = await scene.tier();
      let inForceMs = 0;
      const seen = await audience.watch(
        change,
        async () => {
          const beganMs = Date.now();
          await scene.patchTier(spec);
          const settled = await scene.untilSettled();
          inForceMs = Date.now() - beganMs;
          assert.notEqual(settled.status?.configHash, status?.configHash);
        },
        { note: () => `in force after ${(inForceMs / 1000).toFixed(1)} s` },
      );
      assertNobodyCut(seen);
      assert.deepEqual(await scene.instances(), instances);
    });
  }
});

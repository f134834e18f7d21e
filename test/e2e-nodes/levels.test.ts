/**
 * Three levels of edges in pods, 2 above 2 above 4, 20 streams and 400 players: the origin has each stream once, and
 * whatever befalls the level in the middle, nobody is cut.
 */

import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { suiteCleaner } from '../support/programs.ts';
import { Audience, assertNobodyCut } from './audience.ts';
import { clientsOf, Scene, type Spec } from './scene.ts';

const crowd = { rtmpPlayers: 360, httpPlayers: 40, publishers: 20 };
/** Its level above, where it has one. */
const levels: Readonly<Record<string, Spec>> = {
  region: { replicas: 2 },
  city: { replicas: 2, origins: [{ name: 'region', edgeCluster: { name: 'region' } }] },
  live: { replicas: 4, origins: [{ name: 'city', edgeCluster: { name: 'city' } }] },
};

describe('levels', () => {
  const cleaner = suiteCleaner();
  let scene: Scene;
  let audience: Audience;

  before(async () => {
    scene = await Scene.open(cleaner);
    await scene.startOrigins(1);
    for (const [name, spec] of Object.entries(levels)) await scene.startTier(spec, name);
    audience = await Audience.gather(cleaner, await scene.address(), crowd);
  });

  /** The origin itself is asked, by its network: each stream comes by one connection, and leaves by one. */
  const untilOneConnectionAStream = async (): Promise<void> => {
    const [origin] = await scene.origins();
    assert.ok(origin);
    while (clientsOf(scene.processOf(origin)) !== 2 * crowd.publishers) await delay(500);
  };

  it('the origin has each stream over one connection to publish it and one to play it', untilOneConnectionAStream);

  const events: Readonly<Record<string, () => Promise<unknown>>> = {
    'levels: an edge in the middle is killed': async () => {
      const [edge] = await scene.edges('city');
      assert.ok(edge);
      scene.signal(edge, 'SIGKILL');
    },
    'levels: the middle is rolled': async () => {
      await scene.kubectl('rollout', 'restart', 'deployment/city');
      await scene.kubectl('rollout', 'status', 'deployment/city', '--timeout=120s');
    },
    'levels: the middle has one edge more': () => scene.patchTier({ replicas: 3 }, 'city'),
    'levels: the middle has one edge less': () => scene.patchTier({ replicas: 2 }, 'city'),
  };
  for (const [event, act] of Object.entries(events)) {
    it(event, async () => {
      const seen = await audience.watch(event, async () => {
        await act();
        await scene.untilSettled({ name: 'city' });
        await scene.untilTier(({ status }) => (status?.drainingReplicas ?? 0) === 0, { name: 'city' });
      });
      assertNobodyCut(seen);
      await untilOneConnectionAStream();
    });
  }
});

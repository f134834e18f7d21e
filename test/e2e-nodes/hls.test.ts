/** HLS in pods: two origins that make it, and caches of `spec.hls` before them. An origin is gone for good. */

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { V1Service } from '@kubernetes/client-node';
import { prepareTools, publish } from '../bench/load.ts';
import { ask, HlsPlayer, parsePlaylist } from '../support/hls-players.ts';
import { nginxImage } from '../support/nodes/images.ts';
import { stateDirectory } from '../support/nodes/layout.ts';
import { suiteCleaner } from '../support/programs.ts';
import { hlsOriginManifests } from './origins.ts';
import { clientsOf, nameOf, Scene, tierName } from './scene.ts';
import { addRow } from './table.ts';

const count = 20;
/** Segments of 2 s, playlists that are up to 2 s old, and an origin that is found gone: no player waits longer. */
const mostWaitMs = 10_000;

describe('HLS', () => {
  const cleaner = suiteCleaner();
  let scene: Scene;
  let url: string;

  before(async () => {
    scene = await Scene.open(cleaner);
    await scene.apply(hlsOriginManifests(scene.namespace, 2));
    const origins = await scene.untilOrigins(2);
    const tools = await prepareTools();
    // Both get the same frames at the same times.
    const epoch = Number(process.hrtime.bigint() / 1_000_000n);
    for (const { status } of origins) {
      const rtmp = `rtmp://${status?.podIP}:1935/live/s{}`;
      const publisher = publish(tools, join(stateDirectory, 'log/audience.log'), { url: rtmp, count: 1, epoch });
      cleaner.after(() => publisher.stop());
    }
    await scene.startTier({
      origins: [{ name: 'main', service: { name: 'origin' }, http: { port: 8080 }, balance: 'Failover' }],
      hls: {
        targetDurationSeconds: 2,
        image: nginxImage,
        replicas: 2,
        resources: { requests: { cpu: '20m', memory: '32Mi' } },
      },
    });
    await scene.untilTier(({ status: { conditions = [] } = {} }) =>
      conditions.some(({ type, status }) => type === 'HlsReady' && status === 'True'),
    );
    const path = `/api/v1/namespaces/${scene.namespace}/services/${tierName}-hls`;
    url = `http://${(await scene.client.get<V1Service>(path)).spec?.clusterIP}/live/s0.m3u8`;
    while ((await segmentsOf(url)) < 3) await delay(500);
  });

  it('an origin is gone: players go on from the other one', async (t) => {
    const players = Array.from({ length: count }, () => new HlsPlayer(url));
    t.after(() => Promise.all(players.map((player) => player.stop())));
    await until(players, 4);
    // The one that caches ask: beside its publisher it has connections of theirs.
    const asked = (await scene.origins()).toSorted(
      (one, other) => clientsOf(scene.processOf(other)) - clientsOf(scene.processOf(one)),
    );
    const [origin] = asked;
    assert.ok(origin);
    await scene.kubectl('delete', 'pod', nameOf(origin), '--force', '--grace-period=0');
    const reached = Math.max(...players.map(({ sequences }) => sequences.length));
    await until(players, reached + 6);
    await Promise.all(players.map((player) => player.stop()));
    for (const { sequences, refusals, longestWaitMs } of players) {
      assert.deepEqual(refusals, []);
      assert.deepEqual(
        sequences,
        sequences.map((_, index) => (sequences[0] ?? 0) + index),
      );
      assert.ok(longestWaitMs < mostWaitMs, `a wait of ${longestWaitMs} ms`);
    }
    const gapMs = Math.max(...players.map(({ longestWaitMs }) => longestWaitMs));
    const note = `segments of 2 s; gap: the longest wait for one`;
    addRow({
      ...{ atMs: Date.now(), event: `HLS, ${count} players: an origin is gone` },
      ...{ gapMs, stepMs: 0, playersCut: 0, publishersCut: 0, awayMs: 0, note },
    });
  });
});

async function segmentsOf(url: string): Promise<number> {
  const { status, body } = await ask(url).catch(() => ({ status: 0, body: Buffer.alloc(0) }));
  return status === 200 ? parsePlaylist(body.toString()).segments.length : 0;
}

/** Until each has so many segments. */
async function until(players: readonly HlsPlayer[], segments: number): Promise<void> {
  while (players.some(({ sequences }) => sequences.length < segments)) await delay(100);
}

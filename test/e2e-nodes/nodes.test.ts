/** A node is drained; a node is lost. */

import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { V1Node } from '@kubernetes/client-node';
import { isReady } from '../support/nodes/cluster.ts';
import { suiteCleaner } from '../support/programs.ts';
import { type Audience, assertTimesRanOn } from './audience.ts';
import { openWithAudience } from './opening.ts';
import type { Scene } from './scene.ts';

describe('nodes', () => {
  const cleaner = suiteCleaner();
  let scene: Scene;
  let audience: Audience;

  before(async () => {
    ({ scene, audience } = await openWithAudience(cleaner));
  });

  it('a node is drained: its edge lets its clients finish, and there is never none', async () => {
    const { edge, clients } = await scene.busiestEdge();
    const node = edge.spec?.nodeName ?? '';
    const seen = await audience.watch(
      'a node is drained',
      async () => {
        const drain = ['drain', node, '--ignore-daemonsets', '--delete-emptydir-data', '--timeout=120s'];
        await scene.kubernetes.kubectl(drain);
        await scene.untilSettled();
      },
      { note: () => `${clients} clients were on it` },
    );
    await scene.kubernetes.kubectl(['uncordon', node]);
    assertTimesRanOn(seen);
    assert.ok(seen.playersCut + seen.publishersCut <= clients, `${JSON.stringify(seen)} for ${clients} clients`);
    assert.ok((await scene.edges()).every(({ spec }) => spec?.nodeName !== node));
  });

  it('a node is lost for a hundred seconds: only clients of its edge notice', async () => {
    // The drain left all on the other node: the tier spreads again when its edges are replaced.
    await scene.kubectl('rollout', 'restart', 'deployment/live', 'deployment/origin');
    await scene.kubectl('rollout', 'status', 'deployment/live', '--timeout=120s');
    await scene.untilSettled();
    await scene.untilTier(({ status }) => (status?.drainingReplicas ?? 0) === 0);
    const { edge, clients } = await scene.busiestEdge();
    const node = scene.cluster.node(edge.spec?.nodeName);
    const elsewhere = (await scene.origins()).filter(({ spec }) => spec?.nodeName !== node.name);
    assert.equal(elsewhere.length, 1, 'the other node has an origin, too');
    let outAfterMs = 0;
    const seen = await audience.watch(
      'a node is lost for 100 s',
      async () => {
        const lostMs = Date.now();
        node.cutLink();
        await scene.client.until<V1Node>('/api/v1/nodes', (nodes) => nodes.some((each) => !isReady(each)), 120_000);
        outAfterMs = Date.now() - lostMs;
        await delay(Math.max(0, 100_000 - outAfterMs));
        node.healLink();
        await scene.untilSettled({ patienceMs: 180_000 });
      },
      {
        note: () => `${clients} clients were on it; not ready after ${(outAfterMs / 1000).toFixed(0)} s`,
        patienceMs: 180_000,
      },
    );
    assertTimesRanOn(seen);
    assert.ok(seen.playersCut + seen.publishersCut <= clients, `${JSON.stringify(seen)} for ${clients} clients`);
  });
});

/** What befalls origins: killed, hung, cut off, rolled, all gone. Nobody's connection closes. */

import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { V1Pod } from '@kubernetes/client-node';
import { suiteCleaner } from '../support/programs.ts';
import { type Audience, assertNobodyCut, assertTimesRanOn } from './audience.ts';
import { openWithAudience } from './opening.ts';
import { clientsOf, type Scene } from './scene.ts';

const outageMs = 25_000;

describe('origins', () => {
  const cleaner = suiteCleaner();
  let scene: Scene;
  let audience: Audience;

  before(async () => {
    ({ scene, audience } = await openWithAudience(cleaner));
  });

  const anOrigin = async (): Promise<V1Pod> => {
    const [origin] = await scene.untilOrigins(2);
    assert.ok(origin);
    return origin;
  };

  it('an origin’s container is killed', async () => {
    const origin = await anOrigin();
    const seen = await audience.watch('an origin is killed', async () => scene.signal(origin, 'SIGKILL'));
    assertNobodyCut(seen);
    await scene.untilOrigins(2);
  });

  it('an origin hangs', async () => {
    const origin = await anOrigin();
    const seen = await audience.watch('an origin hangs for 10 s', async () => {
      scene.signal(origin, 'SIGSTOP');
      await delay(10_000);
      scene.signal(origin, 'SIGCONT');
    });
    assertNobodyCut(seen);
  });

  it('the link of an origin’s node is cut: only a publisher of the edge on it may be cut', async () => {
    const node = scene.cluster.node((await anOrigin()).spec?.nodeName);
    const edge = (await scene.edges()).find(({ spec }) => spec?.nodeName === node.name);
    const its = edge === undefined ? 0 : clientsOf(scene.processOf(edge));
    const event = 'an origin’s node is cut off for 10 s, the edge on it with it';
    const seen = await audience.watch(
      event,
      async () => {
        node.cutLink();
        await delay(10_000);
        node.healLink();
      },
      { note: () => `${its} clients were on it` },
    );
    // Players outlive the cut: what was not acknowledged is sent again. A publisher that sends nothing for so long is
    // ended by its edge, as `publish_normal_timeout` says.
    assertTimesRanOn(seen);
    assert.equal(seen.playersCut, 0);
    assert.ok(seen.publishersCut <= its);
    await scene.untilOrigins(2);
  });

  it('origins are rolled', async () => {
    assertNobodyCut(await audience.watch('origins are rolled', () => scene.rollOrigins()));
  });

  it('all origins are gone for 25 s', async () => {
    const seen = await audience.watch('all origins are gone for 25 s', async () => {
      await scene.kubectl('scale', 'deployment/origin', '--replicas=0');
      await scene.untilOrigins(0);
      await delay(outageMs);
      await scene.kubectl('scale', 'deployment/origin', '--replicas=2');
      await scene.untilOrigins(2);
    });
    assertNobodyCut(seen);
    assert.ok(seen.gapMs > outageMs / 2, 'there was no outage');
  });
});

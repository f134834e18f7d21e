/** Edges are replaced under load: the old ones drain, and whoever comes meanwhile lands on one that serves. */

import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { edgeImage } from '../support/nodes/images.ts';
import { suiteCleaner } from '../support/programs.ts';
import { type Audience, assertTimesRanOn, type Seen, usualCrowd } from './audience.ts';
import { Newcomers } from './newcomers.ts';
import { openWithAudience } from './opening.ts';
import { nameOf, type Scene } from './scene.ts';

const nextImage = edgeImage.replace(/:.*/, ':next');
const drainSeconds = 10;

/** Each replaces the pods. */
const changes = {
  'edges roll: another image': { image: nextImage },
  'edges roll: other resources': { image: nextImage, resources: { requests: { cpu: '21m', memory: '65Mi' } } },
};

describe('edges roll', () => {
  const cleaner = suiteCleaner();
  let scene: Scene;
  let audience: Audience;

  before(async () => {
    ({ scene, audience } = await openWithAudience(cleaner, {
      spec: { pods: { drainSeconds } },
      prepare: ({ cluster }) => {
        for (const node of cluster.nodes)
          node.tagImage(`docker.io/library/${edgeImage}`, `docker.io/library/${nextImage}`);
      },
    }));
  });

  for (const [change, pods] of Object.entries(changes)) {
    it(change, async () => {
      const before = (await scene.edges()).map(nameOf);
      const newcomers = new Newcomers(await scene.address());
      const seen = await audience.watch(
        change,
        async () => {
          await scene.applyTier({ pods: { drainSeconds, ...pods } });
          await scene.untilSettled();
          // Those that end are gone when their last clients are.
          await scene.untilTier(({ status }) => (status?.drainingReplicas ?? 0) === 0);
        },
        { note: () => `${newcomers.served} newcomers served, ${newcomers.failed.length} not` },
      );
      await newcomers.stop();
      assert.deepEqual(newcomers.failed, []);
      assert.ok(newcomers.served > 0);
      const after = (await scene.edges()).map(nameOf);
      assert.deepEqual(
        after.filter((name) => before.includes(name)),
        [],
      );
      assertOnlyOutstayersCut(seen);
    });
  }
});

/** Who outstays a drain is cut, by each of the edges that end at most once. */
function assertOnlyOutstayersCut(seen: Seen): void {
  assertTimesRanOn(seen);
  const { rtmpPlayers, httpPlayers, publishers } = usualCrowd;
  assert.ok(seen.playersCut <= 2 * (rtmpPlayers + httpPlayers), `${seen.playersCut} players cut`);
  assert.ok(seen.publishersCut <= 2 * publishers, `${seen.publishersCut} publishers cut`);
}

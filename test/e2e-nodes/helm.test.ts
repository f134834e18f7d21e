/** The release is upgraded to a changed definition and another image, uninstalled, and installed again, under load. */

import assert from 'node:assert/strict';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { edgeImage } from '../support/nodes/images.ts';
import { suiteCleaner, temporaryDirectory } from '../support/programs.ts';
import { type Audience, assertNobodyCut, assertTimesRanOn } from './audience.ts';
import { openWithAudience } from './opening.ts';
import { chart, nameOf, operatorNamespace, type Scene } from './scene.ts';

const [, thisTag = ''] = edgeImage.split(':');
const nextTag = 'upgraded';
const definition = 'customresourcedefinition/edgeclusters.edgecluster.io';

describe('helm', () => {
  const cleaner = suiteCleaner();
  let scene: Scene;
  let audience: Audience;

  before(async () => {
    ({ scene, audience } = await openWithAudience(cleaner, {
      prepare: (opened) => {
        // The next scenario begins with the chart as it is.
        cleaner.after(() => opened.installChart());
        for (const node of opened.cluster.nodes)
          node.tagImage(`docker.io/library/${edgeImage}`, `docker.io/library/${edgeImage.replace(thisTag, nextTag)}`);
      },
    }));
  });

  /** What a later release changes in the definition. */
  function newerChart(): string {
    const newer = temporaryDirectory(cleaner);
    cpSync(chart, newer, { recursive: true });
    const file = join(newer, 'files/edgecluster.yaml');
    writeFileSync(file, readFileSync(file, 'utf8').replace('shortNames: [ec]', 'shortNames: [ec, tier]'));
    return newer;
  }

  it('the operator is upgraded, and the definition with it: edges of the same image are left as they are', async () => {
    const instances = await scene.instances();
    const newer = newerChart();
    const seen = await audience.watch('helm upgrade: another operator and definition', async () => {
      await scene.installChart({ from: newer, set: [`image.tag=${nextTag}`, `edgeImage.tag=${thisTag}`] });
      assert.match(
        await scene.kubernetes.kubectl(['get', definition, '-o', 'jsonpath={.spec.names.shortNames}']),
        /tier/,
      );
      await scene.untilSettled();
    });
    assertNobodyCut(seen);
    assert.deepEqual(await scene.instances(), instances);
  });

  it('the image of edges is upgraded: they are replaced, and drain', async () => {
    const before = (await scene.edges()).map(nameOf);
    const seen = await audience.watch('helm upgrade: another image of edges', async () => {
      await scene.installChart({ set: [`image.tag=${nextTag}`] });
      for (;;) {
        await scene.untilSettled();
        const now = (await scene.edges()).map(nameOf);
        if (!now.some((name) => before.includes(name))) break;
      }
      await scene.untilTier(({ status }) => (status?.drainingReplicas ?? 0) === 0);
    });
    assertTimesRanOn(seen);
  });

  it('uninstalled and installed again: edges never notice', async () => {
    const instances = await scene.instances();
    const seen = await audience.watch('helm uninstall, helm install', async () => {
      await scene.kubernetes.helm(['uninstall', 'edgecluster', '-n', operatorNamespace, '--wait']);
      await scene.kubectl('get', 'ec/live');
      await scene.installChart({ set: [`image.tag=${nextTag}`] });
      await scene.patchTier({ logLevel: 'Warn' });
      await scene.untilSettled();
    });
    assertNobodyCut(seen);
    assert.deepEqual(await scene.instances(), instances);
  });
});

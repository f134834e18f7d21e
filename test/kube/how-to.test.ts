/**
 * What pages tell to do in a cluster (```sh cluster) is done here, word for word, by the real kubectl and helm on a real
 * API. What can be done without a cluster is done in test/docs/how-to.test.ts.
 */

import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, describe, type TestContext, test } from 'node:test';
import { HowTo, stepsOf } from '../support/how-to.ts';
import { Kubernetes } from '../support/kubernetes.ts';

/** In the order in which somebody reads them: README brings the operator and a first EdgeCluster. */
const reader = [
  'README.md',
  'helm/docs/upgrade.md',
  'crds/docs/origins.md',
  'crds/LEVELS.md',
  'crds/hls/README.md',
  'crds/VERSIONS.md',
];
/** For a cluster of its own. */
const alone = ['helm/docs/kind-and-minikube.md'];

const skip = process.env.USE_EXISTING_CLUSTER === 'true' && 'an existing cluster keeps its EdgeClusters';

describe('how to, in a cluster', { skip }, () => {
  let kubernetes: Kubernetes;
  before(async () => {
    kubernetes = await Kubernetes.start();
  });
  after(() => kubernetes.stop());
  afterEach(async () => {
    await kubernetes.helm(['uninstall', 'edgecluster', '-n', 'edgecluster-system', '--wait']);
    await kubernetes.kubectl(['delete', 'crd', 'edgeclusters.edgecluster.io']);
  });

  /** Does what a page tells; between two steps a person lets the API learn of the definition. */
  async function follow(t: TestContext, page: string): Promise<void> {
    const howTo = new HowTo(t, kubernetes.environment);
    const steps = stepsOf(page).filter(({ kind }) => kind === 'file' || kind === 'cluster');
    assert.ok(
      steps.some(({ kind }) => kind === 'cluster'),
      `${page} tells nothing to do in a cluster`,
    );
    for (const step of steps) {
      await howTo.follow([step]);
      if (step.kind === 'cluster') await kubernetes.installed();
    }
  }

  test('from README to tiers and HLS, an upgrade between', { timeout: 300_000 }, async (t) => {
    const image = ['get', 'deployment', 'edgecluster', '-n', 'edgecluster-system', '-o', 'jsonpath={..image}'];
    for (const page of reader) {
      await follow(t, page);
      if (page === 'README.md') assert.match(await kubernetes.kubectl(image), /^registry\.example\.com\/edgecluster:/);
    }
    const revisions = await kubernetes.helm(['history', 'edgecluster', '-n', 'edgecluster-system', '-o', 'json']);
    const told = (JSON.parse(revisions) as readonly { readonly description: string }[]).map((each) => each.description);
    assert.deepEqual(told, ['Install complete', 'Upgrade complete', 'Rollback to 1']);
    const applied = await kubernetes.kubectl(['get', 'ec', '-A', '-o', 'name']);
    assert.ok(applied.split('\n').filter((name) => name !== '').length >= 4, applied);
  });

  for (const page of alone) {
    test(page, { timeout: 300_000 }, (t) => follow(t, page));
  }
});

test('no page that tells what to do in a cluster is left out', () => {
  const root = join(import.meta.dirname, '../..');
  const pages = globSync('{*.md,{crds,edge,helm,operator,test}/**/*.md}', { cwd: root });
  const telling = pages.filter((page) => stepsOf(page).some(({ kind }) => kind === 'cluster'));
  assert.deepEqual(telling.sort(), [...reader, ...alone].sort());
});

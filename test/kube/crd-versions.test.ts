/** The CRD is valid for the API server of each version of Kubernetes that we promise to work with. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import { crdErrors } from '../support/crd-validators.ts';
import { minorOf, pinnedRelease, supportedReleases } from '../support/kubernetes-versions.ts';

const root = join(import.meta.dirname, '../..');
const definition = readFileSync(join(root, 'crds/edgecluster.yaml'), 'utf8');

describe('the CRD', () => {
  for (const release of supportedReleases) {
    // Building takes minutes, where make kube-test has not done it before.
    it(`is valid for Kubernetes ${release}`, { timeout: 20 * 60_000 }, async () => {
      assert.deepEqual(await crdErrors(release, definition), []);
    });
  }

  it('is refused by Kubernetes 1.30 for what that version lacks', { timeout: 20 * 60_000 }, async () => {
    const [oldest] = supportedReleases;
    assert.ok(oldest);
    const rule = 'rule: self.minReplicas <= self.maxReplicas';
    assert.ok(definition.includes(rule));
    const errors = await crdErrors(oldest, definition.replace(rule, `rule: isIP('::1')`));
    assert.match(errors.join('\n'), /properties\[autoscaling\].*undeclared reference to 'isIP'/);
  });
});

describe('the versions of Kubernetes that we promise', () => {
  it('are all minors from the oldest to the newest, with the one that tests run on', () => {
    const minors = supportedReleases.map(minorOf);
    assert.deepEqual(
      minors,
      minors.map((_, i) => (minors[0] ?? 0) + i),
    );
    assert.ok(supportedReleases.includes(pinnedRelease()));
  });

  it('begin where the chart says', () => {
    const { kubeVersion } = parse(readFileSync(join(root, 'helm/Chart.yaml'), 'utf8')) as { kubeVersion: string };
    assert.equal(kubeVersion, `>=1.${minorOf(supportedReleases[0] ?? pinnedRelease())}.0-0`);
  });
});

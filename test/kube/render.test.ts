/** The API server takes everything we render, and gives it back as it was: else the operator would write for ever. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { KubernetesObject } from '@kubernetes/client-node';
import type { EdgeCluster } from '../../operator/api/types.ts';
import { differences } from '../../operator/reconcile/apply/compare.ts';
import { render } from '../../operator/render/render.ts';
import { cases, examples, inputOf } from '../operator/render/cases.ts';
import { Kubernetes } from '../support/kubernetes.ts';
import { chosenRelease, minorOf } from '../support/kubernetes-versions.ts';

/** Fields that API servers before a minor drop, by the end of their path: applied once, and accepted as they are. */
const knownSince: readonly (readonly [string, number])[] = [['podAffinityTerm.matchLabelKeys', 31]];

function isDropped(path: string): boolean {
  return knownSince.some(([end, minor]) => path.endsWith(end) && minorOf(chosenRelease()) < minor);
}

describe('rendered objects on a real API server', () => {
  let kubernetes: Kubernetes;
  before(
    async () => {
      // Without controllers: garbage collection would ask for the EdgeClusters that own these objects.
      kubernetes = await Kubernetes.start({ controllers: false });
    },
    { timeout: 120_000 },
  );
  after(async () => {
    await kubernetes.stop();
  });

  /** Applies what `cluster` is rendered to, and compares what comes back. */
  async function apply(cluster: EdgeCluster, namespace: string): Promise<void> {
    const input = inputOf({ ...cluster, metadata: { ...cluster.metadata, namespace } });
    const { objects } = render({ ...input, settings: { ...input.settings, podMonitors: false } });
    const list = { apiVersion: 'v1', kind: 'List', items: objects };
    const applied = await kubernetes.kubectl(
      ['apply', '--server-side', '--validate=strict', '--field-manager=edgecluster', '-o', 'json', '-f', '-'],
      { input: JSON.stringify(list) },
    );
    const live = (JSON.parse(applied) as { readonly items: readonly KubernetesObject[] }).items;
    assert.equal(live.length, objects.length);
    for (const [i, wanted] of objects.entries()) {
      const found = differences(wanted, live[i]).filter(({ path }) => !isDropped(path));
      assert.deepEqual(found, [], `${wanted.kind} ${wanted.metadata.name}`);
    }
  }

  for (const { name, cluster } of [...cases, ...examples]) {
    it(name, { timeout: 60_000 }, async () => {
      const namespace = await kubernetes.createNamespace('render');
      await apply(cluster, namespace);
      // Node ports are the whole cluster's.
      await kubernetes.kubectl(['delete', 'services', '--all', '--namespace', namespace]);
    });
  }

  it('an EdgeCluster that becomes another', { timeout: 60_000 }, async () => {
    const namespace = await kubernetes.createNamespace('render');
    for (const { cluster } of [...cases, ...cases.toReversed()]) {
      await apply({ ...cluster, metadata: { ...cluster.metadata, name: 'changing' } }, namespace);
    }
  });
});

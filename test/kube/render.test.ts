/** The API server takes everything we render, and gives it back as it was: else the operator would write for ever. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { KubernetesObject } from '@kubernetes/client-node';
import type { EdgeCluster } from '../../operator/api/types.ts';
import { differences } from '../../operator/reconcile/apply/compare.ts';
import { render } from '../../operator/render/render.ts';
import { cases, examples, inputOf } from '../operator/render/cases.ts';
import { edgeCluster } from '../support/edge-clusters.ts';
import { Kubernetes } from '../support/kubernetes.ts';
import { chosenRelease, minorOf } from '../support/kubernetes-versions.ts';

/** Fields that API servers before a minor drop, by the end of their path: applied once, and accepted as they are. */
const knownSince: readonly (readonly [string, number])[] = [
  ['podAffinityTerm.matchLabelKeys', 31],
  ['spec.trafficDistribution', 31],
];

function isDropped(path: string): boolean {
  return knownSince.some(([end, minor]) => path.endsWith(end) && minorOf(chosenRelease()) < minor);
}

/** Applies what `cluster` is rendered to, and compares what comes back. */
async function apply(kubernetes: Kubernetes, cluster: EdgeCluster, namespace: string): Promise<void> {
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

  for (const { name, cluster } of [...cases, ...examples]) {
    it(name, { timeout: 60_000 }, async () => {
      const namespace = await kubernetes.createNamespace('render');
      await apply(kubernetes, cluster, namespace);
      // Node ports are the whole cluster's.
      await kubernetes.kubectl(['delete', 'services', '--all', '--namespace', namespace]);
    });
  }

  it('an EdgeCluster that becomes another', { timeout: 60_000 }, async () => {
    const namespace = await kubernetes.createNamespace('render');
    for (const { cluster } of [...cases, ...cases.toReversed()]) {
      await apply(kubernetes, { ...cluster, metadata: { ...cluster.metadata, name: 'changing' } }, namespace);
    }
  });
});

const skip = process.env.USE_EXISTING_CLUSTER === 'true' && 'an API server with both families is started here';

describe('Services on an API server with both families of addresses', { skip }, () => {
  let kubernetes: Kubernetes;
  before(
    async () => {
      const ranges = ['--service-cluster-ip-range=10.96.0.0/16,fd00:10:96::/112'];
      kubernetes = await Kubernetes.start({ controllers: false, apiServerArgs: ranges });
    },
    { timeout: 120_000 },
  );
  after(() => kubernetes?.stop());

  for (const service of [
    { ipFamilyPolicy: 'PreferDualStack' },
    { ipFamilyPolicy: 'RequireDualStack', ipFamilies: ['IPv6'] },
    { ipFamilyPolicy: 'RequireDualStack', ipFamilies: ['IPv6', 'IPv4'] },
    { ipFamilies: ['IPv6'] },
    {},
  ]) {
    it(JSON.stringify(service), { timeout: 60_000 }, async () => {
      await apply(kubernetes, edgeCluster({ spec: { service } }), await kubernetes.createNamespace('families'));
    });
  }
});

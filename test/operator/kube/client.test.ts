/** The client against the double: reading, writing, and what the API server refuses. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import type { V1ConfigMap, V1Deployment } from '@kubernetes/client-node';
import { KubeApi, type RequestReport } from '../../../operator/kube/api.ts';
import { RESOURCES } from '../../../operator/kube/resources.ts';
import { type KubeApiDouble, startKubeApi } from '../../support/kube-api/kube-api.ts';

const { ConfigMap } = RESOURCES;

let kube: KubeApiDouble;
let api: KubeApi;
let reports: RequestReport[];

beforeEach(async () => {
  kube = await startKubeApi({ absent: ['podmonitors'] });
  reports = [];
  api = new KubeApi(kube.config(), { onRequest: (report) => reports.push(report), requestTimeoutMs: 5000 });
});

afterEach(async () => {
  api.close();
  await kube.stop();
});

function configMap(name: string, data: Record<string, string> = {}): V1ConfigMap {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default' }, data };
}

function deployment(image: string): V1Deployment {
  const template = {
    metadata: { labels: { app: 'edge' } },
    spec: { containers: [{ name: 'edge', image, ports: [{ containerPort: 1935 }] }] },
  };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'live', namespace: 'default' },
    spec: { replicas: 2, selector: { matchLabels: { app: 'edge' } }, template },
  };
}

test('what is applied is there, with uid and version; what is not there is undefined', async () => {
  assert.equal(await api.get(ConfigMap, 'default', 'live'), undefined);
  const created = await api.apply<V1ConfigMap>(configMap('live', { a: '1' }));
  assert.ok(created.metadata?.uid);
  const read = await api.get<V1ConfigMap>(ConfigMap, 'default', 'live');
  assert.deepEqual(read, created);
  assert.deepEqual(
    reports.map(({ verb, resource, status }) => [verb, resource.plural, status]),
    [
      ['get', 'configmaps', 404],
      ['apply', 'configmaps', 201],
      ['get', 'configmaps', 200],
    ],
  );
});

test('an apply that changes nothing makes no new version', async () => {
  const first = await api.apply<V1Deployment>(deployment('edge:1'));
  const second = await api.apply<V1Deployment>(deployment('edge:1'));
  assert.equal(second.metadata?.resourceVersion, first.metadata?.resourceVersion);
  const third = await api.apply<V1Deployment>(deployment('edge:2'));
  assert.notEqual(third.metadata?.resourceVersion, first.metadata?.resourceVersion);
  assert.equal(third.metadata?.generation, 2);
});

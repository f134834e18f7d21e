/** What others do to the objects of an EdgeCluster, and what they refer to. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type {
  KubernetesObject,
  V1ConfigMap,
  V1Deployment,
  V1EndpointSlice,
  V1Namespace,
  V1Secret,
  V1Service,
} from '@kubernetes/client-node';
import { CLUSTER_LABEL, CONFIG_KEY } from '../../../operator/api/labels.ts';
import { RESOURCES, type Resource } from '../../../operator/kube/resources.ts';
import { namespace, OperatorScene, type RunningOperator } from '../../support/operator-scene.ts';
import { originService, originSlice } from '../../support/origin-service.ts';

const kinds = [
  RESOURCES.ServiceAccount,
  RESOURCES.Secret,
  RESOURCES.ConfigMap,
  RESOURCES.Service,
  RESOURCES.PodDisruptionBudget,
  RESOURCES.Deployment,
] as const;

const nameOf = ({ kind }: { readonly kind: string }): string => (kind === 'Secret' ? 'live-api-credentials' : 'live');

interface Mended extends KubernetesObject {
  readonly data?: Readonly<Record<string, string>>;
  readonly spec?: {
    readonly template?: { readonly spec: { readonly containers: readonly { readonly readinessProbe?: object }[] } };
  };
}

const withouts: readonly (readonly [string, Resource, (object: Mended) => Mended])[] = [
  ['a file', RESOURCES.ConfigMap, ({ data: { [CONFIG_KEY]: _, ...data } = {}, ...object }) => ({ ...object, data })],
  [
    'an owner',
    RESOURCES.ConfigMap,
    ({ metadata: { ownerReferences: _, ...metadata } = {}, ...object }) => ({ ...object, metadata }),
  ],
  ['a field of pods', RESOURCES.Deployment, withoutReadiness],
];

function withoutReadiness(object: Mended): Mended {
  const { template } = object.spec ?? {};
  const containers = template?.spec.containers.map(({ readinessProbe: _, ...each }) => each) ?? [];
  return { ...object, spec: { ...object.spec, template: { ...template, spec: { ...template?.spec, containers } } } };
}

/** Somebody replaces the configuration. */
function edit(scene: OperatorScene, text: string): void {
  const { kube } = scene;
  const map = kube.object<V1ConfigMap>(RESOURCES.ConfigMap, namespace, 'live');
  assert.ok(map);
  kube.put({ ...map, data: { ...map.data, [CONFIG_KEY]: text } }, 'kubectl-edit');
}

describe('owned objects in the hands of others', () => {
  for (const resource of kinds) {
    it(`a deleted ${resource.kind} is made again, with one write`, async (t) => {
      const { scene, running } = await OperatorScene.settledWith(t);
      const name = nameOf(resource);
      const before = scene.get(resource, name)?.metadata?.uid;
      scene.kube.remove(resource, namespace, name);
      await scene.kube.until(() => scene.get(resource, name) !== undefined);
      await scene.idle(running);
      assert.notEqual(scene.get(resource, name)?.metadata?.uid, before);
      assert.equal(scene.kube.count({ resource: resource.plural }), 1);
    });
  }

  it('an edited object is put back with one write, and an event says who had changed what', async (t) => {
    const { scene, running } = await OperatorScene.settledWith(t);
    const conf = scene.conf('live');
    edit(scene, 'listen 1;');
    await scene.kube.until(() => scene.conf('live') === conf);
    await scene.idle(running);
    assert.equal(scene.writes().length, 1);
    await scene.kube.until(() => scene.events('live').includes('PutBack'));
    const [event] = scene.kube.objects<KubernetesObject & { note: string }>(RESOURCES.Event);
    assert.match(event?.note ?? '', /^ConfigMap live is put back .*: kubectl-edit had changed data\['edge-2\.conf'\]$/);
  });

  it('who fights finds growing pauses, and is named; none of it repeats without end', async (t) => {
    const { scene, running } = await OperatorScene.settledWith(t);
    const conf = scene.conf('live');
    for (const put of [1, 2, 3]) {
      edit(scene, `listen ${put};`);
      await scene.kube.until(() => scene.conf('live') === conf, 5000);
    }
    await scene.kube.until(() => scene.condition('live', 'Degraded')?.reason === 'Contested');
    assert.match(scene.condition('live', 'Degraded')?.message ?? '', /^ConfigMap live: kubectl-edit changes it/);
    scene.kube.forgetRequests();
    edit(scene, 'listen 4;');
    await scene.idle(running);
    assert.equal(scene.kube.count({ resource: 'configmaps' }), 0, 'it is not put back at once');
    assert.equal(running.operator.sizes?.queue, 1, 'but it will be');
    // A change of the EdgeCluster does not wait.
    scene.cluster('live', { origins: [{ name: 'main', servers: ['elsewhere:1935'] }] });
    await scene.kube.until(() => /elsewhere/.test(scene.conf('live')));
  });

  it('labels taken away are put back: the object is still ours', async (t) => {
    const { scene, running } = await OperatorScene.settledWith(t);
    const map = scene.get<V1ConfigMap>(RESOURCES.ConfigMap, 'live');
    scene.kube.put({ ...map, metadata: { ...map?.metadata, labels: {} } } as V1ConfigMap);
    await scene.kube.until(() => scene.get(RESOURCES.ConfigMap, 'live')?.metadata?.labels?.[CLUSTER_LABEL] === 'live');
    await scene.idle(running);
    assert.equal(scene.get(RESOURCES.ConfigMap, 'live')?.metadata?.uid, map?.metadata?.uid);
    assert.equal(scene.condition('live', 'Degraded')?.reason, 'AsExpected');
  });

  // Who takes a field away and sets none is not in managedFields.
  for (const [what, resource, without] of withouts) {
    it(`${what} taken away is put back, and told`, async (t) => {
      const { scene, running } = await OperatorScene.settledWith(t);
      const before = scene.get<Mended>(resource, 'live');
      assert.ok(before);
      scene.kube.put(without(before));
      await scene.kube.until(() => scene.events('live').includes('PutBack'));
      await scene.idle(running);
      const { data, spec, metadata } = scene.get<Mended>(resource, 'live') ?? {};
      assert.deepEqual({ data, spec }, { data: before.data, spec: before.spec });
      assert.deepEqual(metadata?.ownerReferences, before.metadata?.ownerReferences);
      assert.equal(scene.writes().length, 1);
    });
  }

  it("a foreign object of our object's name is told, and never touched", async (t) => {
    const scene = await OperatorScene.start(t);
    const theirs: V1Service = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'live', namespace, labels: { 'app.kubernetes.io/managed-by': 'Helm' } },
      spec: { ports: [{ port: 80 }] },
    };
    const before = scene.kube.put(theirs);
    const running = scene.operator();
    scene.cluster('live');
    await scene.settled('live', running);
    assert.deepEqual(scene.get(RESOURCES.Service, 'live'), before);
    assert.equal(scene.condition('live', 'Degraded')?.reason, 'NameTaken');
    assert.match(scene.condition('live', 'Degraded')?.message ?? '', /^Service live: it belongs to Helm/);
    await scene.kube.until(() => scene.events('live').includes('NameTaken'));
    assert.ok(scene.deployment('live'), 'all else is made');

    scene.kube.forgetRequests();
    scene.cluster('live', { maxConnections: 5000 });
    await scene.settled('live', running);
    assert.equal(scene.kube.count({ resource: 'services' }), 0, 'it is looked at again later');
    assert.deepEqual(scene.get(RESOURCES.Service, 'live'), before);
  });

  it('an object that another controller takes is left to it', async (t) => {
    const { scene, running } = await OperatorScene.settledWith(t);
    const map = scene.get<V1ConfigMap>(RESOURCES.ConfigMap, 'live');
    const ownerReferences = [{ apiVersion: 'v1', kind: 'Thing', name: 'theirs', uid: 'x', controller: true }];
    // An owner that does not exist would be collected: it does.
    const owner: V1ConfigMap = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'owner', namespace } };
    const { uid } = scene.kube.put(owner).metadata ?? {};
    const reference = { ...ownerReferences[0], kind: 'ConfigMap', name: 'owner', uid };
    scene.kube.put({ ...map, data: {}, metadata: { ...map?.metadata, ownerReferences: [reference] } } as V1ConfigMap);
    await scene.kube.until(() => scene.condition('live', 'Degraded')?.reason === 'NameTaken');
    await scene.idle(running);
    assert.match(scene.condition('live', 'Degraded')?.message ?? '', /belongs to ConfigMap owner/);
    assert.equal(scene.kube.count({ resource: 'configmaps' }), 0);
  });

  it('who writes our status is corrected, but not in a race', async (t) => {
    const { scene, running } = await OperatorScene.settledWith(t);
    const { configHash } = scene.edgeCluster('live')?.status ?? {};
    for (let i = 0; i < 5; i++) {
      scene.kube.change(RESOURCES.EdgeCluster, namespace, 'live', (cluster) => ({
        ...cluster,
        status: { players: i },
      }));
      await scene.idle(running);
    }
    assert.ok(scene.kube.count({ subresource: 'status' }) <= 1);
    assert.equal(running.operator.sizes?.queue, 1, 'it will be');
    assert.ok(configHash);
  });
});

describe('what an EdgeCluster refers to', () => {
  const spec = { origins: [{ name: 'main', service: { name: 'srs' } }] };

  it('a Service that appears later is followed, and pods that come and go', async (t) => {
    const { scene, running } = await OperatorScene.settledWith(t, spec);
    assert.equal(scene.condition('live', 'OriginsReachable')?.reason, 'ServiceNotFound');
    assert.match(scene.conf('live'), /srs\.media\.svc:1935/);
    scene.kube.put(originService('srs'));
    scene.kube.put(originSlice('srs', ['10.0.0.1', '10.0.0.2']));
    await scene.kube.until(() => /10\.0\.0\.1:1935 10\.0\.0\.2:1935/.test(scene.conf('live')));
    scene.kube.change<V1EndpointSlice>(RESOURCES.EndpointSlice, namespace, 'srs-abc', () =>
      originSlice('srs', ['10.0.0.2', '10.0.0.3']),
    );
    await scene.kube.until(() => /10\.0\.0\.2:1935 10\.0\.0\.3:1935/.test(scene.conf('live')));
    await scene.kube.until(() => scene.condition('live', 'Degraded')?.reason === 'AsExpected');
    await scene.idle(running);
    assert.equal(scene.kube.count({ verb: 'apply', resource: 'deployments' }), 0);
  });

  it('a Secret that appears later ends the complaint; its content is not kept', async (t) => {
    const { scene, running } = await OperatorScene.settledWith(t, {
      listeners: { rtmps: { port: 1443, secretName: 'certificate' } },
    });
    await scene.kube.until(() => scene.condition('live', 'Degraded')?.reason === 'SecretNotFound');
    await scene.atRest(running);
    scene.kube.forgetRequests();
    await running.stop();
    scene.kube.fault({ verb: 'list', resource: 'secrets', effect: { delayMs: 200 } });
    const other = scene.operator();
    await scene.atRest(other);
    assert.deepEqual(scene.writes(), [], 'an operator that starts waits until it knows');
    const secret: V1Secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'certificate', namespace },
      type: 'kubernetes.io/tls',
      data: { 'tls.crt': 'eA==', 'tls.key': 'eA==' },
    };
    scene.kube.put(secret);
    await scene.kube.until(() => scene.condition('live', 'Degraded')?.reason === 'AsExpected');
    await scene.idle(other);
    scene.kube.forgetRequests();
    // Another certificate is the edges' business: Kubernetes brings it to them.
    scene.kube.change<V1Secret>(RESOURCES.Secret, namespace, 'certificate', (old) => ({
      ...old,
      data: { 'tls.crt': 'eQ==', 'tls.key': 'eQ==' },
    }));
    await scene.idle(other);
    assert.deepEqual(scene.writes(), []);
  });

  it('EdgeClusters that do not refer to what changes are not worked on', async (t) => {
    const { scene, running } = await OperatorScene.settledWith(t, spec);
    scene.cluster('other');
    await scene.settled('other', running);
    scene.kube.forgetRequests();
    scene.kube.put(originService('srs'));
    scene.kube.put(originSlice('srs', ['10.0.0.1']));
    await scene.kube.until(() => /10\.0\.0\.1:1935/.test(scene.conf('live')));
    await scene.idle(running);
    assert.equal(scene.kube.count({ name: 'other' }), 0);
  });
});

describe('a namespace that is being deleted', () => {
  it('is left in silence: no write repeats, nothing is told, nothing stays', async (t) => {
    const { scene, running } = await OperatorScene.settledWith(t);
    scene.kube.change<V1Namespace>(RESOURCES.Namespace, undefined, namespace, (found) => ({
      ...found,
      metadata: { ...found.metadata, finalizers: ['kubernetes'] },
    }));
    // An object whose own finalizer keeps the namespace for a while.
    scene.kube.change<V1Deployment>(RESOURCES.Deployment, namespace, 'live', (deployment) => ({
      ...deployment,
      metadata: { ...deployment.metadata, finalizers: ['their/finalizer'] },
    }));
    await scene.idle(running);
    scene.kube.forgetRequests();
    await endNamespace(scene, running);
    assert.ok(scene.writes().length <= 2, JSON.stringify(scene.writes()));
    assert.deepEqual(scene.events('live'), []);
    assert.equal(running.log.filter(({ level }) => Number(level) >= 40).length, 0);
  });

  it('while the EdgeCluster is still there, one refusal is enough', async (t) => {
    const { scene, running } = await OperatorScene.settledWith(t);
    // The double deletes all at once; Kubernetes takes one kind after the other.
    const message = `unable to create new content in namespace ${namespace} because it is being terminated`;
    const refusal = { status: 403, reason: 'Forbidden', message };
    const ending = scene.kube.fault({ verb: 'apply', times: 1e6, effect: refusal });
    for (const resource of kinds) {
      scene.kube.remove(resource, namespace, 'live');
      await scene.atRest(running);
    }
    assert.equal(ending.hits, 1);
    assert.deepEqual(scene.events('live'), []);
    assert.equal(running.log.filter(({ level }) => Number(level) >= 40).length, 0);
  });
});

/** Deletes the namespace as Kubernetes does: what is in it goes one by one. */
async function endNamespace(scene: OperatorScene, running: RunningOperator): Promise<void> {
  scene.kube.remove(RESOURCES.Namespace, undefined, namespace);
  for (const resource of kinds) {
    scene.kube.remove(resource, namespace, 'live');
    await scene.atRest(running);
  }
  scene.kube.remove(RESOURCES.EdgeCluster, namespace, 'live');
  await scene.idle(running);
}

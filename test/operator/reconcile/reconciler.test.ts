import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { KubernetesObject, V1ConfigMap, V1Deployment, V1Service } from '@kubernetes/client-node';
import { CONFIG_KEY, FIELD_MANAGER } from '../../../operator/api/labels.ts';
import type { EdgeCluster } from '../../../operator/api/types.ts';
import { RESOURCES, type Resource } from '../../../operator/kube/resources.ts';
import { namespace, OperatorScene } from '../../support/operator-scene.ts';
import { originService, originSlice } from '../../support/origin-service.ts';

describe('reconciling an EdgeCluster', () => {
  it('makes its objects, the configuration before the pods, owned by it; then tells its status', async (t) => {
    const scene = await OperatorScene.start(t);
    const running = scene.operator();
    const { metadata } = scene.cluster('live');
    await scene.settled('live', running);
    const [revision] = scene.kube.objects(RESOURCES.ControllerRevision);
    const written = scene.writes().map(({ resource, name, subresource }) => [resource, name, subresource].join(' '));
    assert.deepEqual(written, [
      // The master key: a create names nothing.
      'secrets  ',
      `controllerrevisions ${revision?.metadata?.name} `,
      'serviceaccounts live ',
      'configmaps live ',
      'secrets live-api-credentials ',
      'services live ',
      'services live-edges ',
      'poddisruptionbudgets live ',
      'deployments live ',
      'edgeclusters live status',
    ]);
    assert.match(scene.conf('live'), /origin-a\.media:1935/);
    for (const resource of [RESOURCES.ConfigMap, RESOURCES.Deployment]) {
      const object = scene.get(resource, 'live');
      const [owner] = object?.metadata?.ownerReferences ?? [];
      assert.equal(owner?.uid, metadata.uid);
      assert.equal(owner?.controller, true);
      assert.equal(owner?.blockOwnerDeletion, true);
      assert.deepEqual(
        object?.metadata?.managedFields?.map(({ manager, operation }) => [manager, operation]),
        [[FIELD_MANAGER, 'Apply']],
      );
    }
    assert.equal(scene.condition('live', 'ConfigValid')?.reason, 'Valid');
    assert.equal(scene.condition('live', 'Progressing')?.reason, 'ScalingUp');
    assert.equal(scene.edgeCluster('live')?.status?.observedGeneration, 1);
  });

  it('writes nothing more, however often it is looked at, nor does another operator', async (t) => {
    const scene = await OperatorScene.start(t);
    const running = scene.operator();
    scene.cluster('live', { autoscaling: { minReplicas: 2, maxReplicas: 5 }, networkPolicy: { enabled: true } });
    await scene.settled('live', running);
    scene.kube.forgetRequests();
    for (const resource of [RESOURCES.Deployment, RESOURCES.ConfigMap, RESOURCES.Service])
      note(scene, resource, 'live');
    await scene.idle(running);
    assert.deepEqual(scene.writes(), []);
    assert.deepEqual(scene.kube.requests, [], 'nor is anything read');

    await running.stop();
    const other = scene.operator();
    await scene.kube.until(() => other.operator.ready);
    await scene.idle(other);
    assert.equal(scene.kube.count({ verb: 'list', resource: 'deployments' }), 1);
    assert.deepEqual(scene.writes(), []);
  });

  it('a changed spec changes the configuration only, not the pods', async (t) => {
    const scene = await OperatorScene.start(t);
    const running = scene.operator();
    scene.cluster('live');
    await scene.settled('live', running);
    scene.kube.forgetRequests();
    scene.cluster('live', { origins: [{ name: 'main', servers: ['elsewhere:1935'] }] });
    await scene.settled('live', running);
    assert.deepEqual(
      scene.writes().map(({ resource }) => resource),
      // What is in force is kept first; then that which it replaces goes.
      ['controllerrevisions', 'configmaps', 'controllerrevisions', 'edgeclusters'],
    );
    assert.match(scene.conf('live'), /elsewhere:1935/);
  });

  it('when pods must roll too, their configuration is there before', async (t) => {
    const scene = await OperatorScene.start(t);
    const running = scene.operator();
    scene.cluster('live');
    await scene.settled('live', running);
    scene.kube.forgetRequests();
    scene.cluster('live', {
      origins: [{ name: 'main', servers: ['elsewhere:1935'] }],
      listeners: { rtmp: { port: 1936 } },
    });
    await scene.settled('live', running);
    const resources = scene.writes().map(({ resource }) => resource);
    assert.ok(resources.indexOf('configmaps') < resources.indexOf('deployments'), resources.join());
    assert.ok(resources.includes('configmaps'));
  });

  it('does not roll pods onto a configuration that could not be written', async (t) => {
    const scene = await OperatorScene.start(t);
    const running = scene.operator();
    scene.cluster('live');
    await scene.settled('live', running);
    scene.kube.fault({
      verb: 'apply',
      resource: 'configmaps',
      times: 1000,
      effect: { status: 403, reason: 'Forbidden' },
    });
    scene.kube.forgetRequests();
    scene.cluster('live', { listeners: { rtmp: { port: 1936 } } });
    await scene.kube.until(() => scene.condition('live', 'Degraded')?.reason === 'ApplyRefused');
    assert.equal(scene.kube.count({ verb: 'apply', resource: 'deployments' }), 0);
    assert.match(scene.condition('live', 'Degraded')?.message ?? '', /^ConfigMap live: /);
  });

  it('scales also while the rest of the Deployment is refused, and does not fight for it', async (t) => {
    const scene = await OperatorScene.start(t);
    const running = scene.operator();
    scene.cluster('live');
    await scene.settled('live', running);
    const refusal = { status: 422, reason: 'Invalid' } as const;
    const refused = scene.kube.fault({ verb: 'apply', resource: 'deployments', times: 1e6, effect: refusal });
    scene.cluster('live', { replicas: 5, pods: { drainSeconds: 7 } });
    await scene.settled('live', running);
    assert.equal(scene.deployment('live')?.spec?.replicas, 5);
    assert.equal(scene.condition('live', 'Degraded')?.reason, 'ApplyRefused');
    scene.kube.forgetRequests();
    for (const replicas of [3, 4]) {
      const deployment = scene.deployment('live');
      scene.kube.put({ ...deployment, spec: { ...deployment?.spec, replicas } } as V1Deployment, 'someone');
      await scene.idle(running);
    }
    assert.equal(scene.kube.count({ verb: 'patch', resource: 'deployments' }), 0);
    refused.end();
    scene.cluster('live', { replicas: 6 });
    await scene.settled('live', running);
    assert.equal(scene.deployment('live')?.spec?.replicas, 6);
  });

  it('removes what is no longer wanted, of its own only', async (t) => {
    const scene = await OperatorScene.start(t);
    const running = scene.operator();
    const autoscaling = { minReplicas: 2, maxReplicas: 5 };
    scene.cluster('live', { autoscaling, networkPolicy: { enabled: true } });
    await scene.settled('live', running);
    assert.ok(scene.get(RESOURCES.HorizontalPodAutoscaler, 'live'));
    scene.cluster('live');
    await scene.settled('live', running);
    assert.equal(scene.get(RESOURCES.HorizontalPodAutoscaler, 'live'), undefined);
    assert.equal(scene.get(RESOURCES.NetworkPolicy, 'live'), undefined);
    assert.ok(scene.get(RESOURCES.PodDisruptionBudget, 'live'));

    scene.cluster('live', { autoscaling, networkPolicy: { enabled: true } });
    await scene.settled('live', running);
    assert.ok(scene.get(RESOURCES.HorizontalPodAutoscaler, 'live'));
    assert.ok(
      running.log.every(({ why }) => why !== 'put back'),
      'nobody had taken it away',
    );
  });

  it('goes with its objects when it is deleted, and nothing of it is remembered', async (t) => {
    const scene = await OperatorScene.start(t);
    const running = scene.operator();
    const empty = { caches: 0, remembered: 0, queue: 0, busy: 0 };
    for (let i = 0; i < 3; i++) {
      scene.cluster('live');
      await scene.settled('live', running);
      scene.kube.remove(RESOURCES.EdgeCluster, namespace, 'live');
      await scene.kube.until(() => scene.get(RESOURCES.Deployment, 'live') === undefined);
      await scene.atRest(running);
      assert.deepEqual(running.operator.sizes, empty);
    }
  });

  it('is not made again while it is being deleted', async (t) => {
    const scene = await OperatorScene.start(t);
    const running = scene.operator();
    const cluster = scene.cluster('live');
    await scene.settled('live', running);
    // As deletion in the foreground does it: the EdgeCluster stays until what it owns is gone.
    const finalizers = ['foregroundDeletion'];
    scene.kube.put({
      ...scene.edgeCluster('live'),
      metadata: { ...cluster.metadata, finalizers, resourceVersion: undefined },
    } as never);
    scene.kube.remove(RESOURCES.EdgeCluster, namespace, 'live');
    await scene.idle(running);
    scene.kube.forgetRequests();
    scene.kube.remove(RESOURCES.ConfigMap, namespace, 'live');
    await scene.atRest(running);
    assert.deepEqual(scene.writes(), []);
  });

  it('leaves fields of others alone', async (t) => {
    const scene = await OperatorScene.start(t);
    const running = scene.operator();
    scene.cluster('live');
    await scene.settled('live', running);
    scene.kube.change<V1Service>(RESOURCES.Service, namespace, 'live', (service) => ({
      ...service,
      metadata: { ...service.metadata, annotations: { ...service.metadata?.annotations, 'their/note': 'x' } },
      spec: { ...service.spec, externalIPs: ['192.0.2.1'] },
    }));
    scene.cluster('live', { service: { type: 'NodePort' } });
    await scene.settled('live', running);
    const service = scene.get<V1Service>(RESOURCES.Service, 'live');
    assert.equal(service?.spec?.type, 'NodePort');
    assert.deepEqual(service?.spec?.externalIPs, ['192.0.2.1']);
    assert.equal(service?.metadata?.annotations?.['their/note'], 'x');
  });

  it('scales, and the number of edges follows the scale subresource', async (t) => {
    const scene = await OperatorScene.start(t);
    const running = scene.operator();
    scene.cluster('live');
    await scene.settled('live', running);
    scene.cluster('live', { replicas: 5 });
    await scene.settled('live', running);
    assert.equal(scene.deployment('live')?.spec?.replicas, 5);
  });
});

describe('a configuration that is not valid', () => {
  const broken = { extraDirectives: 'no_such_directive on;' };

  it('is told; what ran before goes on, and still scales; others are not touched by it', async (t) => {
    const scene = await OperatorScene.start(t);
    const running = scene.operator();
    scene.cluster('live');
    await scene.settled('live', running);
    const conf = scene.conf('live');
    scene.cluster('live', broken);
    scene.cluster('other');
    await scene.settled('live', running);
    await scene.settled('other', running);
    assert.equal(scene.condition('live', 'ConfigValid')?.reason, 'InvalidDirectives');
    assert.match(scene.condition('live', 'ConfigValid')?.message ?? '', /^spec\.extraDirectives line 1/);
    assert.equal(scene.condition('other', 'ConfigValid')?.reason, 'Valid');
    assert.equal(scene.conf('live'), conf);
    const { template } = scene.deployment('live')?.spec ?? {};

    scene.cluster('live', { ...broken, replicas: 7, pods: { drainSeconds: 5 } });
    await scene.settled('live', running);
    assert.equal(scene.deployment('live')?.spec?.replicas, 7);
    assert.deepEqual(scene.deployment('live')?.spec?.template, template);
    await scene.kube.until(() => scene.events('live').includes('InvalidDirectives'));

    scene.cluster('live', { replicas: 3 });
    await scene.settled('live', running);
    assert.equal(scene.deployment('live')?.spec?.replicas, 3);
    assert.equal(scene.condition('live', 'ConfigValid')?.status, 'True');
  });

  it('what ran before is put back, and follows its origins', async (t) => {
    const scene = await OperatorScene.start(t);
    const running = scene.operator();
    const origins = [{ name: 'main', service: { name: 'srs' } }];
    scene.kube.put(originService('srs'));
    scene.kube.put(originSlice('srs', ['10.0.0.1']));
    scene.cluster('live', { origins });
    await scene.settled('live', running);
    // Nor is anything else of it applied.
    scene.cluster('live', { ...broken, origins, listeners: { rtmp: { port: 1936 } } });
    await scene.settled('live', running);
    const conf = scene.conf('live');
    scene.kube.forgetRequests();
    await scene.idle(running);
    assert.deepEqual(scene.writes(), []);

    for (const resource of [RESOURCES.ConfigMap, RESOURCES.Deployment]) {
      scene.kube.remove(resource, namespace, 'live');
      await scene.kube.until(() => scene.get(resource, 'live') !== undefined);
    }
    assert.equal(scene.conf('live'), conf);
    const [container] = scene.deployment('live')?.spec?.template.spec?.containers ?? [];
    assert.equal(container?.ports?.[0]?.containerPort, 1935);

    const before = scene.edgeCluster('live')?.status?.configHash;
    scene.kube.put(originSlice('srs', ['10.0.0.2']));
    await scene.kube.until(() => scene.conf('live').includes('10.0.0.2:1935'));
    await scene.kube.until(() => scene.edgeCluster('live')?.status?.configHash !== before);
    assert.equal(scene.condition('live', 'ConfigValid')?.reason, 'InvalidDirectives');
    assert.equal(scene.edgeCluster('live')?.status?.origins?.[0]?.server, '10.0.0.2:1935');
  });

  it('from the start makes nothing', async (t) => {
    const scene = await OperatorScene.start(t);
    const running = scene.operator();
    scene.cluster('live', broken);
    await scene.settled('live', running);
    assert.equal(scene.deployment('live'), undefined);
    assert.equal(scene.condition('live', 'Ready')?.reason, 'ConfigInvalid');
  });
});

describe('namespaces and kinds', () => {
  it('looks after the namespaces it is told, and reads no others', async (t) => {
    const scene = await OperatorScene.start(t, { namespaces: [namespace, 'other'] });
    const running = scene.operator({ namespaces: ['other', 'default'] });
    scene.cluster('live');
    const cluster = scene.edgeCluster('live');
    scene.kube.put({ ...cluster, metadata: { name: 'there', namespace: 'other' } } as never);
    await scene.kube.until(() => scene.kube.object(RESOURCES.Deployment, 'other', 'there') !== undefined);
    await scene.idle(running);
    assert.equal(scene.deployment('live'), undefined);
    const origins = [{ name: 'main', service: { name: 'srs', namespace } }];
    scene.kube.put({ ...cluster, metadata: { name: 'afar', namespace: 'other' }, spec: { origins } } as never);
    const afar = () => scene.kube.object<EdgeCluster>(RESOURCES.EdgeCluster, 'other', 'afar');
    await scene.kube.until(() => afar()?.status?.conditions !== undefined);
    const reachable = afar()?.status?.conditions?.find(({ type }) => type === 'OriginsReachable');
    assert.match(reachable?.message ?? '', /does not watch, so its DNS name is used/);
    const map = scene.kube.object<V1ConfigMap>(RESOURCES.ConfigMap, 'other', 'afar');
    assert.match(map?.data?.[CONFIG_KEY] ?? '', /srs\.media\.svc:1935/);
    assert.equal(scene.kube.count({ namespace: undefined }) - scene.kube.count({ verb: 'discover' }), 0);
  });

  it('a namespace that cannot be listed holds up no other', async (t) => {
    const scene = await OperatorScene.start(t, { namespaces: [namespace, 'gone'] });
    const forbidden = { status: 403, reason: 'Forbidden' } as const;
    const mayNot = scene.kube.fault({ verb: 'list', namespace: 'gone', times: 1e6, effect: forbidden });
    scene.cluster('behind', { origins: [{ name: 'main', service: { name: 'srs' } }] });
    scene.kube.put({ ...scene.edgeCluster('behind'), metadata: { name: 'there', namespace: 'gone' } } as never);
    const running = scene.operator({ namespaces: ['gone', namespace], times: { optionalWaitMs: 50 } });
    await scene.settled('behind', running);
    assert.ok(running.operator.ready);
    assert.equal(scene.kube.count({ namespace: 'gone', verb: 'apply' }), 0);
    mayNot.end();
    await scene.kube.until(() => scene.kube.object(RESOURCES.Deployment, 'gone', 'there') !== undefined);
  });

  it('who may not list Services goes on with what needs none, and tells the others', async (t) => {
    const scene = await OperatorScene.start(t);
    const forbidden = { status: 403, reason: 'Forbidden' } as const;
    const mayNot = scene.kube.fault({ verb: 'list', resource: 'endpointslices', times: 1e6, effect: forbidden });
    scene.cluster('behind', { origins: [{ name: 'main', service: { name: 'srs' } }] });
    scene.cluster('live');
    // Time enough for the refusal to be known on a busy machine.
    const running = scene.operator({ times: { optionalWaitMs: 1000 } });
    await scene.settled('live', running);
    await scene.kube.until(() => scene.events('behind').includes('OriginsUnknown'));
    assert.equal(scene.conf('behind'), '');
    const notes = scene.kube.objects<KubernetesObject & { note: string }>(RESOURCES.Event).map(({ note }) => note);
    assert.ok(
      notes.some((note) => note.endsWith('a fault of the test')),
      notes.join('\n'),
    );
    mayNot.end();
    await scene.kube.until(() => scene.conf('behind') !== '');
  });

  it('who may not list Secrets does not say that one is missing', async (t) => {
    const scene = await OperatorScene.start(t);
    const running = scene.operator({ watchSecrets: false });
    scene.cluster('live', { listeners: { rtmps: { port: 1443, secretName: 'certificate' } } });
    await scene.settled('live', running);
    assert.equal(scene.condition('live', 'Degraded')?.reason, 'AsExpected');
    assert.ok(scene.deployment('live'));
    assert.ok(scene.get(RESOURCES.Secret, 'live-api-credentials'));
    const lists = scene.kube.requests.filter(({ verb, resource }) => verb === 'list' && resource === 'secrets');
    assert.deepEqual(
      lists.map(({ query }) => query.fieldSelector),
      ['metadata.name=edgecluster-operator-master-key'],
    );
  });

  it('PodMonitors are made where their CRD is', async (t) => {
    const scene = await OperatorScene.start(t, { absent: [] });
    const running = scene.operator();
    scene.cluster('live');
    await scene.settled('live', running);
    assert.ok(scene.get(RESOURCES.PodMonitor, 'live'));
  });

  it('Services, EndpointSlices and Secrets are read once an EdgeCluster refers to them', async (t) => {
    const scene = await OperatorScene.start(t);
    const running = scene.operator();
    scene.cluster('live');
    await scene.settled('live', running);
    // The master key is asked for by its name.
    const isNamed = ({ fieldSelector = '' }: { readonly fieldSelector?: string }) => fieldSelector.includes('name=');
    const unselected = () =>
      scene.kube.requests.filter(
        ({ verb, query }) => verb === 'watch' && query.labelSelector === undefined && !isNamed(query),
      );
    assert.deepEqual(
      unselected().map(({ resource }) => resource),
      ['edgeclusters'],
    );
    scene.cluster('live', {
      origins: [{ name: 'main', service: { name: 'srs' } }],
      listeners: { rtmps: { port: 1443, secretName: 'certificate' } },
    });
    await scene.kube.until(() => scene.condition('live', 'Degraded')?.reason === 'SecretNotFound');
    const lists = scene.kube.requests.filter(({ verb, resource }) => verb === 'list' && resource === 'secrets');
    assert.deepEqual(
      lists.map(({ namespace = '', query }) => [namespace, query.labelSelector ?? query.fieldSelector].join(' ')),
      [
        'default metadata.name=edgecluster-operator-master-key',
        ' app.kubernetes.io/managed-by=edgecluster,edgecluster.io/cluster',
        ' type=kubernetes.io/tls',
      ],
    );
    assert.deepEqual(
      unselected()
        .map(({ resource }) => resource)
        .toSorted(),
      ['edgeclusters', 'endpointslices', 'secrets', 'services'],
    );
    assert.equal(scene.condition('live', 'OriginsReachable')?.reason, 'ServiceNotFound');
    assert.match(scene.conf('live'), /srs\.media\.svc:1935/);
  });
});

/** Somebody's note on an object: an event that asks for nothing. */
function note(scene: OperatorScene, resource: Resource, name: string): void {
  scene.kube.change<V1Deployment | V1ConfigMap | V1Service>(resource, namespace, name, (object) => ({
    ...object,
    metadata: { ...object.metadata, annotations: { ...object.metadata?.annotations, 'their/note': 'x' } },
  }));
}

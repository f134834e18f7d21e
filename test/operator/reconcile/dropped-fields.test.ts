/** Fields that an API server of an older version does not know, and drops: they are no reason to write again and again. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { V1Deployment, V1Service } from '@kubernetes/client-node';
import { RESOURCES } from '../../../operator/kube/resources.ts';
import type { KubeObject } from '../../support/kube-api/kube-api.ts';
import { admitClusters, namespace, OperatorScene, type RunningOperator } from '../../support/operator-scene.ts';

/** Of a pod, of a container, of an item of a list, and of a Service; some that we give are in lists without keys. */
const dropped: ReadonlySet<string> = new Set([
  ...['terminationGracePeriodSeconds', 'securityContext', 'startupProbe', 'livenessProbe', 'preStop'],
  ...['topologySpreadConstraints', 'appProtocol', 'targetPort', 'progressDeadlineSeconds'],
]);

function without(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(without);
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).filter(([name]) => !dropped.has(name));
  return Object.fromEntries(kept.map(([name, inner]) => [name, without(inner)]));
}

/** As an API server that knows fewer fields. */
function older(): (object: KubeObject) => KubeObject {
  const admit = admitClusters();
  return (object) => {
    const { kind, spec } = object;
    return kind === 'Deployment' || kind === 'Service' ? { ...object, spec: without(spec) } : admit(object);
  };
}

describe('fields that the API server drops', () => {
  async function settled(scene: OperatorScene): Promise<RunningOperator> {
    const running = scene.operator();
    await scene.settled('live', running);
    return running;
  }

  async function start(t: Parameters<typeof OperatorScene.start>[0]): Promise<OperatorScene> {
    const scene = await OperatorScene.start(t, { admission: older() });
    scene.cluster('live');
    return scene;
  }

  /** Somebody writes to both, as Kubernetes' controllers do all the time. */
  async function touch(scene: OperatorScene, running: RunningOperator): Promise<void> {
    for (const replicas of [1, 2, 3]) {
      scene.kube.change<V1Deployment>(RESOURCES.Deployment, namespace, 'live', (it) => ({
        ...it,
        status: { replicas },
      }));
      const ingress = [{ ip: `10.0.0.${replicas}` }];
      const status = { loadBalancer: { ingress } };
      scene.kube.change<V1Service>(RESOURCES.Service, namespace, 'live', (it) => ({ ...it, status }));
      await scene.idle(running);
    }
  }

  it('are given once, however often others write', async (t) => {
    const scene = await start(t);
    const running = await settled(scene);
    assert.equal(scene.deployment('live')?.spec?.template.spec?.topologySpreadConstraints, undefined);
    assert.equal(scene.kube.count({ verb: 'apply', resource: 'deployments' }), 1);
    await touch(scene, running);
    assert.equal(scene.kube.count({ verb: 'apply', resource: 'deployments' }), 1);
    assert.equal(scene.kube.count({ verb: 'apply', resource: 'services' }), 2, 'the Service and the headless one');
    // What the EdgeCluster changes is written once, too.
    scene.cluster('live', { replicas: 3 });
    await scene.kube.until(() => scene.deployment('live')?.spec?.replicas === 3);
    await touch(scene, running);
    assert.equal(scene.kube.count({ verb: 'apply', resource: 'deployments' }), 2);
  });

  it('are given once more by an operator that starts, which changes nothing and tells nobody', async (t) => {
    const scene = await start(t);
    await (await settled(scene)).stop();
    const { resourceVersion } = scene.deployment('live')?.metadata ?? {};
    scene.kube.forgetRequests();
    const running = await settled(scene);
    assert.equal(scene.deployment('live')?.metadata?.resourceVersion, resourceVersion);
    await touch(scene, running);
    assert.equal(scene.kube.count({ verb: 'apply', resource: 'deployments' }), 1);
    assert.ok(!scene.events('live').includes('PutBack'), scene.events('live').join());
    assert.equal(scene.condition('live', 'Degraded')?.reason, 'AsExpected');
  });
});

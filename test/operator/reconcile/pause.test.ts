/** A paused EdgeCluster: the operator writes nothing but status, until it is told to go on. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { V1ConfigMap, V1Deployment, V1Service } from '@kubernetes/client-node';
import { PAUSED } from '../../../operator/api/labels.ts';
import { RESOURCES } from '../../../operator/kube/resources.ts';
import { namespace, OperatorScene, type RunningOperator } from '../../support/operator-scene.ts';

function annotate(scene: OperatorScene, value: string | undefined): void {
  const cluster = scene.edgeCluster('live')!;
  const { [PAUSED]: _, ...annotations } = cluster.metadata.annotations ?? {};
  const now = { ...annotations, ...(value !== undefined && { [PAUSED]: value }) };
  scene.kube.put({ ...cluster, metadata: { ...cluster.metadata, annotations: now } }, 'kubectl');
}

async function progressing(scene: OperatorScene, running: RunningOperator): Promise<string> {
  await scene.atRest(running);
  const { status, reason, message } = scene.condition('live', 'Progressing')!;
  return `${status} ${reason}: ${message}`;
}

function edit(scene: OperatorScene): void {
  const deployment = scene.deployment('live')!;
  const [edge] = deployment.spec!.template.spec!.containers;
  edge!.image = 'edge:by-hand';
  scene.kube.put(deployment, 'kubectl-edit');
  scene.kube.remove(RESOURCES.Service, namespace, 'live');
}

const pauses = [
  {
    by: 'spec.paused',
    on: (scene: OperatorScene) => scene.cluster('live', { paused: true }),
    off: (scene: OperatorScene) => scene.cluster('live', { paused: false }),
  },
  {
    by: `annotation ${PAUSED}`,
    on: (scene: OperatorScene) => annotate(scene, 'true'),
    off: (scene: OperatorScene) => annotate(scene, undefined),
  },
] as const;

describe('a paused EdgeCluster', () => {
  for (const { by, on, off } of pauses) {
    it(`by ${by}: what a person edits stays, until it goes on`, async (t) => {
      const { scene, running } = await OperatorScene.settledWith(t);
      on(scene);
      assert.equal(
        await progressing(scene, running),
        `False Paused: nothing is applied, as ${by} says; what runs is what is wanted`,
      );
      edit(scene);
      await scene.idle(running);
      assert.deepEqual(
        [...new Set(scene.writes().map(({ resource, subresource }) => `${resource} ${subresource}`))],
        ['edgeclusters status'],
      );
      assert.equal(scene.deployment('live')?.spec?.template.spec?.containers[0]?.image, 'edge:by-hand');

      off(scene);
      await scene.kube.until(() => scene.get<V1Service>(RESOURCES.Service, 'live') !== undefined);
      assert.match(await progressing(scene, running), /^True ScalingUp: /);
      assert.equal(scene.deployment('live')?.spec?.template.spec?.containers[0]?.image, 'edge:test');
    });
  }

  it('the spec is not followed: neither origins, nor the number of edges, nor what is taken out of it', async (t) => {
    const { scene, running } = await OperatorScene.settledWith(t, { networkPolicy: { enabled: true } });
    const [conf, hash] = [scene.conf('live'), scene.edgeCluster('live')?.status?.configHash];
    const origins = [{ name: 'main', servers: ['other:1935'] }];
    scene.cluster('live', { paused: true, origins, replicas: 0 });
    assert.match(await progressing(scene, running), /these are applied: .*ConfigMap live, Deployment live/);
    assert.equal(scene.condition('live', 'Ready')?.reason, 'Paused');
    assert.equal(scene.conf('live'), conf);
    assert.equal(scene.deployment('live')?.spec?.replicas, 2);
    const { status, metadata } = scene.edgeCluster('live')!;
    assert.deepEqual([status?.configHash, status?.observedGeneration], [hash, metadata.generation]);

    scene.cluster('live', { origins, replicas: 0 });
    await scene.settled('live', running);
    assert.match(scene.conf('live'), /other:1935/);
    assert.equal(scene.get<V1Deployment>(RESOURCES.Deployment, 'live')?.spec?.replicas, 0);
    assert.equal(scene.get(RESOURCES.NetworkPolicy, 'live'), undefined);
  });

  it('stays so with another operator, which has another image', async (t) => {
    const { scene, running } = await OperatorScene.settledWith(t);
    scene.cluster('live', { paused: true });
    await scene.settled('live', running);
    edit(scene);
    await running.stop();
    scene.kube.forgetRequests();
    const next = scene.operator({ edgeImage: 'edge:next' });
    await progressing(scene, next);
    assert.deepEqual(
      scene.writes().filter(({ resource }) => resource !== 'edgeclusters'),
      [],
    );
    assert.equal(scene.get<V1Service>(RESOURCES.Service, 'live'), undefined);
  });

  it('nothing is made for one that is new, and an invalid one is told as usual', async (t) => {
    const scene = await OperatorScene.start(t);
    const running = scene.operator();
    scene.cluster('live', { paused: true });
    await scene.settled('live', running);
    assert.match(await progressing(scene, running), /these are applied: .*ServiceAccount live/);
    assert.equal(scene.get<V1ConfigMap>(RESOURCES.ConfigMap, 'live'), undefined);
    scene.cluster('live', { paused: true, extraDirectives: 'nonsense;' });
    await scene.settled('live', running);
    assert.equal(scene.condition('live', 'ConfigValid')?.reason, 'InvalidDirectives');
    scene.cluster('live');
    await scene.settled('live', running);
    assert.notEqual(scene.get<V1ConfigMap>(RESOURCES.ConfigMap, 'live'), undefined);
  });

  it('is none with the annotation "false"', async (t) => {
    const { scene, running } = await OperatorScene.settledWith(t);
    annotate(scene, 'false');
    edit(scene);
    await scene.kube.until(() => scene.get<V1Service>(RESOURCES.Service, 'live') !== undefined);
    assert.doesNotMatch(await progressing(scene, running), /Paused/);
  });
});

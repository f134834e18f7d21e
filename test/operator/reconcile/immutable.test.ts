/** A ConfigMap or a Secret of ours that somebody makes immutable: it takes no change any more. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { V1ConfigMap } from '@kubernetes/client-node';
import { RESOURCES } from '../../../operator/kube/resources.ts';
import type { KubeObject } from '../../support/kube-api/kube-api.ts';
import { admitClusters, namespace, OperatorScene } from '../../support/operator-scene.ts';

const elsewhere = { origins: [{ name: 'main', servers: ['elsewhere:1935'] }] };

describe('an object that somebody makes immutable', () => {
  it('is replaced by one that is not, and an event tells', async (t) => {
    const { scene, running } = await OperatorScene.settledWith(t);
    const before = scene.get(RESOURCES.ConfigMap, 'live');
    scene.kube.change<V1ConfigMap>(RESOURCES.ConfigMap, namespace, 'live', (it) => ({ ...it, immutable: true }));
    await scene.kube.until(() => scene.events('live').includes('PutBack'));
    await scene.idle(running);
    const after = scene.get<V1ConfigMap>(RESOURCES.ConfigMap, 'live');
    assert.notEqual(after?.metadata?.uid, before?.metadata?.uid);
    assert.equal(after?.immutable, undefined);
    assert.equal(scene.kube.count({ resource: 'configmaps', verb: 'apply' }), 1);
  });

  it('again and again, as an admission webhook does, is not fought for: it is replaced for each change', async (t) => {
    const admit = admitClusters();
    const admission = (object: KubeObject): KubeObject =>
      object.kind === 'ConfigMap' ? { ...object, immutable: true } : admit(object);
    const scene = await OperatorScene.start(t, { admission });
    const running = scene.operator();
    scene.cluster('live');
    await scene.settled('live', running);
    const { uid } = scene.get(RESOURCES.ConfigMap, 'live')?.metadata ?? {};
    await scene.idle(running);
    assert.equal(scene.get(RESOURCES.ConfigMap, 'live')?.metadata?.uid, uid);
    scene.cluster('live', elsewhere);
    await scene.kube.until(() => /elsewhere/.test(scene.conf('live')));
    await scene.idle(running);
    assert.notEqual(scene.get(RESOURCES.ConfigMap, 'live')?.metadata?.uid, uid);
    assert.ok(!scene.events('live').includes('PutBack'), scene.events('live').join());
    assert.equal(scene.condition('live', 'Degraded')?.reason, 'AsExpected');
  });
});

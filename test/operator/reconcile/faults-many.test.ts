/** All EdgeClusters concerned at once. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { V1EndpointSlice } from '@kubernetes/client-node';
import { RESOURCES } from '../../../operator/kube/resources.ts';
import { namespace, OperatorScene } from '../../support/operator-scene.ts';
import { originService, originSlice } from '../../support/origin-service.ts';

describe('many at once', () => {
  const many = 500;

  it(`${many} EdgeClusters follow one origin pod: a ConfigMap and a status each, no more`, async (t) => {
    const scene = await OperatorScene.start(t);
    scene.kube.put(originService('srs'));
    scene.kube.put(originSlice('srs', ['10.0.0.1']));
    const names = Array.from({ length: many }, (_, i) => `live-${i}`);
    for (const name of names) scene.cluster(name, { origins: [{ name: 'main', service: { name: 'srs' } }] });
    const running = scene.operator();
    await scene.kube.until(() => scene.kube.count({ subresource: 'status' }) >= many, 60_000);
    await scene.idle(running);
    const { remembered } = running.operator.sizes ?? {};
    scene.kube.forgetRequests();
    for (const address of ['10.0.0.2', '10.0.0.3']) {
      scene.kube.forgetRequests();
      scene.kube.change<V1EndpointSlice>(RESOURCES.EndpointSlice, namespace, 'srs-abc', () =>
        originSlice('srs', [address]),
      );
      await scene.kube.until(() => scene.kube.count({ subresource: 'status' }) >= many, 60_000);
      await scene.idle(running);
      assert.equal(scene.kube.count({ resource: 'configmaps' }), many);
      assert.equal(scene.writes().length, 2 * many);
      for (const name of names) assert.ok(scene.conf(name).includes(`${address}:1935`));
    }
    assert.equal(running.operator.sizes?.remembered, remembered);
    assert.equal(running.operator.sizes?.queue, 0);
  });
});

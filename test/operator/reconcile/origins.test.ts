/** Origins behind Services that come, go and hide: what edges are given meanwhile, and what is told. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { V1EndpointSlice, V1Service } from '@kubernetes/client-node';
import { RESOURCES } from '../../../operator/kube/resources.ts';
import { namespace, OperatorScene } from '../../support/operator-scene.ts';

const origins = [{ name: 'main', service: { name: 'srs', port: 1935 } }];

describe('an origin Service without a ready endpoint', () => {
  for (const [what, lose] of [
    ['its pods are not ready', (scene: OperatorScene) => scene.kube.put(slice(['10.0.0.1', '10.0.0.2'], false))],
    ['its pods are gone', (scene: OperatorScene) => scene.kube.put(slice([]))],
    ['its slices are gone', (scene: OperatorScene) => scene.kube.remove(RESOURCES.EndpointSlice, namespace, 'srs-abc')],
    ['it is gone itself', (scene: OperatorScene) => scene.kube.remove(RESOURCES.Service, namespace, 'srs')],
  ] as const) {
    it(`${what}: edges keep their configuration, and it is told`, async (t) => {
      const { scene, running } = await settledWithOrigins(t);
      const conf = scene.conf('live');
      lose(scene);
      await scene.kube.until(() => scene.condition('live', 'Degraded')?.reason === 'OriginsNotFound');
      assert.match(
        scene.condition('live', 'OriginsReachable')?.message ?? '',
        /, so edges keep the last known addresses, 10\.0\.0\.1:1935, 10\.0\.0\.2:1935; /,
      );
      assert.equal(scene.conf('live'), conf);
      assert.equal(scene.kube.count({ verb: 'apply', resource: 'configmaps' }), 0);

      await running.stop();
      const another = scene.operator();
      await scene.settled('live', another);
      // What it knows of the Service is what the edges have.
      scene.cluster('live', { origins, replicas: 3 });
      await scene.settled('live', another);
      assert.equal(scene.conf('live'), conf);

      scene.kube.put(service());
      scene.kube.put(slice(['10.0.0.3']));
      await scene.kube.until(() => scene.conf('live').includes('origin 10.0.0.3:1935;'));
      await scene.kube.until(() => scene.condition('live', 'Degraded')?.reason === 'AsExpected');
    });
  }

  it('edges keep what they look up, too: its name, at the port of its pods', async (t) => {
    const scene = await OperatorScene.start(t);
    const running = scene.operator();
    scene.kube.put({ ...service(), spec: { ...service().spec, clusterIP: 'None' } });
    scene.kube.put({ ...slice(['10.0.0.1']), ports: [{ port: 11935, protocol: 'TCP' }] });
    scene.cluster('live', { origins });
    await scene.settled('live', running);
    const conf = scene.conf('live');
    assert.match(conf, /origin 10\.0\.0\.1:11935;.*origin_lookup srs\.media\.svc:11935;/s);
    scene.kube.remove(RESOURCES.Service, namespace, 'srs');
    await scene.kube.until(() => scene.condition('live', 'Degraded')?.reason === 'OriginsNotFound');
    assert.equal(scene.conf('live'), conf);
    await running.stop();
    const another = scene.operator();
    scene.cluster('live', { origins, replicas: 3 });
    await scene.settled('live', another);
    assert.equal(scene.conf('live'), conf);
  });

  it('another Service does not get the addresses of the former one', async (t) => {
    const { scene, running } = await settledWithOrigins(t);
    scene.cluster('live', { origins: [{ name: 'main', service: { name: 'other', port: 1935 } }] });
    await scene.settled('live', running);
    assert.match(scene.conf('live'), /origin other\.media\.svc:1935;/);
  });
});

describe('an origin Service of another namespace', () => {
  it('is followed when it allows that; an upgrade keeps the addresses of one that does not', async (t) => {
    const scene = await OperatorScene.start(t, { namespaces: [namespace, 'afar'] });
    const afar = { name: 'srs', namespace: 'afar' };
    const labels = { 'kubernetes.io/service-name': 'srs' };
    scene.kube.put({ ...service(), metadata: afar });
    scene.kube.put({ ...slice(['10.0.0.1']), metadata: { ...afar, name: 'srs-abc', labels } });
    // As an operator of a version that asked for no consent.
    const former = scene.operator({ requireConsent: false });
    scene.cluster('live', { origins: [{ name: 'main', service: { ...afar, port: 1935 } }] });
    await scene.settled('live', former);
    assert.match(scene.conf('live'), /origin 10\.0\.0\.1:1935;/);
    await former.stop();

    const running = scene.operator();
    await scene.kube.until(() => scene.condition('live', 'OriginsReachable')?.reason === 'RefNotPermitted');
    await scene.idle(running);
    assert.match(scene.conf('live'), /origin 10\.0\.0\.1:1935;.*origin_lookup srs\.afar\.svc:1935;/s);
    scene.kube.put({ ...slice(['10.0.0.2']), metadata: { ...afar, name: 'srs-abc', labels } });
    await scene.idle(running);
    assert.ok(!scene.conf('live').includes('10.0.0.2'));

    const annotations = { 'edgecluster.io/origins-for': namespace };
    scene.kube.put({ ...service(), metadata: { ...afar, annotations } });
    await scene.kube.until(() => /origin 10\.0\.0\.2:1935;/.test(scene.conf('live')));
    await scene.kube.until(() => scene.condition('live', 'Degraded')?.reason === 'AsExpected');
  });
});

describe('EdgeClusters that are each other’s origins', () => {
  it('each tells it, the circle is not closed, and it ends when one has other origins', async (t) => {
    const scene = await OperatorScene.start(t);
    const running = scene.operator();
    const of = (name: string) => ({ origins: [{ name: 'main', service: { name, port: 1935 } }] });
    scene.cluster('a', of('b'));
    await scene.settled('a', running);
    const conf = scene.conf('a');
    scene.cluster('b', of('c-edges'));
    await scene.settled('b', running);
    assert.equal(scene.condition('b', 'ConfigValid')?.reason, 'Valid');
    scene.cluster('c', { origins: [{ name: 'main', servers: ['a.media.svc:1935'] }] });
    for (const [name, way] of [
      ['c', 'c → media/a → media/b → media/c'],
      ['a', 'a → media/b → media/c → media/a'],
    ] as const) {
      await scene.kube.until(() => scene.condition(name, 'ConfigValid')?.reason === 'ParentLoop');
      assert.ok(scene.condition(name, 'ConfigValid')?.message.includes(`: media/${way};`));
    }
    await scene.settled('c', running);
    assert.equal(scene.deployment('c'), undefined);
    assert.equal(scene.conf('a'), conf);

    scene.cluster('c', { origins: [{ name: 'main', servers: ['origin-a.media:1935'] }] });
    for (const name of ['a', 'b', 'c'])
      await scene.kube.until(() => scene.condition(name, 'ConfigValid')?.reason === 'Valid');
    await scene.settled('c', running);
    assert.ok(scene.deployment('c'));
  });
});

type After = Parameters<typeof OperatorScene.start>[0];

async function settledWithOrigins(t: After) {
  const scene = await OperatorScene.start(t);
  scene.kube.put(service());
  scene.kube.put(slice(['10.0.0.1', '10.0.0.2']));
  const running = scene.operator();
  scene.cluster('live', { origins });
  await scene.settled('live', running);
  assert.match(scene.conf('live'), /origin 10\.0\.0\.1:1935 10\.0\.0\.2:1935;/);
  scene.kube.forgetRequests();
  return { scene, running };
}

function service(): V1Service & { apiVersion: string; kind: string } {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'srs', namespace },
    spec: { ports: [{ port: 1935, protocol: 'TCP' }], ipFamilies: ['IPv4'] },
  };
}

function slice(addresses: readonly string[], ready = true): V1EndpointSlice & { apiVersion: string; kind: string } {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'srs-abc', namespace, labels: { 'kubernetes.io/service-name': 'srs' } },
    addressType: 'IPv4',
    endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready, serving: ready } })),
    ports: [{ name: '', port: 1935, protocol: 'TCP' }],
  };
}

/** Tiers whose origins are the edges of another EdgeCluster: what they are given, and what is told, as that one changes. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { V1EndpointSlice, V1Service } from '@kubernetes/client-node';
import type { ConditionType } from '../../../operator/api/types.ts';
import { RESOURCES } from '../../../operator/kube/resources.ts';
import { manifestOf, namespace, OperatorScene } from '../../support/operator-scene.ts';

const child = { origins: [{ name: 'above', edgeCluster: { name: 'region' } }] };
const secure = { origins: [{ name: 'above', edgeCluster: { name: 'region' }, tls: {} }] };
const rtmps = { secretName: 'edge-tls' };

describe('a tier below an EdgeCluster', () => {
  it('follows its edges, chosen by hash, from the moment that it is made until it is gone', async (t) => {
    const scene = await OperatorScene.start(t);
    const running = scene.operator();
    scene.cluster('city', child);
    await scene.settled('city', running);
    told(scene, 'OriginsReachable', 'ParentNotFound', /there is no EdgeCluster media\/region; create it/);
    assert.match(scene.conf('city'), /origin region-edges\.media\.svc:1935;/);

    scene.cluster('region');
    await scene.settled('region', running);
    await scene.kube.until(() => reason(scene) === 'NoEndpoints');
    told(
      scene,
      'OriginsReachable',
      'NoEndpoints',
      /EdgeCluster media\/region has no ready edge; look at its conditions/,
    );
    scene.kube.put(slice(['10.0.0.1', '10.0.0.2']));
    await scene.kube.until(() => scene.conf('city').includes('origin 10.0.0.1:1935 10.0.0.2:1935;'));
    assert.match(scene.conf('city'), /balance hash;/);
    await scene.kube.until(() => scene.condition('city', 'Degraded')?.reason === 'AsExpected');

    // As it scales, its edges come and go; nothing is asked for whole, and the parent is left alone.
    await scene.idle(running);
    scene.kube.forgetRequests();
    scene.kube.put(slice(['10.0.0.1', '10.0.0.2', '10.0.0.3']));
    await scene.kube.until(() => scene.conf('city').includes('10.0.0.3:1935;'));
    await scene.idle(running);
    assert.equal(scene.kube.count({ verb: 'list' }), 0);
    assert.ok(scene.writes().every(({ name }) => name?.startsWith('city')));

    scene.cluster('region', { replicas: 0 });
    scene.kube.put(slice([]));
    await scene.kube.until(() => reason(scene) === 'NoEndpoints');
    await scene.kube.until(() => /is scaled to 0/.test(scene.condition('city', 'OriginsReachable')?.message ?? ''));
    assert.match(scene.conf('city'), /10\.0\.0\.3:1935;/, 'the last known ones stay');

    scene.cluster('region', { replicas: 2 });
    scene.kube.put(slice(['10.0.0.7']));
    await scene.kube.until(() => scene.conf('city').includes('origin 10.0.0.7:1935;'));
    scene.kube.remove(RESOURCES.EdgeCluster, namespace, 'region');
    await scene.kube.until(() => reason(scene) === 'ParentNotFound');
    await scene.kube.until(() => scene.get(RESOURCES.Service, 'region-edges') === undefined);
    await scene.idle(running);
    assert.match(scene.conf('city'), /origin 10\.0\.0\.7:1935;/);
  });

  it('speaks RTMPS to one that listens for it, and says so when it does not', async (t) => {
    const { scene, running } = await twoTiers(t, {}, secure);
    told(scene, 'OriginsReachable', 'ServicePortNotFound', /does not listen for RTMPS; set its spec\.listeners\.rtmps/);
    scene.cluster('region', { listeners: { rtmps } });
    await scene.settled('region', running);
    scene.kube.put(slice(['10.0.0.1'], 'rtmps', 1443));
    await scene.kube.until(() => scene.conf('city').includes('origin rtmps://10.0.0.1:1443;'));
    await scene.kube.until(() => scene.condition('city', 'Degraded')?.reason === 'AsExpected');
    // Who asks for RTMP still gets it.
    scene.kube.put(slice(['10.0.0.1']));
    scene.cluster('city', child);
    await scene.kube.until(() => scene.conf('city').includes('origin 10.0.0.1:1935;'));
  });

  it('is told of vhosts that are not served above, as those change', async (t) => {
    const vhosts = [{ name: 'a.example.com' }, { name: '__defaultVhost__', transform: 'b.example.com' }];
    const { scene } = await twoTiers(t, { vhosts: [{ name: 'a.example.com' }] }, { ...child, vhosts });
    await scene.kube.until(() => reason(scene) === 'ParentVhostMissing');
    told(
      scene,
      'OriginsReachable',
      'ParentVhostMissing',
      /EdgeCluster media\/region does not serve b\.example\.com \(for vhost __defaultVhost__\); add it to its spec\.vhosts/,
    );
    assert.equal(scene.condition('city', 'Degraded')?.reason, 'OriginsNotFound');
    assert.match(scene.conf('city'), /origin 10\.0\.0\.1:1935;/);
    scene.cluster('region', { vhosts: [{ name: 'a.example.com' }, { name: 'b.example.com' }] });
    await scene.kube.until(() => scene.condition('city', 'Degraded')?.reason === 'AsExpected');
  });

  it('goes on following one that is paused, and one in its nodes’ network', async (t) => {
    const { scene, running } = await twoTiers(t, { paused: true, pods: { hostNetwork: true } }, child);
    // Paused before anything was made: there is no Service.
    told(
      scene,
      'OriginsReachable',
      'ServiceNotFound',
      /has no Service media\/region-edges yet; .* whether it is paused/,
    );
    scene.cluster('region', { pods: { hostNetwork: true } });
    await scene.settled('region', running);
    await scene.kube.until(() => scene.conf('city').includes('origin 10.0.0.1:1935;'));
    scene.cluster('region', { paused: true, pods: { hostNetwork: true } });
    await scene.settled('region', running);
    scene.kube.put(slice(['192.0.2.7']));
    await scene.kube.until(() => scene.conf('city').includes('origin 192.0.2.7:1935;'));
    await scene.kube.until(() => scene.condition('city', 'Degraded')?.reason === 'AsExpected');
  });
});

describe('a tier below an EdgeCluster of another namespace', () => {
  it('follows it with its consent, which goes with its Services', async (t) => {
    const scene = await OperatorScene.start(t, { namespaces: [namespace, 'afar'] });
    const running = scene.operator();
    const afar = (spec: object) =>
      scene.kube.put({ ...manifestOf('region', spec), metadata: { name: 'region', namespace: 'afar' } }, 'kubectl');
    afar({ vhosts: [{ name: 'secret.example.com' }] });
    scene.kube.put(inNamespace('afar', slice(['10.0.0.1'])));
    scene.cluster('city', { origins: [{ name: 'above', edgeCluster: { name: 'region', namespace: 'afar' } }] });
    await scene.settled('city', running);
    await scene.kube.until(() => reason(scene) === 'RefNotPermitted');
    // Neither whether it is there nor what it serves is told.
    told(
      scene,
      'OriginsReachable',
      'RefNotPermitted',
      /: EdgeCluster afar\/region does not let EdgeClusters of namespace media follow its edges; .* spec\.service\.annotations, edgecluster\.io\/origins-for: media$/,
    );
    const annotations = { 'edgecluster.io/origins-for': namespace };
    const before = scene.kube.object(RESOURCES.EdgeCluster, 'afar', 'region');
    const { spec } = manifestOf('region', { service: { annotations } });
    scene.kube.put({ ...(before as object), spec } as Parameters<typeof scene.kube.put>[0], 'kubectl');
    await scene.kube.until(() => scene.conf('city').includes('origin 10.0.0.1:1935;'));
    await scene.kube.until(() => scene.condition('city', 'Degraded')?.reason === 'AsExpected');
  });

  it('closes no circle through it', async (t) => {
    const scene = await OperatorScene.start(t, { namespaces: [namespace, 'afar'] });
    const running = scene.operator();
    const above = (name: string, namespace: string) => ({
      origins: [{ name: 'above', edgeCluster: { name, namespace } }],
    });
    scene.kube.put(
      { ...manifestOf('b', above('c', namespace)), metadata: { name: 'b', namespace: 'afar' } },
      'kubectl',
    );
    scene.cluster('c', above('a', namespace));
    scene.cluster('a', above('b', 'afar'));
    for (const name of ['a', 'c'])
      await scene.kube.until(() => scene.condition(name, 'ConfigValid')?.reason === 'ParentLoop');
    const { message = '' } = scene.condition('a', 'ConfigValid') ?? {};
    assert.match(message, /: media\/a → afar\/b → media\/c → media\/a; give one of them other origins$/);
    scene.cluster('c');
    for (const name of ['a', 'c'])
      await scene.kube.until(() => scene.condition(name, 'ConfigValid')?.reason === 'Valid');
    await scene.settled('a', running);
    assert.ok(scene.deployment('a'));
  });
});

type After = Parameters<typeof OperatorScene.start>[0];

/** `city` below `region`, which has one edge ready for RTMP. */
async function twoTiers(t: After, region: object, city: object) {
  const scene = await OperatorScene.start(t);
  const running = scene.operator();
  scene.cluster('region', region);
  await scene.settled('region', running);
  scene.kube.put(slice(['10.0.0.1']));
  scene.cluster('city', city);
  await scene.settled('city', running);
  return { scene, running };
}

function reason(scene: OperatorScene): string | undefined {
  return scene.condition('city', 'OriginsReachable')?.reason;
}

function told(scene: OperatorScene, type: ConditionType, reason: string, message: RegExp): void {
  const condition = scene.condition('city', type);
  assert.equal(condition?.reason, reason, condition?.message);
  assert.match(condition?.message ?? '', message);
}

type Slice = V1EndpointSlice & { apiVersion: string; kind: string };

/** Of the headless Service of `region`. */
function slice(addresses: readonly string[], name = 'rtmp', port = 1935): Slice {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: `region-${name}`, namespace, labels: { 'kubernetes.io/service-name': 'region-edges' } },
    addressType: 'IPv4',
    endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })),
    ports: [{ name, port, protocol: 'TCP' }],
  };
}

function inNamespace<T extends { metadata?: V1Service['metadata'] }>(namespace: string, object: T): T {
  return { ...object, metadata: { ...object.metadata, namespace } };
}

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import type { V1Pod } from '@kubernetes/client-node';
import { CONFIG_HASH } from '../../../operator/api/labels.ts';
import { RESOURCES } from '../../../operator/kube/resources.ts';
import { deletionCostAnnotation } from '../../../operator/reconcile/edges/deletion-cost.ts';
import { FakeEdge } from '../../support/fake-edge.ts';
import { namespace, OperatorScene, type RunningOperator } from '../../support/operator-scene.ts';

/** A settled EdgeCluster `live` with two running edges. */
async function twoEdges(t: { after(fn: () => void): void }) {
  const scene = await OperatorScene.start(t);
  const running = scene.operator({ times: { pollIntervalMs: 50 } });
  scene.cluster('live');
  await scene.settled('live', running);
  const edges = [await FakeEdge.start(t), await FakeEdge.start(t)] as const;
  for (const edge of edges) edge.hash = scene.edgeCluster('live')?.status?.configHash ?? '';
  scene.runEdges('live', edges);
  await scene.kube.until(() => scene.condition('live', 'Ready')?.reason === 'AllEdgesReady');
  await scene.kube.until(() => scene.edgeCluster('live')?.status?.configuredReplicas === 2);
  return { scene, running, edges };
}

const annotation = (scene: OperatorScene, pod: string, name: string): string | undefined =>
  scene.get<V1Pod>(RESOURCES.Pod, pod)?.metadata?.annotations?.[name];

async function quiet(scene: OperatorScene, running: RunningOperator): Promise<void> {
  await scene.idle(running);
  scene.kube.forgetRequests();
}

describe('reconciling with running pods', () => {
  it('a changed configuration reaches the pods by an annotation, each once, after the ConfigMap', async (t) => {
    const { scene, running, edges } = await twoEdges(t);
    await quiet(scene, running);
    scene.cluster('live', { origins: [{ name: 'main', servers: ['elsewhere:1935'] }] });
    const told = () => [0, 1].map((i) => annotation(scene, `live-${i}`, CONFIG_HASH));
    await scene.kube.until(() => scene.condition('live', 'Progressing')?.reason === 'ApplyingConfig');
    const { configHash } = scene.edgeCluster('live')?.status ?? {};
    assert.deepEqual(told(), [configHash, configHash]);
    for (const edge of edges) edge.hash = configHash ?? '';
    await scene.kube.until(() => scene.condition('live', 'Progressing')?.reason === 'Settled');
    await scene.idle(running);
    const others = scene.writes().filter(({ resource }) => resource !== 'controllerrevisions');
    const written = others.map(({ resource, name }) => `${resource} ${name}`);
    assert.deepEqual(written.slice(0, 3).toSorted(), ['configmaps live', 'pods live-0', 'pods live-1']);
    assert.equal(written[0], 'configmaps live');
    assert.ok(!written.includes('deployments live'));
    assert.equal(written.filter((one) => one.startsWith('pods')).length, 2);
  });

  it('before it scales in, the cost of each pod is what is lost with it', async (t) => {
    const { scene, running, edges } = await twoEdges(t);
    edges[0].players = 100;
    await scene.kube.until(() => annotation(scene, 'live-0', deletionCostAnnotation) === '100');
    // Too small a change to be written at once.
    edges[0].players = 103;
    await edges[0].told();
    await quiet(scene, running);
    scene.cluster('live', { replicas: 1 });
    await scene.settled('live', running);
    const written = scene.writes().map(({ resource, name }) => `${resource} ${name}`);
    assert.deepEqual(written.slice(0, 2), ['pods live-0', 'deployments live']);
    assert.equal(annotation(scene, 'live-0', deletionCostAnnotation), '103');
  });

  it('the node of an edge with clients is kept, until the last one has left or nodes are not to be kept', async (t) => {
    const { scene, running, edges } = await twoEdges(t);
    const marks = (pod: string) => [
      annotation(scene, pod, 'cluster-autoscaler.kubernetes.io/safe-to-evict'),
      annotation(scene, pod, 'karpenter.sh/do-not-disrupt'),
    ];
    const becomes = (pod: string, ...wanted: readonly (string | undefined)[]) =>
      scene.kube.until(() => isDeepStrictEqual(marks(pod), wanted));
    edges[0].players = 5;
    scene.cluster('live', { availability: { keepNodesWithClients: true } });
    await becomes('live-0', 'false', 'true');
    assert.deepEqual(marks('live-1'), [undefined, undefined]);
    await quiet(scene, running);
    edges[0].players = 4;
    await edges[0].told();
    await scene.idle(running);
    assert.equal(scene.writes().filter(({ resource }) => resource === 'pods').length, 0);
    edges[0].players = 0;
    edges[1].publishers = 1;
    await becomes('live-0', undefined, undefined);
    await becomes('live-1', 'false', 'true');
    scene.cluster('live');
    await becomes('live-1', undefined, undefined);
  });

  it('players and bandwidth alone are written seldom, an origin that is down at once', async (t) => {
    const { scene, running, edges } = await twoEdges(t);
    await quiet(scene, running);
    for (let players = 10; players < 16; players++) {
      edges[0].players = players;
      await edges[0].told();
    }
    assert.equal(scene.kube.count({ subresource: 'status' }), 0);
    const down = { name: 'origin-a.media:1935', state: 'down', reason: 'connection refused' } as const;
    for (const edge of edges) edge.origins = [down];
    await scene.kube.until(() => scene.condition('live', 'OriginsReachable')?.reason === 'NoneReachable');
    assert.equal(scene.edgeCluster('live')?.status?.players, 15);
    await scene.kube.until(() => scene.events('live').includes('OriginDown'));
  });

  it('pods that are gone are forgotten', async (t) => {
    const { scene, running, edges } = await twoEdges(t);
    edges[0].players = 100;
    await scene.kube.until(() => annotation(scene, 'live-0', deletionCostAnnotation) === '100');
    await scene.idle(running);
    const before = running.operator.sizes;
    for (const name of ['live-0', 'live-1']) scene.kube.remove(RESOURCES.Pod, namespace, name);
    await scene.kube.until(() => scene.edgeCluster('live')?.status?.replicas === 0);
    await scene.idle(running);
    assert.equal(running.operator.sizes?.caches, (before?.caches ?? 0) - 2);
    assert.ok((running.operator.sizes?.remembered ?? 0) <= (before?.remembered ?? 0));
  });
});

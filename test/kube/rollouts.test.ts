/**
 * What is new reaches edges a few at a time, on the real API with its controllers and real edges: a changed
 * configuration that is tried on one edge first, and `helm upgrade` that replaces pods of one EdgeCluster at a time.
 */

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import type { V1Deployment, V1Pod } from '@kubernetes/client-node';
import { CONFIG_FILE } from '../../operator/api/labels.ts';
import type { Condition, EdgeCluster } from '../../operator/api/types.ts';
import { capture, makeClip, publishToAll } from '../support/ffmpeg.ts';
import { Kubernetes } from '../support/kubernetes.ts';
import { KubeClient } from '../support/kubernetes-client.ts';
import { originManifest } from '../support/origin-manifest.ts';
import { ProcessKubelet } from '../support/process-kubelet/kubelet.ts';
import { cannotRunPods, PodNetwork } from '../support/process-kubelet/network.ts';
import { suiteCleaner, temporaryDirectory } from '../support/programs.ts';
import type { FlvCapture } from '../support/programs-flv.ts';

const chart = join(import.meta.dirname, '../../helm');
const clusters = '/apis/edgecluster.io/v1alpha1/namespaces/default/edgeclusters';
const deployments = '/apis/apps/v1/namespaces/default/deployments';
const podsOf = (name: string) => `/api/v1/namespaces/default/pods?labelSelector=edgecluster.io%2Fcluster%3D${name}`;
const patienceMs = 120_000;

describe('what is new', { skip: cannotRunPods() }, () => {
  const cleaner = suiteCleaner();
  let network: PodNetwork;
  let kubernetes: Kubernetes;
  let kubelet: ProcessKubelet;
  let client: KubeClient;
  /** One at each edge of `live`, by pod. */
  let players: ReadonlyMap<string, FlvCapture> = new Map();

  before(async () => {
    network = new PodNetwork();
    cleaner.after(() => network.close());
    kubernetes = await Kubernetes.start({ address: network.gateway });
    cleaner.after(() => kubernetes.stop());
    // No kubelet looks by itself: what edges get, they get because their pods were touched.
    kubelet = await ProcessKubelet.start(kubernetes, network, { refreshMs: 600_000 });
    cleaner.after(() => kubelet.stop());
    client = new KubeClient(kubernetes.config());
    cleaner.after(() => client.close());
    await kubernetes.kubectl(['create', 'namespace', 'media']);
    await apply(originManifest('origin-a'));
    await client.until<V1Pod>('/api/v1/namespaces/media/pods', ([pod]) => pod !== undefined && isReady(pod));
    const release = ['edgecluster', chart, '-n', 'edgecluster-system'];
    await kubernetes.helm(['install', ...release, '--create-namespace', '--wait', '--timeout', '60s']);
    await apply(manifest('live', 2));
    await client.until<V1Pod>(podsOf('live'), (pods) => pods.length === 2 && pods.every(isReady), patienceMs);
    const clip = makeClip(temporaryDirectory(cleaner), 'clip', { seconds: 10 });
    publishToAll(
      cleaner,
      clip,
      kubelet.pods('media').map(({ address }) => `rtmp://${address}/live/show`),
      {
        loop: true,
      },
    );
    const edges = kubelet.pods('default');
    players = new Map(edges.map(({ name, address }) => [name, capture(cleaner, `rtmp://${address}/live/show`)]));
    await everybodyPlays();
  });

  const apply = (object: unknown): Promise<string> =>
    kubernetes.kubectl(['apply', '-f', '-'], { input: JSON.stringify(object) });
  const patch = (spec: object): Promise<EdgeCluster> => client.patch<EdgeCluster>(`${clusters}/live`, { spec });
  const until = async (test: (cluster: EdgeCluster) => boolean): Promise<EdgeCluster> => {
    const isSo = (all: readonly EdgeCluster[]) => all.some((one) => one.metadata.name === 'live' && test(one));
    const all = await client.until<EdgeCluster>(clusters, isSo, patienceMs);
    return all.find(({ metadata }) => metadata.name === 'live')!;
  };
  const processes = (): readonly string[] =>
    kubelet
      .pods('default')
      .map(({ name, pid }) => `${name} ${pid}`)
      .sort();
  const addressOf = (pod: string): string => kubelet.pod('default', pod).address;
  /** Status of HTTP for somebody who wants to play. */
  const play = async (pod: string): Promise<number> => {
    const stop = new AbortController();
    const { status } = await fetch(`http://${addressOf(pod)}:8080/live/show.flv`, { signal: stop.signal });
    stop.abort();
    return status;
  };
  const canary = async (): Promise<string> => {
    const isTold = ({ metadata }: V1Pod): boolean => metadata?.annotations?.[CONFIG_FILE] !== undefined;
    const pods = await client.until<V1Pod>(podsOf('live'), (pods) => pods.some(isTold), patienceMs);
    return pods.find(isTold)?.metadata?.name ?? '';
  };

  async function everybodyPlays(): Promise<void> {
    for (const player of players.values()) await player.frames(player.tags.length + 50);
  }

  it('is a configuration that one edge tries before the other has it, and nobody notices', async () => {
    const before = processes();
    const { status } = await until(isConfigured);
    await patch({ maxConnections: 500 });
    const pod = await canary();
    const during = await until(({ status }) => conditionOf(status, 'Progressing')?.reason === 'ConfigCanary');
    assert.match(conditionOf(during.status, 'Progressing')?.message ?? '', new RegExp(`1 of 2 edges, ${pod}, `));
    assert.equal(during.status?.configHash, status?.configHash);
    const after = await until((cluster) => isConfigured(cluster) && cluster.status?.configHash !== status?.configHash);
    assert.equal(conditionOf(after.status, 'Degraded')?.reason, 'AsExpected');
    assert.deepEqual(processes(), before);
    await everybodyPlays();
  });

  it('is a configuration that refuses clients: it is put back, and the other edge never had it', async () => {
    const before = processes();
    const { status } = await until(isConfigured);
    // Nobody answers there, so everybody is refused.
    const vhost = { name: '__defaultVhost__', hooks: { onPlay: ['http://127.0.0.1:9/'] } };
    await patch({ vhosts: [vhost], configRollout: { watchSeconds: 600 } });
    const pod = await canary();
    const other = [...players.keys()].find((name) => name !== pod) ?? '';
    while ((await play(pod)) === 200);
    for (let i = 0; i < 4; i++) {
      assert.equal(await play(pod), 502);
      assert.equal(await play(other), 200);
    }
    let isHalted = false;
    const halting = until(({ status }) => conditionOf(status, 'Degraded')?.reason === 'ConfigHalted').finally(() => {
      isHalted = true;
    });
    // Clients go on coming: of all who came since the operator last asked, more and more were refused.
    while (!isHalted) await play(pod);
    const halted = await halting;
    const { message = '' } = conditionOf(halted.status, 'Degraded') ?? {};
    assert.match(message, new RegExp(`pod ${pod}: it refused \\d+ of \\d+ clients`));
    assert.equal(halted.status?.configHash, status?.configHash);
    while ((await play(pod)) !== 200);
    await client.until<V1Pod>(podsOf('live'), (pods) =>
      pods.every(({ metadata }) => metadata?.annotations?.[CONFIG_FILE] === undefined),
    );
    // Another operator leaves it so.
    await kubernetes.kubectl(['delete', 'pods', '-n', 'edgecluster-system', '--all', '--wait=false']);
    await patch({ logLevel: 'Info' });
    const still = await until(({ metadata, status }) => status?.observedGeneration === metadata.generation);
    assert.equal(conditionOf(still.status, 'Degraded')?.reason, 'ConfigHalted');
    assert.equal(await play(pod), 200);
    await client.patch(`${clusters}/live`, { spec: { vhosts: null } });
    await until((cluster) => isConfigured(cluster) && conditionOf(cluster.status, 'Degraded')?.status === 'False');
    assert.deepEqual(processes(), before);
    await everybodyPlays();
  });

  it('is an image of helm upgrade: pods of one EdgeCluster at a time', async (t) => {
    for (const player of players.values()) await player.program.kill();
    for (const name of ['second', 'third']) await apply(manifest(name, 1));
    await client.until<V1Deployment>(deployments, (all) => all.length === 3 && all.every(isComplete), patienceMs);
    const stop = new AbortController();
    t.after(() => stop.abort());
    const seen = new Map<string, V1Deployment>();
    let most = 0;
    const order: string[] = [];
    void client.follow<V1Deployment>(deployments, stop.signal, (deployment) => {
      const name = deployment.metadata?.name ?? '';
      seen.set(name, deployment);
      if (isNew(deployment) && !order.includes(name)) order.push(name);
      const rolling = [...seen.values()].filter((one) => isNew(one) && !isComplete(one));
      most = Math.max(most, rolling.length);
    });
    const values = ['--set', 'edgeImage.tag=new', '--set', 'upgrade.pauseSeconds=1', '--wait', '--timeout', '60s'];
    await kubernetes.helm(['upgrade', 'edgecluster', chart, '-n', 'edgecluster-system', ...values]);
    const isDone = (all: readonly V1Deployment[]) => all.every((one) => isNew(one) && isComplete(one));
    await client.until<V1Deployment>(deployments, isDone, patienceMs);
    assert.equal(most, 1);
    assert.equal(order.length, 3);
  });
});

function manifest(name: string, replicas: number): object {
  return {
    apiVersion: 'edgecluster.io/v1alpha1',
    kind: 'EdgeCluster',
    metadata: { name },
    spec: {
      replicas,
      origins: [{ name: 'main', servers: ['origin-a.media:1935'] }],
      configRollout: { watchSeconds: 5 },
    },
  };
}

function isReady({ status }: V1Pod): boolean {
  return status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true;
}

function isNew({ spec }: V1Deployment): boolean {
  return spec?.template.spec?.containers[0]?.image?.endsWith(':new') === true;
}

function isComplete({ metadata, spec, status }: V1Deployment): boolean {
  const { observedGeneration = 0, updatedReplicas = 0, availableReplicas = 0, replicas = 0 } = status ?? {};
  const wanted = spec?.replicas ?? 0;
  return (
    observedGeneration >= (metadata?.generation ?? 0) &&
    [updatedReplicas, availableReplicas, replicas].every((count) => count === wanted)
  );
}

function conditionOf(status: EdgeCluster['status'], name: string): Condition | undefined {
  return status?.conditions?.find(({ type }) => type === name);
}

/** What is asked for is everywhere. */
function isConfigured({ metadata, status }: EdgeCluster): boolean {
  const isSettled = conditionOf(status, 'Progressing')?.reason === 'Settled';
  return (
    status?.observedGeneration === metadata.generation && status?.replicas === status?.configuredReplicas && isSettled
  );
}

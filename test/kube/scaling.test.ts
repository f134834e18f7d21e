/**
 * A tier that follows its players on the real API with its controllers and real edges: nothing is installed but the chart.
 * Kubernetes' own controllers choose which pod goes.
 */

import assert from 'node:assert/strict';
import { get, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import type { V1Pod } from '@kubernetes/client-node';
import type { EdgeCluster } from '../../operator/api/types.ts';
import { makeClip, publishToAll } from '../support/ffmpeg.ts';
import { Kubernetes } from '../support/kubernetes.ts';
import { KubeClient } from '../support/kubernetes-client.ts';
import { originManifest } from '../support/origin-manifest.ts';
import { ProcessKubelet } from '../support/process-kubelet/kubelet.ts';
import { cannotRunPods, PodNetwork } from '../support/process-kubelet/network.ts';
import { suiteCleaner, temporaryDirectory } from '../support/programs.ts';

const chart = join(import.meta.dirname, '../../helm');
const clusters = '/apis/edgecluster.io/v1alpha1/namespaces/default/edgeclusters';
const edgePods = '/api/v1/namespaces/default/pods?labelSelector=edgecluster.io%2Fcluster%3Dlive';
const patienceMs = 120_000;

describe('a tier that follows its players', { skip: cannotRunPods() }, () => {
  const cleaner = suiteCleaner();
  let kubernetes: Kubernetes;
  let kubelet: ProcessKubelet;
  let client: KubeClient;

  before(async () => {
    const network = new PodNetwork();
    cleaner.after(() => network.close());
    kubernetes = await Kubernetes.start({ address: network.gateway });
    cleaner.after(() => kubernetes.stop());
    kubelet = await ProcessKubelet.start(kubernetes, network, { refreshMs: 600_000 });
    cleaner.after(() => kubelet.stop());
    client = new KubeClient(kubernetes.config());
    cleaner.after(() => client.close());
    await kubernetes.kubectl(['create', 'namespace', 'media']);
    await apply(originManifest('origin-a'));
    await client.until<V1Pod>(
      '/api/v1/namespaces/media/pods',
      ([pod]) => pod !== undefined && isReady(pod),
      patienceMs,
    );
    const release = ['edgecluster', chart, '-n', 'edgecluster-system'];
    await kubernetes.helm(['install', ...release, '--create-namespace', '--wait', '--timeout', '60s']);
    await apply(manifest);
    await edgesBecome(1);
    const clip = makeClip(temporaryDirectory(cleaner), 'clip', { seconds: 10 });
    const origins = kubelet.pods('media').map(({ address }) => `rtmp://${address}/live/show`);
    publishToAll(cleaner, clip, origins, { loop: true });
  });

  const apply = (object: unknown): Promise<string> =>
    kubernetes.kubectl(['apply', '-f', '-'], { input: JSON.stringify(object) });
  const until = async (test: (cluster: EdgeCluster) => boolean): Promise<EdgeCluster> => {
    const [cluster] = await client.until<EdgeCluster>(clusters, ([one]) => one !== undefined && test(one), patienceMs);
    assert.ok(cluster);
    return cluster;
  };

  /** Names of the pods that do not end, once there are so many and all are ready. */
  async function edgesBecome(count: number): Promise<readonly string[]> {
    const staying = (pods: readonly V1Pod[]) =>
      pods.filter(({ metadata }) => metadata?.deletionTimestamp === undefined);
    const isSo = (pods: readonly V1Pod[]) => staying(pods).length === count && staying(pods).every(isReady);
    const pods = await client.until<V1Pod>(edgePods, isSo, patienceMs);
    return staying(pods).map(({ metadata }) => metadata?.name ?? '');
  }

  /** So many at this edge; each plays. */
  async function seat(pod: string, count: number): Promise<readonly Player[]> {
    const { address } = kubelet.pod('default', pod);
    const players = await Promise.all(Array.from({ length: count }, () => Player.start(address)));
    cleaner.after(() => {
      for (const player of players) player.leave();
    });
    return players;
  }

  it('has more edges when they come, and loses the emptiest when they go; nobody else notices', async () => {
    const [first = ''] = await edgesBecome(1);
    const many = await seat(first, 5);
    const two = await edgesBecome(2);
    // In the place where an autoscaler writes it, and by its name.
    const scaled = await until(({ spec }) => spec.replicas === 2);
    const writers = JSON.parse(
      await kubernetes.kubectl(['get', 'ec', 'live', '-o', 'json', '--show-managed-fields']),
    ) as EdgeCluster;
    assert.ok(
      writers.metadata.managedFields?.some((one) => one.subresource === 'scale' && one.manager === 'edgecluster'),
    );
    assert.equal(scaled.spec.autoscaling?.minReplicas, 1);

    const second = two.find((name) => name !== first) ?? '';
    const some = await seat(second, 4);
    const three = await edgesBecome(3);
    const third = three.find((name) => !two.includes(name)) ?? '';
    const [one] = await seat(third, 1);
    const status = await until(({ status }) => status?.players === 10 && status.neededReplicas === 3);
    const scaling = status.status?.conditions?.find(({ type }) => type === 'Scaling');
    assert.equal(`${scaling?.status} ${scaling?.reason}`, 'True Following');

    for (const player of many.slice(0, 3)) player.leave();
    assert.deepEqual([...(await edgesBecome(2))].sort(), [first, second].sort());
    await until(({ spec }) => spec.replicas === 2);
    const staying = [...many.slice(3), ...some];
    await Promise.all([...staying, one as Player].map((player) => player.plays()));
    // The one at the edge that goes may finish.
    assert.ok([...staying, one as Player].every(({ ended }) => !ended));
  });
});

/** Plays HTTP-FLV, and throws it away. */
class Player {
  readonly #response: IncomingMessage;

  private constructor(response: IncomingMessage) {
    this.#response = response;
    response.on('error', () => {});
    response.resume();
  }

  static start(host: string): Promise<Player> {
    return new Promise((resolve, reject) => {
      get({ host, port: 8080, path: '/live/show.flv', agent: false }, (response) => resolve(new Player(response))).on(
        'error',
        reject,
      );
    });
  }

  get ended(): boolean {
    return this.#response.destroyed;
  }

  /** Resolves when more has come. */
  plays(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#response.once('data', () => resolve());
      this.#response.once('close', () => reject(new Error('the player was cut off')));
    });
  }

  leave(): void {
    this.#response.destroy();
  }
}

const manifest = {
  apiVersion: 'edgecluster.io/v1alpha1',
  kind: 'EdgeCluster',
  metadata: { name: 'live' },
  spec: {
    origins: [{ name: 'main', servers: ['origin-a.media:1935'] }],
    autoscaling: {
      minReplicas: 1,
      maxReplicas: 4,
      // Four on each. Twice the room is as many as can have come in a minute, so that it makes no difference when they came.
      targets: { playersPerPod: 8 },
      headroomPercent: 100,
      scaleDownStabilizationSeconds: 20,
    },
  },
};

function isReady({ status }: V1Pod): boolean {
  return status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true;
}

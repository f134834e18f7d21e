/**
 * The whole thing: the chart installed by helm, the everyday EdgeCluster applied by kubectl, edges in front of real
 * origins, and players who notice nothing of whatever happens to the operator, to what it made, and to Kubernetes.
 */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { V1ConfigMap, V1Pod, V1Secret } from '@kubernetes/client-node';
import { CONFIG_KEY } from '../../operator/api/labels.ts';
import type { EdgeCluster } from '../../operator/api/types.ts';
import { capture, makeClip, publishToAll } from '../support/ffmpeg.ts';
import { Kubernetes } from '../support/kubernetes.ts';
import { isReady, KubeClient } from '../support/kubernetes-client.ts';
import { originManifest } from '../support/origin-manifest.ts';
import { ProcessKubelet } from '../support/process-kubelet/kubelet.ts';
import { cannotRunPods, PodNetwork } from '../support/process-kubelet/network.ts';
import type { RunningPod } from '../support/process-kubelet/pod.ts';
import { suiteCleaner, temporaryDirectory } from '../support/programs.ts';
import type { FlvCapture } from '../support/programs-flv.ts';

const chart = join(import.meta.dirname, '../../helm');
const example = join(import.meta.dirname, '../../crds/examples/edgecluster.yaml');
const origins = ['origin-a', 'origin-b'];
const secondOrigin = 'origin-b.media:1935';
const clusters = '/apis/edgecluster.io/v1alpha1/namespaces/default/edgeclusters';
const edgePods = '/api/v1/namespaces/default/pods?labelSelector=edgecluster.io%2Fcluster%3Dlive';

describe('a cluster', { skip: cannotRunPods() }, () => {
  const cleaner = suiteCleaner();
  let network: PodNetwork;
  let kubernetes: Kubernetes;
  let kubelet: ProcessKubelet;
  let client: KubeClient;
  /** Two of each edge: RTMP and HTTP-FLV. */
  let players: readonly { readonly edge: string; readonly capture: FlvCapture }[] = [];

  before(async () => {
    network = new PodNetwork();
    cleaner.after(() => network.close());
    kubernetes = await Kubernetes.start({ address: network.gateway });
    cleaner.after(() => kubernetes.stop());
    kubelet = await ProcessKubelet.start(kubernetes, network, {
      nodes: ['node-a', 'node-b'],
      // Never within the test: what edges get, they get because their pods were touched.
      refreshMs: 600_000,
    });
    cleaner.after(() => kubelet.stop());
    client = new KubeClient(kubernetes.config());
    cleaner.after(() => client.close());
    await kubernetes.kubectl(['create', 'namespace', 'media']);
    for (const name of origins) await apply(originManifest(name));
    await client.until<V1Pod>('/api/v1/namespaces/media/pods', (pods) => pods.length === 2 && pods.every(isReady));
  });

  const apply = (manifest: unknown): Promise<string> =>
    kubernetes.kubectl(['apply', '-f', '-'], { input: JSON.stringify(manifest) });
  const patch = (spec: unknown): Promise<EdgeCluster> => client.patch<EdgeCluster>(`${clusters}/live`, { spec });
  const until = async (test: (cluster: EdgeCluster) => boolean): Promise<EdgeCluster> => {
    const [cluster] = await client.until<EdgeCluster>(clusters, ([live]) => live !== undefined && test(live));
    assert.ok(cluster);
    return cluster;
  };
  const edges = (): readonly RunningPod[] => kubelet.pods('default');
  const operator = (): RunningPod => {
    const [pod] = kubelet.pods('edgecluster-system');
    assert.ok(pod);
    return pod;
  };

  /** Every player is connected as it was, and gets frames now. */
  async function everybodyPlays(): Promise<void> {
    for (const { capture } of players) await capture.frames(capture.tags.length + 50);
  }

  /** The processes of all edges, by pod: who is in this list twice was neither replaced nor started again. */
  const processes = (): readonly string[] =>
    edges()
      .map(({ name, pid }) => `${name} ${pid}`)
      .sort();

  /** Every edge runs with the configuration that the status names, and it is that of the newest manifest. */
  async function configured(): Promise<EdgeCluster> {
    return until(({ metadata, status }) => {
      const settled =
        status?.observedGeneration === metadata.generation && status?.replicas === status?.configuredReplicas;
      return settled && conditionOf(status, 'Ready') === 'True';
    });
  }

  it('helm installs the operator, which is ready', async () => {
    // A Secret of its own that is deleted comes back at once.
    const set = ['--set', 'rbac.tlsSecrets=true'];
    const install = ['install', 'edgecluster', chart, '-n', 'edgecluster-system', '--create-namespace', ...set];
    const notes = await kubernetes.helm([...install, '--wait', '--timeout', '60s']);
    assert.match(notes, /kubectl apply/);
  });

  it('kubectl applies the example: its objects are there, and edges run', async () => {
    await kubernetes.kubectl(['apply', '-f', example]);
    await kubernetes.kubectl(['wait', '--for=condition=Ready', 'ec/live', '--timeout=60s']);
    const owned = ['configmap', 'secret', 'deployment', 'service', 'serviceaccount', 'poddisruptionbudget'];
    const found = await kubernetes.kubectl(['get', owned.join(), '-l', 'edgecluster.io/cluster=live', '-o', 'name']);
    assert.deepEqual(found.trim().split('\n').sort(), [
      'configmap/live',
      'deployment.apps/live',
      'poddisruptionbudget.policy/live',
      'secret/live-api-credentials',
      'service/live',
      'service/live-edges',
      'serviceaccount/live',
    ]);
    assert.equal(edges().length, 2);
  });

  it('players play through every edge, and the table tells', async () => {
    const clip = makeClip(temporaryDirectory(cleaner), 'clip', { seconds: 10 });
    const targets = kubelet.pods('media').map(({ address }) => `rtmp://${address}/live/show`);
    publishToAll(cleaner, clip, targets, { loop: true });
    players = edges().flatMap(({ name, address }) => [
      { edge: name, capture: capture(cleaner, `rtmp://${address}/live/show`) },
      { edge: name, capture: capture(cleaner, `http://${address}:8080/live/show.flv`) },
    ]);
    await everybodyPlays();
    await until(({ status }) => status?.players === 4 && status.origins?.every(({ state }) => state === 'Up') === true);
    const [head = '', row = ''] = (await kubernetes.kubectl(['get', 'ec'])).trim().split('\n');
    assert.equal(head.trim().replace(/\s+/g, ' '), 'NAME READY AVAILABLE REPLICAS PLAYERS STREAMS ORIGINS AGE');
    assert.match(row, /^live +True +True +2 +4 +[12] +2\/2 +\w+$/);
  });

  it('the operator is killed in the middle of a change: the next one ends it, and no edge notices', async () => {
    const before = processes();
    const { pid } = operator();
    await patch({ logLevel: 'Debug' });
    process.kill(pid ?? 0, 'SIGKILL');
    await configured();
    assert.notEqual(operator().pid, pid);
    const [map] = await client.list<V1ConfigMap>(
      '/api/v1/namespaces/default/configmaps?fieldSelector=metadata.name%3Dlive',
    );
    assert.match(map?.data?.[CONFIG_KEY] ?? '', /srs_log_level_v2 debug;/);
    assert.deepEqual(processes(), before);
    await everybodyPlays();
  });

  it('what is deleted comes back', async () => {
    for (const object of ['configmaps/live', 'services/live']) {
      const path = `/api/v1/namespaces/default/${object}`;
      const { metadata } = await client.get(path);
      await kubernetes.kubectl(['delete', object.replace('s/', '/'), '--wait=false']);
      const list = `${path.slice(0, path.lastIndexOf('/'))}?fieldSelector=metadata.name%3Dlive`;
      await client.until(list, ([back]) => back !== undefined && back.metadata?.uid !== metadata?.uid);
    }
    await everybodyPlays();
  });

  it('the API of an edge asks for the credential; another one reaches edges that run, and nobody notices', async () => {
    const before = processes();
    const secretPath = '/api/v1/namespaces/default/secrets/live-api-credentials';
    const credentials = async (): Promise<readonly string[]> => {
      const { data } = await client.get<V1Secret>(secretPath);
      return Buffer.from(data?.credentials ?? '', 'base64')
        .toString()
        .split('\n')
        .slice(0, -1);
    };
    const ask = async ({ address }: RunningPod, credential?: string): Promise<number> => {
      const headers = credential && { authorization: `Basic ${Buffer.from(credential).toString('base64')}` };
      return (await fetch(`http://${address}:1985/api/v1/edge`, { ...(headers && { headers }) })).status;
    };
    const [first = ''] = await credentials();
    for (const edge of edges()) {
      assert.deepEqual([await ask(edge), await ask(edge, 'operator:wrong'), await ask(edge, first)], [401, 401, 200]);
    }

    await kubernetes.kubectl(['delete', 'secret', 'live-api-credentials', '--wait=false']);
    await client.until<V1Secret>(
      '/api/v1/namespaces/default/secrets?fieldSelector=metadata.name%3Dlive-api-credentials',
      ([back]) => back?.data?.credentials === Buffer.from(`${first}\n`).toString('base64'),
    );

    const master = ['secret/edgecluster-master-key', '-n', 'edgecluster-system'];
    await kubernetes.kubectl(['annotate', ...master, 'edgecluster.io/rotate=now']);
    while ((await credentials()).length < 2) await delay(50);
    const [second = '', former] = await credentials();
    assert.equal(former, first);
    // As a kubelet does by itself within a minute or two.
    await kubernetes.kubectl(['annotate', 'pods', '-l', 'edgecluster.io/cluster=live', 'touched=1']);
    for (const edge of edges()) while ((await ask(edge, second)) !== 200) await delay(500);
    // One that starts now has only ever heard of the new key first.
    process.kill(operator().pid ?? 0, 'SIGKILL');
    await patch({ logLevel: 'Info' });
    const { status } = await configured();
    assert.equal(status?.conditions?.find(({ type }) => type === 'Degraded')?.reason, 'AsExpected');
    assert.deepEqual(processes(), before);
    await everybodyPlays();
    const logs = edges().flatMap((pod) => pod.lines);
    for (const credential of [first, second])
      assert.ok(!logs.join().includes(credential.replace('operator:', '')), 'no log of an edge tells it');
  });

  it('another list of origins reaches edges that run, in seconds', async () => {
    // rollouts.test.ts has it with canaries.
    await patch({ configRollout: { strategy: 'Immediate' } });
    const before = processes();
    const { status } = await configured();
    const { spec } = await client.get<EdgeCluster>(`${clusters}/live`);
    const [main] = spec.origins;
    await patch({ origins: [{ ...main, servers: main?.servers?.filter((server) => server !== secondOrigin) }] });
    const changed = await until((cluster) => cluster.status?.origins?.length === 1 && isConfigured(cluster));
    assert.notEqual(changed.status?.configHash, status?.configHash);
    assert.deepEqual(processes(), before);
    await everybodyPlays();

    await kubernetes.kubectl(['apply', '-f', example]);
    await until((cluster) => cluster.status?.origins?.length === 2 && isConfigured(cluster));
    assert.deepEqual(processes(), before);
    await everybodyPlays();
  });

  it('a wrong manifest is refused with a word about what to do', async () => {
    const wrong = readFileSync(example, 'utf8').replace('spec:', 'spec:\n  vhosts: [{ name: v, origin: nowhere }]');
    const { code, stderr } = await kubernetes.tryKubectl(['apply', '-f', '-'], { input: wrong });
    assert.equal(code, 1);
    assert.match(stderr, /origin/);
    await everybodyPlays();
  });

  it('what no schema can refuse becomes a condition, and edges run as before', async () => {
    const before = processes();
    await patch({ extraDirectives: 'no_such_directive on;' });
    const { status } = await until((cluster) => conditionOf(cluster.status, 'ConfigValid') === 'False');
    const reason = status?.conditions?.find(({ type }) => type === 'ConfigValid')?.reason;
    assert.equal(reason, 'InvalidDirectives');
    await client.patch(`${clusters}/live`, { spec: { extraDirectives: null } });
    await until((cluster) => conditionOf(cluster.status, 'ConfigValid') === 'True');
    assert.deepEqual(processes(), before);
    await everybodyPlays();
  });

  it('the API server goes and comes back: edges play, and the operator catches up', async () => {
    const before = processes();
    await kubernetes.killApiServer();
    for (let round = 0; round < 3; round++) await everybodyPlays();
    await kubernetes.startApiServer();
    await patch({ logLevel: 'Warn' });
    await configured();
    assert.deepEqual(processes(), before);
    await everybodyPlays();
  });

  it('fewer edges: the one without players goes', async () => {
    const [idle, busy] = edges();
    assert.ok(idle && busy);
    for (const { edge, capture } of players) if (edge === idle.name) await capture.program.kill();
    players = players.filter(({ edge }) => edge === busy.name);
    const costOf = (pods: readonly V1Pod[], { name }: RunningPod): number => {
      const annotations = pods.find(({ metadata }) => metadata?.name === name)?.metadata?.annotations;
      return Number(annotations?.['controller.kubernetes.io/pod-deletion-cost'] ?? 0);
    };
    await client.until<V1Pod>(edgePods, (pods) => costOf(pods, idle) === 0 && costOf(pods, busy) > 0);
    await kubernetes.kubectl(['scale', 'ec', 'live', '--replicas=1']);
    const [left] = await client.until<V1Pod>(edgePods, (pods) => pods.length === 1);
    assert.equal(left?.metadata?.name, busy.name);
    await everybodyPlays();
  });

  it('deleted, it leaves nothing', async () => {
    for (const { capture } of players) await capture.program.kill();
    await kubernetes.kubectl(['delete', 'ec', 'live']);
    await client.until(edgePods, (pods) => pods.length === 0, 60_000);
    for (const path of ['/api/v1', '/apis/apps/v1', '/apis/policy/v1']) {
      const { resources } = await client.get<{ resources: readonly { name: string; verbs: readonly string[] }[] }>(
        path,
      );
      for (const { name } of resources.filter(({ name, verbs }) => verbs.includes('list') && !name.includes('/'))) {
        await client.until(`${path}/${name}?labelSelector=edgecluster.io%2Fcluster%3Dlive`, (all) => all.length === 0);
      }
    }
  });

  it('helm uninstalls the operator; the definition stays', async () => {
    await kubernetes.helm(['uninstall', 'edgecluster', '-n', 'edgecluster-system', '--wait']);
    await kubernetes.kubectl(['get', 'crd', 'edgeclusters.edgecluster.io']);
  });
});

function conditionOf(status: EdgeCluster['status'], name: string): string | undefined {
  return status?.conditions?.find(({ type }) => type === name)?.status;
}

function isConfigured({ metadata, status }: EdgeCluster): boolean {
  return status?.observedGeneration === metadata.generation && status?.replicas === status?.configuredReplicas;
}

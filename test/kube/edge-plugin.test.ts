/** `kubectl edge` with real edges in pods: through a real API server, with rights and without. */
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import type { V1Pod } from '@kubernetes/client-node';
import { EdgeProcess } from '../support/edge-process.ts';
import { edgecluster } from '../support/edgecluster-command.ts';
import { until } from '../support/kube-api/contract-following.ts';
import { Kubernetes } from '../support/kubernetes.ts';
import { isReady, KubeClient } from '../support/kubernetes-client.ts';
import { OperatorInProcess } from '../support/operator-in-process.ts';
import { ProcessKubelet } from '../support/process-kubelet/kubelet.ts';
import { cannotRunPods, PodNetwork } from '../support/process-kubelet/network.ts';
import { suiteCleaner } from '../support/programs.ts';
import { Broadcast } from '../support/rtmp-broadcast.ts';
import { originConfig } from '../support/rtmp-config.ts';
import { RtmpPeer } from '../support/rtmp-peer.ts';

const tcUrl = 'rtmp://tv.test/live';

describe('kubectl edge', { skip: cannotRunPods() }, () => {
  const cleaner = suiteCleaner();
  let kubernetes: Kubernetes;
  let namespace: string;
  let pods: readonly V1Pod[];
  let viewer: RtmpPeer;

  const edge = (args: readonly string[], kubeconfig = kubernetes.kubeconfig) =>
    edgecluster(['edge', ...args, '-n', namespace], '', { KUBECONFIG: kubeconfig });
  const json = async <T>(args: readonly string[]) => JSON.parse((await edge([...args, '-o', 'json'])).out) as T[];
  const kubectl = (command: string, input = '') =>
    kubernetes.kubectl(['-n', namespace, ...command.split(' ')], { input });

  before(async () => {
    const network = new PodNetwork();
    cleaner.after(() => network.close());
    kubernetes = await Kubernetes.start({ address: network.gateway });
    cleaner.after(() => kubernetes.stop());
    const kubelet = await ProcessKubelet.start(kubernetes, network);
    cleaner.after(() => kubelet.stop());
    await kubernetes.installDefinitions();
    namespace = await kubernetes.createNamespace('plugin');

    const operator = new OperatorInProcess(kubernetes, { namespace });
    cleaner.after(() => operator.stop());

    const origin = await EdgeProcess.start(originConfig().replace('127.0.0.1:0', `${network.gateway}:0`));
    cleaner.after(() => origin.kill());
    const publisher = await RtmpPeer.publisher({ host: network.gateway, port: origin.port(), tcUrl }, 'show');
    cleaner.after(() => publisher.reset());
    const broadcast = new Broadcast([publisher]);
    cleaner.after(() => broadcast.stop());
    await kubectl(
      'apply -f -',
      `apiVersion: edgecluster.io/v1alpha1
kind: EdgeCluster
metadata: { name: live }
spec:
  origins: [{ name: main, servers: ["${network.gateway}:${origin.port()}"] }]
  pods: { drainSeconds: 60 }
`,
    );
    const client = new KubeClient(kubernetes.config());
    cleaner.after(() => client.close());
    const path = `/api/v1/namespaces/${namespace}/pods`;
    await client.until<V1Pod>(path, (all) => all.length === 2 && all.every(isReady));
    pods = await client.list<V1Pod>(path);
    viewer = await RtmpPeer.player({ host: pods[0]?.status?.podIP ?? '', port: 1935, tcUrl }, 'show');
    cleaner.after(() => viewer.reset());
    await viewer.frames(1);
  });

  it('top: what each edge says', async () => {
    // An edge that nobody has asked for a stream looks at its origin by itself, some time after it is ready.
    const { code, out, err } = await until('both edges know their origin', async () => {
      const answer = await edge(['top', 'live']);
      return (answer.code !== 0 || answer.out.includes('origins 1/1')) && answer;
    });
    assert.deepEqual([code, err], [0, '']);
    assert.match(
      out,
      /\/live: edges 2, players 1, publishers 0, origins 1\/1 by 1 connections, saving 0 and 0\.0 Mb\/s\n/,
    );
    assert.match(out, new RegExp(`^${pods[0]?.metadata?.name} +serving +1 +0 +1 `, 'm'));
    const rows = await json<{ edge: string; answer: { figures: { players: number } } }>(['top']);
    assert.deepEqual(rows.map(({ answer }) => answer.figures.players).toSorted(), [0, 1]);
  });

  it('streams and clients', async () => {
    const [stream] = await json<{ url: string; clients: number; active: boolean }>(['streams']);
    assert.match(stream?.url ?? '', /\/live\/show$/);
    assert.deepEqual([stream?.clients, stream?.active], [1, true]);
    assert.match((await edge(['streams'])).out, /^STREAM .*\n\S*\/live\/show +\S+\/live +1 +1 /);
    assert.match((await edge(['clients', '--stream', 'show'])).out, /^CLIENT .*\n[0-9a-z]{7} +live-\S+ +rtmp-play /);
    assert.match((await edge(['clients', '--stream', 'other'])).out, /^CLIENT .*\n$/);
  });

  it('as kubectl runs a plugin', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'plugin-'));
    cleaner.after(() => rmSync(directory, { recursive: true }));
    const program = join(import.meta.dirname, '../../operator/kubectl-edge.ts');
    const file = join(directory, 'kubectl-edge');
    writeFileSync(file, `#!/bin/sh\nexec ${process.execPath} ${program} "$@"\n`);
    chmodSync(file, 0o755);
    const path = process.env.PATH;
    process.env.PATH = `${directory}:${path}`;
    try {
      assert.match(await kubernetes.kubectl(['edge', 'top', '-n', namespace]), /edges 2, players 1/);
    } finally {
      process.env.PATH = path;
    }
  });

  it('says which right is missing; the Role that it prints is enough', async () => {
    await kubectl('create serviceaccount watcher');
    const watcher = await kubernetes.kubeconfigOf(namespace, 'watcher');
    const refused = await edge(['top'], watcher);
    assert.deepEqual([refused.code, refused.out], [1, '']);
    assert.match(refused.err, /cannot list resource "pods".*; "kubectl edge rights" prints the Role/);

    await kubectl(`create rolebinding watcher --role=kubectl-edge --serviceaccount=${namespace}:watcher`);
    const role = (await edgecluster(['edge', 'rights'])).out;
    for (const [resource, verbs] of [
      ['secrets', /cannot get resource "secrets"/],
      ['pods/proxy', /cannot get resource "pods\/proxy"/],
    ] as const) {
      await kubectl('apply -f -', role.replace(`[${resource}]`, '[none]'));
      assert.match((await edge(['top'], watcher)).err, verbs);
    }
    await kubectl('apply -f -', role.replace('[get, delete]', '[get]'));
    assert.match((await edge(['top'], watcher)).out, /players 1/);
    assert.match((await edge(['kick', 'c0ffee1'], watcher)).err, /cannot delete resource "pods\/proxy"/);
    await kubectl('apply -f -', role);
    assert.match((await edge(['kick', 'c0ffee1'], watcher)).err, /^no edge has a client c0ffee1/);
  });

  it('kick disconnects a client', async () => {
    const [client] = await json<{ id: string; edge: string }>(['clients']);
    const { code, out } = await edge(['kick', client?.id ?? '']);
    assert.deepEqual([code, out], [0, `client ${client?.id} is disconnected from ${client?.edge}\n`]);
    await viewer.until('its end', () => viewer.closed || undefined);
  });

  it('drain ends an edge, unless the budget says no', async () => {
    const name = pods[0]?.metadata?.name ?? '';
    const player = await RtmpPeer.player({ host: pods[0]?.status?.podIP ?? '', port: 1935, tcUrl }, 'show');
    cleaner.after(() => player.reset());
    await player.frames(1);
    const budget = async (minAvailable: string | null, allowed: number) => {
      const spec = { availability: { podDisruptionBudget: { minAvailable } } };
      await kubectl(`patch ec live --type=merge -p ${JSON.stringify({ spec })}`);
      await kubectl(`wait pdb/live --for=jsonpath={.status.disruptionsAllowed}=${allowed} --timeout=60s`);
    };
    await budget('100%', 0);
    const refused = await edge(['drain', name]);
    assert.deepEqual([refused.code, refused.out], [1, '']);
    assert.match(refused.err, /disruption budget.*; wait until more edges are ready/);

    await budget(null, 1);
    const { code, out } = await edge(['drain', name]);
    assert.equal(code, 0);
    assert.match(out, /drains: its clients may finish; another edge of live takes its place/);
    assert.match((await edge(['drain', name])).out, /is draining already/);
    assert.match((await edge(['top'])).out, new RegExp(`draining 1.*\n(.*\n)*${name} +draining +[12] `));
    assert.ok(!player.closed);
  });

  it('refuses what is no edge, and says where to look', async () => {
    assert.match((await edge(['drain', 'none'])).err, /^there is no pod none in namespace/);
    assert.match(
      (await edge(['top', 'other'])).err,
      /^EdgeCluster other has no edges in namespace \S+; -n or -A looks elsewhere/,
    );
    // Of a variable that is not set: the namespace of the kubeconfig's context, not all of them.
    const unset = await edgecluster(['edge', 'top', '-n', ''], '', { KUBECONFIG: kubernetes.kubeconfig });
    assert.match(unset.err, /^no EdgeCluster has edges in namespace default/);
  });
});

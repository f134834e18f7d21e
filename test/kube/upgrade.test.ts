/**
 * From one release to the next with edges under load: a publisher and players go on through all of it. The definition
 * comes last, after an operator that is newer than it; that of the release after comes first, before an operator that is
 * older than it; and then all goes back. What such operators leave out is in other-crd.test.ts.
 */

import assert from 'node:assert/strict';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { V1ConfigMap, V1Deployment, V1Pod } from '@kubernetes/client-node';
import { parse, stringify } from 'yaml';
import { CONFIG_KEY } from '../../operator/api/labels.ts';
import type { EdgeCluster } from '../../operator/api/types.ts';
import { capture, makeClip, publishFile } from '../support/ffmpeg.ts';
import { Kubernetes } from '../support/kubernetes.ts';
import { KubeClient } from '../support/kubernetes-client.ts';
import { originManifest } from '../support/origin-manifest.ts';
import { ProcessKubelet } from '../support/process-kubelet/kubelet.ts';
import { cannotRunPods, PodNetwork } from '../support/process-kubelet/network.ts';
import type { RunningPod } from '../support/process-kubelet/pod.ts';
import { type Program, suiteCleaner, temporaryDirectory } from '../support/programs.ts';
import type { FlvCapture } from '../support/programs-flv.ts';

const chart = join(import.meta.dirname, '../../helm');
const inNamespace = ['-n', 'edgecluster-system'];
const clusters = '/apis/edgecluster.io/v1alpha1/namespaces/default/edgeclusters';
const deployments = '/apis/apps/v1/namespaces/default/deployments';
const configMaps = '/api/v1/namespaces/default/configmaps';
const edgePods = '/api/v1/namespaces/default/pods?labelSelector=edgecluster.io%2Fcluster%3Dlive';
const definition = 'customresourcedefinition/edgeclusters.edgecluster.io';
const [olderDefinition, newerDefinition] = otherDefinitions();
/** Longer than the test: whoever is cut before was cut by the upgrade. */
const drainSeconds = 900;

describe('an upgrade', { skip: cannotRunPods() }, () => {
  const cleaner = suiteCleaner();
  let kubernetes: Kubernetes;
  let kubelet: ProcessKubelet;
  let client: KubeClient;
  let busy: RunningPod;
  let idle: RunningPod;
  let publisher: Program;
  let players: readonly FlvCapture[] = [];

  before(async () => {
    const network = new PodNetwork();
    cleaner.after(() => network.close());
    kubernetes = await Kubernetes.start({ address: network.gateway });
    cleaner.after(() => kubernetes.stop());
    // Never within the test: what edges get, they get because their pods were touched.
    kubelet = await ProcessKubelet.start(kubernetes, network, { refreshMs: 3_600_000 });
    cleaner.after(() => kubelet.stop());
    client = new KubeClient(kubernetes.config());
    cleaner.after(() => client.close());
    await kubernetes.kubectl(['create', 'namespace', 'media']);
    await kubernetes.kubectl(['apply', '-f', '-'], { input: JSON.stringify(originManifest('origin-a')) });
    await client.until<V1Pod>('/api/v1/namespaces/media/pods', (pods) => pods.length === 1 && pods.every(isReady));
  });

  const files = async (): Promise<Readonly<Record<string, string>>> =>
    (await client.get<V1ConfigMap>(`${configMaps}/live`)).data ?? {};
  const untilFiles = (test: (files: Readonly<Record<string, string>>) => boolean): Promise<unknown> =>
    client.until<V1ConfigMap>(configMaps, (maps) =>
      maps.some(({ metadata, data }) => metadata?.name === 'live' && test(data ?? {})),
    );
  const change = (spec: object): Promise<EdgeCluster> => client.patch<EdgeCluster>(`${clusters}/live`, { spec });

  const processes = (): readonly string[] => kubelet.pods('default').map(({ name, pid }) => `${name} ${pid}`);
  const release = async (): Promise<{ readonly revision: string }> => {
    const listed = JSON.parse(await kubernetes.helm(['list', '-o', 'json', ...inNamespace])) as { revision: string }[];
    return listed[0] ?? { revision: '' };
  };

  /** The chart of another release. */
  function chartWith(definition: string): string {
    const directory = temporaryDirectory(cleaner);
    cpSync(chart, directory, { recursive: true });
    writeFileSync(join(directory, 'files/edgecluster.yaml'), definition);
    return directory;
  }

  const helm = (args: readonly string[]): Promise<unknown> =>
    kubernetes.helm([...args, ...inNamespace, '--wait', '--timeout', '120s']);

  /** All are connected as they were, and get frames now. */
  async function everybodyPlays(): Promise<void> {
    assert.ok(publisher.running);
    for (const player of players) await player.frames(player.tags.length + 50);
  }

  it('a release runs, with edges that read the language of edgecluster 0.1.0', async () => {
    const older = chartWith(olderDefinition);
    await kubernetes.kubectl(['label', 'node', 'node-a', 'edges=yes']);
    await helm(['install', 'edgecluster', older, '--create-namespace', '--set', 'image.tag=n']);
    const spec = {
      origins: [{ name: 'main', servers: ['origin-a.media:1935'] }],
      pods: { drainSeconds, nodeSelector: { edges: 'yes' } },
    };
    const metadata = { name: 'live' };
    await client.post(clusters, { apiVersion: 'edgecluster.io/v1alpha1', kind: 'EdgeCluster', metadata, spec });
    await client.until<V1Pod>(edgePods, (pods) => pods.length === 2 && pods.every(isReady));
    await kubernetes.kubectl(['scale', 'deployment/edgecluster', ...inNamespace, '--replicas=0']);
    while (kubelet.pods('edgecluster-system').length > 0) await delay(50);

    const text = (await files())[CONFIG_KEY] ?? '';
    await client.patch(`${configMaps}/live`, { data: { 'edge.conf': text, [CONFIG_KEY]: null } });
    const args = [{ op: 'replace', path: '/spec/template/spec/containers/0/args/1', value: '/etc/edge/edge.conf' }];
    await kubernetes.kubectl(['patch', 'deployment/live', '--type=json', '-p', JSON.stringify(args)]);
    const running = await client.until<V1Pod>(
      edgePods,
      (pods) => pods.length === 2 && pods.every((pod) => isReady(pod) && reads(pod, 'edge.conf')),
      90_000,
    );

    const names = new Set(running.map(({ metadata }) => metadata?.name));
    // Those of the template before may still be ending.
    const [first, second] = kubelet.pods('default').filter(({ name }) => names.has(name));
    assert.ok(first && second);
    [busy, idle] = [first, second];
    const clip = makeClip(temporaryDirectory(cleaner), 'clip', { seconds: 10 });
    publisher = publishFile(cleaner, clip, `rtmp://${busy.address}/live/show`, { loop: true });
    players = [`rtmp://${busy.address}/live/show`, `http://${busy.address}:8080/live/show.flv`].map((url) =>
      capture(cleaner, url),
    );
    await everybodyPlays();
  });

  it('the newer operator keeps their file beside its own, while new edges cannot come yet', async () => {
    await kubernetes.kubectl(['label', 'node', 'node-a', 'edges-']);
    await helm(['upgrade', 'edgecluster', chart, '--set', 'image.tag=m,crds.install=false']);
    await untilFiles((files) => files['edge.conf'] !== undefined && files[CONFIG_KEY] !== undefined);
    await client.until<V1Pod>(edgePods, (pods) => pods.some((pod) => reads(pod, CONFIG_KEY)));
    await everybodyPlays();
  });

  it('an older edge that starts again finds a configuration that it can read, and takes changes in seconds', async () => {
    process.kill(idle.pid ?? 0, 'SIGKILL');
    const restarted = ({ metadata, status }: V1Pod) =>
      metadata?.name === idle.name && (status?.containerStatuses?.[0]?.restartCount ?? 0) > 0;
    await client.until<V1Pod>(edgePods, (pods) => pods.some((pod) => restarted(pod) && isReady(pod)), 60_000);
    const player = capture(cleaner, `rtmp://${idle.address}/live/show`);
    await player.frames(50);
    await player.program.kill();

    const since = [busy, idle].map((pod) => pod.lines.length);
    await change({ logLevel: 'Debug' });
    await untilFiles((files) => [files['edge.conf'], files[CONFIG_KEY]].every((text) => /debug;/.test(text ?? '')));
    await Promise.all([busy, idle].map((pod, i) => pod.logged(/configuration changed/, since[i])));
    await everybodyPlays();
  });

  it('new edges come, older ones drain, and nobody is cut', async () => {
    const { pid } = busy;
    await kubernetes.kubectl(['label', 'node', 'node-a', 'edges=yes']);
    await client.until<V1Deployment>(
      deployments,
      ([live]) =>
        live?.status?.updatedReplicas === 2 && live.status.availableReplicas === 2 && live.status.replicas === 2,
      120_000,
    );
    const [draining] = await client.until<V1Pod>(edgePods, (pods) => pods.length === 3);
    assert.ok(draining);
    assert.equal(busy.pid, pid);
    assert.ok((await files())['edge.conf'] !== undefined, 'the edge that drains may still read it');
    await everybodyPlays();
  });

  it('the definition comes last, and no edge notices', async () => {
    // A newer operator says what the older definition lacks.
    await client.until<EdgeCluster>(
      clusters,
      ([live]) => live?.status?.conditions?.some(({ reason }) => reason === 'DefinitionOutdated') === true,
    );
    const before = processes();
    await helm(['upgrade', 'edgecluster', chart, '--set', 'image.tag=m']);
    await kubernetes.kubectl(['wait', '--for=jsonpath={.status.acceptedNames.shortNames[0]}=ec', definition]);
    await everybodyPlays();
    assert.deepEqual(processes(), before);
  });

  it('a definition of the release after comes first: the operator that is older goes on, and no edge notices', async () => {
    const before = processes();
    const args = ['apply', '--server-side', '--force-conflicts', '-f', '-'];
    await kubernetes.kubectl(args, { input: newerDefinition });
    await kubernetes.kubectl(['wait', '--for=jsonpath={.status.acceptedNames.shortNames[0]}=new', definition]);
    await change({ novelty: { on: true }, logLevel: 'Warn' });
    await untilFiles((files) => /warn;/.test(files[CONFIG_KEY] ?? ''));
    await everybodyPlays();
    assert.deepEqual(processes(), before);
  });

  it('its operator comes, and both go back: no edge notices', async () => {
    const before = processes();
    const { revision } = await release();
    const later = chartWith(newerDefinition);
    await helm(['upgrade', 'edgecluster', later, '--set', 'image.tag=l,edgeImage.tag=m']);
    await everybodyPlays();
    await helm(['rollback', 'edgecluster', revision]);
    await kubernetes.kubectl(['wait', '--for=jsonpath={.status.acceptedNames.shortNames[0]}=ec', definition]);
    await everybodyPlays();
    assert.deepEqual(processes(), before);
  });

  it('with the last of the older edges their file goes', async () => {
    for (const player of players) await player.program.kill();
    await publisher.kill();
    await client.until<V1Pod>(edgePods, (pods) => pods.length === 2, 60_000);
    await untilFiles((files) => files['edge.conf'] === undefined && files[CONFIG_KEY] !== undefined);
  });
});

/** Of a release that lacks fields of ours, and of one that has more. The short name tells which one is served. */
function otherDefinitions(): readonly [older: string, newer: string] {
  const text = readFileSync(join(chart, 'files/edgecluster.yaml'), 'utf8');
  const changed = (shortName: string, change: (properties: { spec: Fields; status: Fields }) => void): string => {
    const crd = parse(text.replace('shortNames: [ec]', `shortNames: [${shortName}]`)) as Definition;
    change(crd.spec.versions[0].schema.openAPIV3Schema.properties);
    return stringify(crd);
  };
  const older = changed('old', ({ spec, status }) => {
    delete spec.properties.monitoring;
    delete status.properties.configuredReplicas;
  });
  const newer = changed('new', ({ spec, status }) => {
    const on = { type: 'boolean', default: false };
    spec.properties.novelty = { type: 'object', default: {}, properties: { on } };
    status.properties.novelties = { type: 'integer' };
  });
  return [older, newer];
}

interface Fields {
  readonly properties: Record<string, unknown>;
}

interface Definition {
  readonly spec: {
    readonly versions: readonly [
      { readonly schema: { readonly openAPIV3Schema: { readonly properties: { spec: Fields; status: Fields } } } },
    ];
  };
}

function isReady({ status }: V1Pod): boolean {
  return status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true;
}

/** Whether its edge is started with this file. */
function reads({ spec }: V1Pod, key: string): boolean {
  return spec?.containers[0]?.args?.at(-1) === `/etc/edge/${key}`;
}

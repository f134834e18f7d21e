/**
 * How the operator does with many EdgeClusters, on a real etcd and API server: from nothing to all objects, at rest,
 * when an origin is replaced, when it is started again, and with edges that it asks. Those are simulated; no pods run.
 * See ../README.md for figures. Linux only.
 */
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Kubernetes } from '../../support/kubernetes.ts';
import { KubeClient } from '../../support/kubernetes-client.ts';
import { Audit, auditArgs } from './audit.ts';
import { DeployedOperator } from './deployed-operator.ts';
import {
  clusterManifests,
  endpointSlice,
  type Manifest,
  namespaceNames,
  originNamespace,
  originService,
} from './manifests.ts';
import { ownedKinds, Progress } from './progress.ts';
import { SimulatedEdges } from './simulated-edges.ts';

const USAGE = `usage: node test/bench/operator/bench.ts [options]
  --clusters N     EdgeClusters (500)
  --namespaces N   that they are spread over (20)
  --idle N         seconds of rest that are measured (60)
  --edges N        simulated edges of each EdgeCluster (10); 0: none
  --busy N         seconds with edges that are measured (240)
  --controllers    with kube-controller-manager, which takes its share of this machine
  --json FILE      adds the figures to FILE, as a line of JSON
  --prof           profiles the operator; the profile is named at the end`;

const { values: options } = parseArgs({
  options: {
    clusters: { type: 'string', default: '500' },
    namespaces: { type: 'string', default: '20' },
    idle: { type: 'string', default: '60' },
    edges: { type: 'string', default: '10' },
    busy: { type: 'string', default: '240' },
    controllers: { type: 'boolean', default: false },
    json: { type: 'string' },
    prof: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (options.help) {
  console.log(USAGE);
  process.exit(0);
}
const clusters = Number(options.clusters);
const namespaces = Number(options.namespaces);
const idleSeconds = Number(options.idle);
const edgesOfEach = Number(options.edges);
const busySeconds = Number(options.busy);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130));

interface Phase {
  readonly name: string;
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly rssMb: number;
  /** Of the operator, as the API server counts them. */
  readonly writes: number;
  readonly reads: number;
  readonly watches: number;
  /** Of the writes, those of status. */
  readonly statuses: number;
}

const folder = mkdtempSync(path.join(os.tmpdir(), 'operator-bench-'));
process.on('exit', () => options.prof || rmSync(folder, { recursive: true, force: true }));
const kubernetes = await Kubernetes.start({ controllers: options.controllers, apiServerArgs: auditArgs(folder) });
const client = new KubeClient(kubernetes.config());
const audit = new Audit(folder);
const stop = new AbortController();
const phases: Phase[] = [];
let operator: DeployedOperator | undefined;

/** Measures what the operator does until `work` is done, which says when it was. */
async function phase(name: string, work: () => Promise<number>): Promise<Phase> {
  if (operator === undefined) throw new Error('no operator runs');
  await audit.settled();
  const [startMs, cpu, calls] = [performance.now(), operator.cpuSeconds(), audit.counts()];
  const endMs = await work();
  const cpuSeconds = operator.cpuSeconds() - cpu;
  await audit.settled();
  const now = audit.counts();
  const result = {
    name,
    seconds: (endMs - startMs) / 1000,
    cpuSeconds,
    rssMb: operator.rssMb(),
    writes: now.writes - calls.writes,
    reads: now.reads - calls.reads,
    watches: now.watches - calls.watches,
    statuses: now.statuses - calls.statuses,
  };
  phases.push(result);
  return result;
}

try {
  await kubernetes.installDefinitions();
  for (const name of [originNamespace, ...namespaceNames(namespaces)]) {
    await client.post('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  }
  await client.post(`/api/v1/namespaces/${originNamespace}/services`, originService());
  const slices = `/apis/discovery.k8s.io/v1/namespaces/${originNamespace}/endpointslices`;
  await client.post(slices, endpointSlice(['10.1.0.1', '10.1.0.2', '10.1.0.3']));
  const kubeconfig = await operatorKubeconfig();
  const progress = new Progress(client, stop.signal);
  operator = await DeployedOperator.start(kubeconfig, folder, options.prof);

  const manifests = clusterManifests(clusters, namespaces);
  const created = await phase('nothing to all objects', async () => {
    await inParallel(20, manifests, ({ metadata, ...rest }) =>
      client.post(`/apis/edgecluster.io/v1alpha1/namespaces/${metadata.namespace}/edgeclusters`, { metadata, ...rest }),
    );
    return progress.made(clusters);
  });
  console.error(`${clusters} EdgeClusters: all objects after ${created.seconds.toFixed(1)} s`);
  await audit.quiet(5000);

  const rest = await phase('at rest', async () => {
    await sleep(idleSeconds * 1000);
    return performance.now();
  });

  const replaced = await phase('an origin replaced', async () => {
    const { endpoints } = endpointSlice(['10.1.0.1', '10.1.0.2', '10.1.0.4']);
    await client.patch(`${slices}/origins`, { endpoints });
    return progress.configured(clusters, '10.1.0.4');
  });
  await audit.quiet(5000);

  await operator.stop();
  await audit.settled();
  const calls = audit.counts();
  const startMs = performance.now();
  operator = await DeployedOperator.start(kubeconfig, folder, options.prof);
  await operator.ready();
  const readyMs = performance.now();
  await audit.quiet(5000);
  const now = audit.counts();
  phases.push({
    name: 'started again',
    seconds: (readyMs - startMs) / 1000,
    cpuSeconds: operator.cpuSeconds(),
    rssMb: operator.rssMb(),
    writes: now.writes - calls.writes,
    reads: now.reads - calls.reads,
    watches: now.watches - calls.watches,
    statuses: now.statuses - calls.statuses,
  });
  const busy = edgesOfEach > 0 ? await withEdges(progress, manifests) : undefined;
  const peakMb = operator.peakMb();
  await operator.stop();

  console.log(`${os.cpus().length} × ${os.cpus()[0]?.model.trim()}, Linux ${os.release()}, Node ${process.version}`);
  console.log(`${clusters} EdgeClusters in ${namespaces} namespaces, ${ownedKinds.length} kinds of objects\n`);
  console.log(table(phases));
  console.log(`\nat rest: ${((rest.cpuSeconds / rest.seconds) * 100).toFixed(2)} % of a core, ${rest.writes} writes`);
  console.log(`an origin replaced: all ConfigMaps after ${replaced.seconds.toFixed(2)} s`);
  if (busy !== undefined) {
    const { seconds, cpuSeconds, rssMb, statuses, asked } = busy;
    const rates = `${(asked / seconds).toFixed(0)} questions and ${(statuses / seconds).toFixed(2)} statuses a second`;
    const cpu = `${((cpuSeconds / seconds) * 100).toFixed(1)} % of a core`;
    console.log(`${clusters * edgesOfEach} edges: ${rates}, ${cpu}, RSS ${rssMb.toFixed(0)} MB`);
  }
  if (options.json) {
    const line = {
      time: new Date().toISOString(),
      clusters,
      namespaces,
      controllers: options.controllers,
      peakMb,
      phases,
    };
    appendFileSync(options.json, `${JSON.stringify(line)}\n`);
  }
  if (options.prof) console.error(`profiles: ${folder}`);
} finally {
  stop.abort();
  await operator?.kill();
  await kubernetes.stop();
}

/** Gives each EdgeCluster edges, and measures when all have been asked. */
async function withEdges(
  progress: Progress,
  manifests: readonly Manifest[],
): Promise<Phase & { readonly asked: number }> {
  const edges = new SimulatedEdges(client, progress.hashOf);
  await edges.listen();
  try {
    await phase('edges come', async () => {
      const places = manifests.map(({ metadata: { name = '', namespace = '' } }, place) => ({
        name,
        namespace,
        place,
      }));
      await inParallel(20, places, async ({ place, ...cluster }) => {
        const { name, namespace } = cluster;
        const path = `/apis/edgecluster.io/v1alpha1/namespaces/${namespace}/edgeclusters/${name}`;
        await client.patch(path, { spec: { replicas: edgesOfEach } });
        for (let number = 0; number < edgesOfEach; number++) await edges.add(cluster, place, number);
      });
      return progress.played(clusters);
    });
    console.error(`${clusters * edgesOfEach} edges are asked`);
    // All of them twice, so that each cluster's first figures and costs are written.
    await sleep(60_000);
    const before = edges.asked;
    const busy = await phase(`${clusters * edgesOfEach} edges with players`, async () => {
      await sleep(busySeconds * 1000);
      return performance.now();
    });
    return { ...busy, asked: edges.asked - before };
  } finally {
    edges.close();
  }
}

/** Of an account that may do everything: what the chart's may do is tested elsewhere. */
async function operatorKubeconfig(): Promise<string> {
  await kubernetes.kubectl(['create', 'serviceaccount', 'operator', '-n', originNamespace]);
  const account = `--serviceaccount=${originNamespace}:operator`;
  await kubernetes.kubectl(['create', 'clusterrolebinding', 'operator', '--clusterrole=cluster-admin', account]);
  return kubernetes.kubeconfigOf(originNamespace, 'operator');
}

async function inParallel<T>(width: number, items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  const left = [...items];
  const worker = async (): Promise<void> => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: width }, worker));
}

function table(rows: readonly Phase[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [
    line(['', 'seconds', "operator's CPU, s", 'RSS, MB', 'writes', 'of status', 'reads', 'watches opened']),
    line(['---', '---:', '---:', '---:', '---:', '---:', '---:', '---:']),
    ...rows.map(({ name, seconds, cpuSeconds, rssMb, writes, statuses, reads, watches }) =>
      line([
        name,
        seconds.toFixed(2),
        cpuSeconds.toFixed(2),
        rssMb.toFixed(0),
        String(writes),
        String(statuses),
        String(reads),
        String(watches),
      ]),
    ),
  ].join('\n');
}

/** A tier in a namespace of its own on the cluster of real nodes: the chart, origins in pods, and an EdgeCluster. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { V1Pod, V1Service } from '@kubernetes/client-node';
import type { EdgeCluster } from '../../operator/api/types.ts';
import { Kubernetes } from '../support/kubernetes.ts';
import { KubeClient } from '../support/kubernetes-client.ts';
import { isReady, NodeCluster } from '../support/nodes/cluster.ts';
import type { Cleaner } from '../support/programs.ts';
import { originManifests } from './origins.ts';

export const chart = join(import.meta.dirname, '../../helm');
export const operatorNamespace = 'edgecluster-system';
/** Of the EdgeCluster and its Service. */
export const tierName = 'live';

interface ChartOptions {
  readonly from?: string;
  /** Values, `name=value`. */
  readonly set?: readonly string[];
}

export type Spec = Readonly<Record<string, unknown>>;

interface WaitOptions {
  /** Of the EdgeCluster. */
  readonly name?: string;
  readonly patienceMs?: number;
}

export class Scene {
  readonly cluster: NodeCluster;
  readonly kubernetes: Kubernetes;
  readonly client: KubeClient;
  readonly namespace: string;

  private constructor(cluster: NodeCluster, kubernetes: Kubernetes, client: KubeClient, namespace: string) {
    this.cluster = cluster;
    this.kubernetes = kubernetes;
    this.client = client;
    this.namespace = namespace;
  }

  /** A namespace, and an operator that is ready. What the scene makes goes with the scenario. */
  static async open(cleaner: Cleaner): Promise<Scene> {
    const kubernetes = await Kubernetes.start();
    cleaner.after(() => kubernetes.stop());
    const client = new KubeClient(kubernetes.config());
    cleaner.after(() => client.close());
    const namespace = await kubernetes.createNamespace('e2e');
    const scene = new Scene(new NodeCluster(), kubernetes, client, namespace);
    await scene.installChart();
    cleaner.after(() => scene.#close());
    return scene;
  }

  /**
   * Installs the chart, or upgrades what is there to these values; resolves when the operator is ready.
   * @param from another folder with a chart
   */
  async installChart({ from = chart, set = [] }: ChartOptions = {}): Promise<void> {
    const where = ['edgecluster', from, '--namespace', operatorNamespace, '--create-namespace'];
    const values = set.flatMap((each) => ['--set', each]);
    await this.kubernetes.helm(['upgrade', '--install', ...where, '--wait', '--timeout', '120s', ...values]);
  }

  /** Origins behind the Service `origin`, each with a part of the streams; resolves when they are ready. */
  async startOrigins(count: number): Promise<void> {
    await this.apply(originManifests(this.namespace, count));
    await this.untilOrigins(count);
  }

  /** @param spec beside the origins; drains are short unless it says otherwise. Resolves when the tier is ready. */
  async startTier(spec: Spec = {}, name = tierName): Promise<void> {
    await this.applyTier(spec, name);
    await this.untilSettled({ name });
  }

  async applyTier(spec: Spec, name = tierName): Promise<void> {
    const { pods, ...rest } = spec as { readonly pods?: Spec };
    await this.apply({
      apiVersion: 'edgecluster.io/v1alpha1',
      kind: 'EdgeCluster',
      metadata: { name, namespace: this.namespace },
      spec: {
        origins: [{ name: 'main', service: { name: 'origin' } }],
        pods: { drainSeconds: 10, resources: { requests: { cpu: '20m', memory: '64Mi' } }, ...pods },
        ...rest,
      },
    });
  }

  async patchTier(spec: Spec, name = tierName): Promise<EdgeCluster> {
    return this.client.patch<EdgeCluster>(`${this.#tiersPath}/${name}`, { spec });
  }

  async tier(): Promise<EdgeCluster> {
    return this.client.get<EdgeCluster>(`${this.#tiersPath}/${tierName}`);
  }

  async untilTier(test: (tier: EdgeCluster) => boolean, options: WaitOptions = {}): Promise<EdgeCluster> {
    const { name = tierName, patienceMs = 60_000 } = options;
    const named = (tiers: readonly EdgeCluster[]) => tiers.find(({ metadata }) => metadata.name === name);
    const isIt = (tiers: readonly EdgeCluster[]): boolean => {
      const tier = named(tiers);
      return tier !== undefined && test(tier);
    };
    const tier = named(await this.client.until<EdgeCluster>(this.#tiersPath, isIt, patienceMs));
    if (tier === undefined) throw new Error(`there is no EdgeCluster ${name}`);
    return tier;
  }

  /** All that is wanted runs and is configured, nothing is on its way, and origins are reached. */
  async untilSettled({ name, patienceMs = 90_000 }: WaitOptions = {}): Promise<EdgeCluster> {
    return this.untilTier(
      ({ metadata, spec, status }) => {
        const { observedGeneration, replicas, updatedReplicas, configuredReplicas, conditions = [] } = status ?? {};
        const holds = (type: string) => conditions.find((each) => each.type === type)?.status === 'True';
        return (
          observedGeneration === metadata.generation &&
          [replicas, updatedReplicas, configuredReplicas].every((each) => each === spec.replicas) &&
          holds('Ready') &&
          holds('OriginsReachable')
        );
      },
      { patienceMs, ...(name !== undefined && { name }) },
    );
  }

  /** Edges that are not ending, by name. */
  async edges(name = tierName): Promise<readonly V1Pod[]> {
    const pods = await this.client.list<V1Pod>(this.#podsPath(`edgecluster.io/cluster=${name}`));
    return pods.filter(isStaying).sort(byName);
  }

  /** The edge that has the most clients, and how many these are. */
  async busiestEdge(): Promise<{ readonly edge: V1Pod; readonly clients: number }> {
    const all = (await this.edges()).map((edge) => ({ edge, clients: clientsOf(this.processOf(edge)) }));
    const [busiest] = all.sort((one, other) => other.clients - one.clients);
    if (busiest === undefined) throw new Error('there are no edges');
    return busiest;
  }

  async origins(): Promise<readonly V1Pod[]> {
    return (await this.client.list<V1Pod>(this.#podsPath('app=origin'))).filter(isStaying).sort(byName);
  }

  /** Resolves when exactly so many origins are there and ready. */
  async untilOrigins(count: number): Promise<readonly V1Pod[]> {
    const all = (pods: readonly V1Pod[]): boolean => {
      const staying = pods.filter(isStaying);
      return staying.length === count && staying.every(isReady);
    };
    const pods = await this.client.until<V1Pod>(this.#podsPath('app=origin'), all, 90_000);
    return pods.filter(isStaying);
  }

  /** Replaces all origins. Resolves when the old ones are gone: until then edges may go on as before. */
  async rollOrigins(): Promise<void> {
    await this.kubectl('rollout', 'restart', 'deployment/origin');
    await this.kubectl('rollout', 'status', 'deployment/origin', '--timeout=120s');
    const replaced = (pods: readonly V1Pod[]): boolean => pods.every((pod) => isStaying(pod) && isReady(pod));
    await this.client.until<V1Pod>(this.#podsPath('app=origin'), replaced, 90_000);
  }

  async operator(): Promise<V1Pod> {
    const pods = await this.client.list<V1Pod>(`/api/v1/namespaces/${operatorNamespace}/pods`);
    const operator = pods.find(isStaying);
    if (operator === undefined) throw new Error('there is no operator');
    return operator;
  }

  /** Who runs now, whoever was started again or replaced being another: `pod restarts`. */
  async instances(): Promise<readonly string[]> {
    return (await this.edges()).map(({ metadata, status }) => {
      const restarts = status?.containerStatuses?.map(({ restartCount }) => restartCount);
      return `${metadata?.name} ${restarts?.join()}`;
    });
  }

  /** Resolves when so many edges cost something to take away: those that have clients. The others cost nothing. */
  async untilCostly(count: number): Promise<void> {
    const costOf = ({ metadata }: V1Pod): number =>
      Number(metadata?.annotations?.['controller.kubernetes.io/pod-deletion-cost'] ?? 0);
    await this.client.until<V1Pod>(
      this.#podsPath(`edgecluster.io/cluster=${tierName}`),
      (pods) => pods.filter((pod) => isStaying(pod) && costOf(pod) > 0).length === count,
    );
  }

  /** Address of the Service that clients come by. */
  async address(): Promise<string> {
    const path = `/api/v1/namespaces/${this.namespace}/services/${tierName}`;
    return (await this.client.get<V1Service>(path)).spec?.clusterIP ?? '';
  }

  /** Sends a signal to the first process of a pod's container, from its node. */
  signal(pod: V1Pod, signal: NodeJS.Signals): void {
    process.kill(this.processOf(pod), signal);
  }

  processOf({ metadata, spec, status }: V1Pod): number {
    const id = status?.containerStatuses?.[0]?.containerID;
    if (id === undefined) throw new Error(`pod ${metadata?.name} has no container yet`);
    return this.cluster.node(spec?.nodeName).processOf(id);
  }

  async apply(manifest: unknown): Promise<void> {
    await this.kubernetes.kubectl(['apply', '-f', '-'], { input: JSON.stringify(manifest) });
  }

  kubectl(...args: readonly string[]): Promise<string> {
    return this.kubernetes.kubectl(['-n', this.namespace, ...args]);
  }

  /** Waits until its pods are gone, so that the next scenario has the machine to itself. */
  async #close(): Promise<void> {
    await this.kubernetes.kubectl(['delete', 'namespace', this.namespace, '--wait=false']);
    const pods = `/api/v1/namespaces/${this.namespace}/pods`;
    await this.client.until<V1Pod>(pods, (all) => all.length === 0, 60_000);
  }

  get #tiersPath(): string {
    return `/apis/edgecluster.io/v1alpha1/namespaces/${this.namespace}/edgeclusters`;
  }

  #podsPath(selector: string): string {
    return `/api/v1/namespaces/${this.namespace}/pods?labelSelector=${encodeURIComponent(selector)}`;
  }
}

/** Connections of clients at a process' RTMP and HTTP ports, as its network namespace has them. */
export function clientsOf(pid: number): number {
  const established = '01';
  const ports = [1935, 8080].map((port) => port.toString(16).toUpperCase().padStart(4, '0'));
  const rows = ['tcp', 'tcp6'].flatMap((file) => readFileSync(`/proc/${pid}/net/${file}`, 'utf8').split('\n').slice(1));
  return rows.filter((row) => {
    const [, local = '', , state] = row.trim().split(/\s+/);
    return state === established && ports.includes(local.split(':')[1] ?? '');
  }).length;
}

export function nameOf({ metadata }: V1Pod): string {
  return metadata?.name ?? '';
}

function isStaying({ metadata }: V1Pod): boolean {
  return metadata?.deletionTimestamp === undefined;
}

function byName(one: V1Pod, other: V1Pod): number {
  return nameOf(one).localeCompare(nameOf(other));
}

/**
 * A stand-in for nodes: registers Node objects, binds pending pods to them as a scheduler does, and runs each pod on
 * this machine with its own network and mounts (network.ts, sandbox.ts). Start-up, readiness and liveness probes,
 * restarts, volumes of ConfigMaps, Secrets, tokens and pod fields with the kubelet's way to exchange them, graceful
 * deletion and pod status are as Kubernetes has them, closely enough for our programs.
 *
 * What it does not do, and so what no test on it shows:
 * - images: every image is this machine with the project in /app; nothing is pulled
 * - limits of memory and processor, seccomp profiles, process namespaces
 * - network policies, host ports, host networks, node ports, load balancers
 * - cluster addresses: a Service's name leads to its end points by /etc/hosts (names.ts), its address nowhere
 * - init and ephemeral containers, life-cycle hooks, exec probes, restart policies other than Always
 * - `kubectl logs`, `exec` and `port-forward`, which ask the kubelet itself
 * - scheduling by anything but node selectors and cordons: no taints, affinity, resources or spreading
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { V1Node, V1Pod } from '@kubernetes/client-node';
import type { Kubernetes } from '../kubernetes.ts';
import { KubeClient, KubeFailure } from '../kubernetes-client.ts';
import type { Variables } from './environment.ts';
import { followNames } from './names.ts';
import type { PodNetwork } from './network.ts';
import { RunningPod } from './pod.ts';

export interface KubeletOptions {
  /** Names of the nodes. */
  readonly nodes?: readonly string[];
  /**
   * How often volumes are looked at although nothing says that they changed. Default 60 s, as of real kubelets; what
   * comes sooner comes because the pod was touched.
   */
  readonly refreshMs?: number;
  /** More names that pods can resolve: addresses by name. */
  readonly hosts?: Readonly<Record<string, string>>;
}

const leaseMs = 10_000;

export class ProcessKubelet {
  readonly #client: KubeClient;
  readonly #network: PodNetwork;
  readonly #options: Required<KubeletOptions>;
  readonly #directory: string;
  readonly #variables: Variables;
  readonly #stopping = new AbortController();
  readonly #nodes = new Map<string, V1Node>();
  readonly #pods = new Map<string, Promise<RunningPod>>();
  readonly #running = new Map<string, RunningPod>();
  readonly #bound = new Map<string, string>();
  readonly #leases: NodeJS.Timeout;

  private constructor(kubernetes: Kubernetes, network: PodNetwork, options: KubeletOptions) {
    this.#client = new KubeClient(kubernetes.config());
    this.#network = network;
    this.#options = { nodes: ['node-a'], refreshMs: 60_000, hosts: {}, ...options };
    this.#directory = mkdtempSync(join(tmpdir(), 'kubelet-'));
    const { hostname, port } = new URL(kubernetes.url);
    this.#variables = {
      PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      KUBERNETES_SERVICE_HOST: hostname,
      KUBERNETES_SERVICE_PORT: port,
    };
    this.#leases = setInterval(() => void this.#renew(), leaseMs);
  }

  /** @param kubernetes to be started at the network's gateway, so that pods reach it */
  static async start(
    kubernetes: Kubernetes,
    network: PodNetwork,
    options: KubeletOptions = {},
  ): Promise<ProcessKubelet> {
    const kubelet = new ProcessKubelet(kubernetes, network, options);
    const { signal } = kubelet.#stopping;
    // What is no Service has no name; whoever asks is told so at once.
    writeFileSync(kubelet.#resolverFile, 'nameserver 127.0.0.1\noptions attempts:1 timeout:1\n');
    for (const name of kubelet.#options.nodes) await kubelet.#register(name);
    void followNames(kubelet.#client, kubelet.#hostsFile, kubelet.#options.hosts, signal);
    void kubelet.#client.follow<V1Node>('/api/v1/nodes', signal, (node, deleted) => {
      if (deleted) kubelet.#nodes.delete(node.metadata?.name ?? '');
      else kubelet.#nodes.set(node.metadata?.name ?? '', node);
    });
    void kubelet.#client.follow<V1Pod>('/api/v1/pods', signal, (pod, deleted) => kubelet.#changed(pod, deleted));
    return kubelet;
  }

  /** All pods that run, of a namespace where one is named. */
  pods(namespace?: string): readonly RunningPod[] {
    return [...this.#running.values()].filter((pod) => namespace === undefined || pod.namespace === namespace);
  }

  /** @throws Error when no such pod runs */
  pod(namespace: string, name: string): RunningPod {
    const pod = this.pods(namespace).find((one) => one.name === name);
    if (pod === undefined) throw new Error(`no pod ${namespace}/${name} runs`);
    return pod;
  }

  /** Ends all pods at once. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    clearInterval(this.#leases);
    await Promise.all([...this.#pods.values()].map(async (pod) => (await pod.catch(() => undefined))?.discard()));
    this.#client.close();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  get #hostsFile(): string {
    return join(this.#directory, 'hosts');
  }

  get #resolverFile(): string {
    return join(this.#directory, 'resolv.conf');
  }

  #changed(pod: V1Pod, deleted: boolean): void {
    const { uid = '', name = '' } = pod.metadata ?? {};
    const node = pod.spec?.nodeName;
    const known = this.#pods.get(uid);
    if (deleted) {
      this.#pods.delete(uid);
      this.#running.delete(uid);
      this.#bound.delete(uid);
      void known?.then((running) => running.discard());
    } else if (known !== undefined) void known.then((running) => running.update(pod));
    else if (node === undefined) void this.#bind(pod);
    else if (
      this.#options.nodes.includes(node) &&
      pod.status?.phase !== 'Succeeded' &&
      pod.status?.phase !== 'Failed'
    ) {
      const starting = RunningPod.start(pod, {
        client: this.#client,
        network: this.#network,
        directory: join(this.#directory, uid),
        files: { '/etc/hosts': this.#hostsFile, '/etc/resolv.conf': this.#resolverFile },
        variables: this.#variables,
        refreshMs: this.#options.refreshMs,
      });
      this.#pods.set(uid, starting);
      starting.then(
        (running) => {
          if (this.#pods.has(uid)) this.#running.set(uid, running);
          // Deleted before it ran.
          if (pod.metadata?.deletionTimestamp !== undefined) running.update(pod);
        },
        (error: Error) => console.error(`pod ${name}: ${error.message}`),
      );
    }
  }

  /** To the node with the fewest pods of those it may run on; looked at again with the pod's next change. */
  async #bind(pod: V1Pod): Promise<void> {
    const { name, namespace, uid = '', deletionTimestamp } = pod.metadata ?? {};
    if (deletionTimestamp !== undefined || this.#bound.has(uid)) return;
    const selector = Object.entries(pod.spec?.nodeSelector ?? {});
    const counts = this.#options.nodes
      .map((node) => this.#nodes.get(node))
      .filter((node) => node !== undefined && node.spec?.unschedulable !== true)
      .filter((node) => selector.every(([label, value]) => node?.metadata?.labels?.[label] === value))
      .map((node) => node?.metadata?.name ?? '')
      .map((node) => ({ node, pods: [...this.#bound.values()].filter((other) => other === node).length }));
    const best = counts.toSorted((a, b) => a.pods - b.pods)[0];
    if (best === undefined) {
      if (!this.#stopping.signal.aborted) setTimeout(() => void this.#bindAgain(uid, pod), 500).unref();
      return;
    }
    this.#bound.set(uid, best.node);
    try {
      await this.#client.post(`/api/v1/namespaces/${namespace}/pods/${name}/binding`, {
        apiVersion: 'v1',
        kind: 'Binding',
        metadata: { name, uid },
        target: { apiVersion: 'v1', kind: 'Node', name: best.node },
      });
    } catch (error) {
      this.#bound.delete(uid);
      const over = error instanceof KubeFailure && (error.status === 404 || error.status === 409);
      if (!over && !this.#stopping.signal.aborted) setTimeout(() => void this.#bindAgain(uid, pod), 500).unref();
    }
  }

  async #bindAgain(uid: string, { metadata }: V1Pod): Promise<void> {
    const path = `/api/v1/namespaces/${metadata?.namespace}/pods/${metadata?.name}`;
    const pod = await this.#client.find<V1Pod>(path).catch(() => undefined);
    if (pod?.metadata?.uid === uid && pod.spec?.nodeName === undefined) await this.#bind(pod);
  }

  async #register(name: string): Promise<void> {
    const capacity = { cpu: '16', memory: '64Gi', pods: '110' };
    const labels = { 'kubernetes.io/hostname': name, 'kubernetes.io/os': 'linux', 'topology.kubernetes.io/zone': name };
    await this.#client.post('/api/v1/nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name, labels } });
    const conditions = [{ type: 'Ready', status: 'True', reason: 'KubeletReady', lastTransitionTime: new Date() }];
    const addresses = [{ type: 'InternalIP', address: this.#network.gateway }];
    await this.#renew();
    await this.#client.patch(`/api/v1/nodes/${name}/status`, {
      status: { capacity, allocatable: capacity, conditions, addresses },
    });
    const node = await this.#client.get<V1Node>(`/api/v1/nodes/${name}`);
    this.#nodes.set(name, node);
  }

  /** Says that the nodes live; who doesn't for forty seconds loses its pods. */
  async #renew(): Promise<void> {
    const leases = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases';
    for (const name of this.#options.nodes) {
      const spec = {
        holderIdentity: name,
        leaseDurationSeconds: 40,
        renewTime: `${new Date().toISOString().slice(0, -1)}000Z`,
      };
      try {
        await this.#client.patch(`${leases}/${name}`, { spec });
      } catch (error) {
        if (!(error instanceof KubeFailure) || error.status !== 404) continue;
        const lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name }, spec };
        await this.#client.post(leases, lease).catch(() => {});
      }
    }
  }
}

/**
 * A Kubernetes cluster of real nodes on this machine: a control plane at the gateway of a network of its own, and two
 * nodes. It lives in an enclosure (enclosure.ts), and ends with it.
 *
 * One process brings it up; others, in the same enclosure, open it and do to it what befalls clusters.
 */

import { readFileSync } from 'node:fs';
import type { V1Node, V1Pod } from '@kubernetes/client-node';
import { Kubernetes } from '../kubernetes.ts';
import { KubeClient } from '../kubernetes-client.ts';
import type { Tool, Tools } from '../kubernetes-tools.ts';
import { addonManifests } from './addons.ts';
import type { NodeBinaries } from './binaries.ts';
import { type ControlPlane, controlPlane, layOutCredentials } from './control-plane.ts';
import { files, nodePlaces } from './layout.ts';
import { kubeProxyCommand, NodeMachine, writeKubeProxySettings } from './machine.ts';
import { layNetwork } from './network.ts';
import { Server } from './server.ts';

/** What whoever makes the enclosure has prepared outside, where registries are in reach. */
export interface Settings {
  readonly tools: Tools<Tool>;
  readonly binaries: NodeBinaries;
  /** Of images, for containerd to import. */
  readonly archives: readonly string[];
  /** Of all pods, below each hierarchy of control groups. */
  readonly cgroup: string;
}

export class NodeCluster {
  readonly plane: ControlPlane;
  readonly nodes: readonly NodeMachine[];
  readonly #settings: Settings;

  /** The cluster of the enclosure that this process is in. */
  constructor() {
    this.#settings = JSON.parse(readFileSync(files.settings, 'utf8')) as Settings;
    const { tools, binaries, cgroup } = this.#settings;
    this.plane = controlPlane(tools, binaries);
    this.nodes = nodePlaces.map((place) => new NodeMachine(place, cgroup, binaries));
  }

  /** Starts all of it; resolves when both nodes are ready, names are answered and pods are measured. */
  async bringUp(): Promise<void> {
    const { etcd, apiServer, controllerManager, scheduler } = this.plane;
    layNetwork();
    layOutCredentials();
    const runtimes = this.nodes.map((node) => node.startRuntime(this.#settings.archives));
    await etcd.start();
    await apiServer.start();
    await Promise.all([...runtimes, controllerManager.start(), scheduler.start()]);
    await Promise.all(this.nodes.map((node) => node.startKubelet()));
    await this.#startGatewayProxy();
    const kubernetes = await Kubernetes.start();
    const client = new KubeClient(kubernetes.config());
    try {
      await kubernetes.kubectl(['apply', '-f', '-'], { input: JSON.stringify(addonManifests()) });
      await client.until<V1Node>('/api/v1/nodes', (nodes) => nodes.length === 2 && nodes.every(isReady), 120_000);
      const pods = '/api/v1/namespaces/kube-system/pods';
      await client.until<V1Pod>(pods, (all) => all.length === 3 && all.every(isReady), 120_000);
      for (const { kubelet, kubeProxy } of this.nodes) for (const server of [kubelet, kubeProxy]) server.assertRuns();
    } finally {
      client.close();
      await kubernetes.stop();
    }
  }

  node(name: string | undefined): NodeMachine {
    const node = this.nodes.find((each) => each.name === name);
    if (node === undefined) throw new Error(`there is no node ${name}`);
    return node;
  }

  /** Clients at the gateway reach Services as pods do. kube-proxy asks for its node's addresses: any node's will do. */
  async #startGatewayProxy(): Promise<void> {
    const [{ name }] = nodePlaces as [(typeof nodePlaces)[number]];
    writeKubeProxySettings('gateway');
    const [program, ...args] = kubeProxyCommand(this.#settings.binaries, 'gateway', name);
    const proxy = new Server({
      name: 'gateway-kube-proxy',
      command: [program, ...args],
      isReady: () =>
        fetch('http://127.0.0.1:10249/healthz')
          .then(({ ok }) => ok)
          .catch(() => false),
    });
    await proxy.start();
  }
}

export function isReady({ status }: V1Node | V1Pod): boolean {
  return status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true;
}

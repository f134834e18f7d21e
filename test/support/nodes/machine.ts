/**
 * A node: a machine of its own as far as network and mounts go, in which containerd, a kubelet and kube-proxy run. Its
 * directories /run, /var/lib and /var/log are of memory.
 */

import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { stringify } from 'yaml';
import { run } from '../programs.ts';
import type { NodeBinaries } from './binaries.ts';
import { makeCgroup } from './cgroups.ts';
import { kubeProxyUser } from './control-plane.ts';
import { pauseImage } from './images.ts';
import { dnsService, files, type NodePlace, stateDirectory } from './layout.ts';
import { connectNode, cutLink, forwardPackets, healLink, podNetwork } from './network.ts';
import { Server } from './server.ts';

const socket = '/run/containerd/containerd.sock';
const ctr = ['ctr', '--namespace', 'k8s.io'];
const containerdState = '/run/containerd';
/** Where Debian's containernetworking-plugins has them. */
const cniPlugins = '/usr/lib/cni';

/** The machine ends with this; it waits for ever. */
const machineScript = [
  'set -eu',
  // containerd must see what the kubelet mounts for a pod.
  'mount --make-rshared /',
  'for each in /run /var/lib /var/log; do mount -t tmpfs tmpfs $each; done',
  'mkdir -p /run/netns /run/lock /var/lib/kubelet /var/log/pods',
  forwardPackets,
  'touch /run/ready',
  'exec sleep infinity',
].join('\n');

const runAsync = promisify(execFile);

export class NodeMachine {
  readonly place: NodePlace;
  readonly #machine: Server;
  readonly #cgroup: string;
  readonly #binaries: NodeBinaries;

  /** @param cgroup of all nodes; see cgroups.ts */
  constructor(place: NodePlace, cgroup: string, binaries: NodeBinaries) {
    this.place = place;
    this.#cgroup = `${cgroup}/${place.name}`;
    this.#binaries = binaries;
    this.#machine = new Server({
      name: `${place.name}-machine`,
      command: ['unshare', '--net', '--mount', '--propagation', 'private', 'sh', '-c', machineScript],
      isReady: () => existsSync(`/proc/${this.#machine.pid}/root/run/ready`),
    });
  }

  get name(): string {
    return this.place.name;
  }

  /** Makes the machine, connects it, and starts containerd, with the images of `archives`. */
  async startRuntime(archives: readonly string[]): Promise<void> {
    await this.#machine.start();
    connectNode(this.place, this.#machine.pid);
    makeCgroup(this.#cgroup);
    this.#writeFiles();
    await this.containerd.start();
    for (const archive of archives) await runAsync('nsenter', [...this.#inside, ...ctr, 'image', 'import', archive]);
  }

  async startKubelet(): Promise<void> {
    await Promise.all([this.kubelet.start(), this.kubeProxy.start()]);
  }

  get containerd(): Server {
    return this.#server('containerd', ['containerd', '-c', this.#file('containerd.toml')], () => {
      const listens = existsSync(`/proc/${this.#machine.pid}/root${socket}`);
      return listens && this.#tryCtr('version');
    });
  }

  get kubelet(): Server {
    const command = [
      this.#binaries.kubelet,
      `--config=${this.#file('kubelet.yaml')}`,
      `--kubeconfig=${files.kubeconfig(`system:node:${this.name}`)}`,
      `--hostname-override=${this.name}`,
      `--node-ip=${this.place.address}`,
      '--cert-dir=/var/lib/kubelet/certificates',
    ] as const;
    return this.#server('kubelet', command, () => this.#answers('http://127.0.0.1:10248/healthz'));
  }

  get kubeProxy(): Server {
    return this.#server('kube-proxy', kubeProxyCommand(this.#binaries, this.name), () =>
      this.#answers('http://127.0.0.1:10249/healthz'),
    );
  }

  /** Gives an image another name. */
  tagImage(image: string, name: string): void {
    this.#ctr('image', 'tag', '--force', image, name);
  }

  /** The first process of a container; throws where it does not run. @param id as in a pod's status, `containerd://…` */
  processOf(id: string): number {
    const rows = this.#ctr('task', 'ls').trim().split('\n');
    const wanted = id.replace('containerd://', '');
    const [, pid] = rows.map((row) => row.split(/\s+/)).find(([task]) => task === wanted) ?? [];
    if (pid === undefined) throw new Error(`container ${id} does not run on ${this.name}`);
    return Number(pid);
  }

  /** Nothing reaches the node or leaves it any more, and nobody is told. */
  cutLink(): void {
    cutLink(this.place);
  }

  healLink(): void {
    healLink(this.place);
  }

  #server(program: string, command: readonly string[], isReady: () => Promise<boolean> | boolean): Server {
    return new Server({ name: `${this.name}-${program}`, command: ['nsenter', ...this.#inside, ...command], isReady });
  }

  get #inside(): readonly string[] {
    return ['--target', String(this.#machine.pid), '--net', '--mount'];
  }

  #ctr(...args: readonly string[]): string {
    return run('nsenter', [...this.#inside, ...ctr, ...args]).toString();
  }

  #tryCtr(...args: readonly string[]): boolean {
    try {
      this.#ctr(...args);
      return true;
    } catch {
      return false;
    }
  }

  /** Asks from within the node: these listen on its own loopback interface. */
  async #answers(url: string): Promise<boolean> {
    const program = `fetch('${url}').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))`;
    try {
      run('nsenter', [...this.#inside, process.execPath, '-e', program]);
      return true;
    } catch {
      await delay(200);
      return false;
    }
  }

  #file(name: string): string {
    return join(stateDirectory, this.name, name);
  }

  #writeFiles(): void {
    mkdirSync(this.#file('cni'), { recursive: true });
    writeFileSync(this.#file('resolv.conf'), 'nameserver 127.0.0.1\n');
    writeFileSync(this.#file('cni/pods.conflist'), JSON.stringify(this.#cni()));
    writeFileSync(this.#file('containerd.toml'), this.#containerdSettings());
    writeFileSync(this.#file('kubelet.yaml'), stringify(this.#kubeletSettings()));
    writeKubeProxySettings(this.name);
  }

  #cni(): object {
    const ipam = { type: 'host-local', ranges: [[{ subnet: this.place.podCidr }]], routes: [{ dst: '0.0.0.0/0' }] };
    // hairpinMode: a pod reaches itself through its Service, too.
    const bridge = { type: 'bridge', bridge: 'pods', isGateway: true, hairpinMode: true, ipMasq: false, ipam };
    const ports = { type: 'portmap', capabilities: { portMappings: true } };
    return { cniVersion: '0.4.0', name: 'pods', plugins: [bridge, ports] };
  }

  #containerdSettings(): string {
    const cri = 'plugins."io.containerd.grpc.v1.cri"';
    return `version = 2
root = "/var/lib/containerd"
state = "${containerdState}"
[grpc]
  address = "${socket}"
[${cri}]
  # Root may lack the right to make a process less likely to be ended when memory is short.
  restrict_oom_score_adj = true
  sandbox_image = "${pauseImage}"
  [${cri}.cni]
    bin_dir = "${cniPlugins}"
    conf_dir = "${this.#file('cni')}"
  [${cri}.containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"
    [${cri}.containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [${cri}.containerd.runtimes.runc.options]
        SystemdCgroup = false
`;
  }

  #kubeletSettings(): object {
    return {
      apiVersion: 'kubelet.config.k8s.io/v1beta1',
      kind: 'KubeletConfiguration',
      // Whoever is on this network may ask: nobody but the cluster is.
      authentication: { anonymous: { enabled: true }, webhook: { enabled: false } },
      authorization: { mode: 'AlwaysAllow' },
      cgroupDriver: 'cgroupfs',
      cgroupRoot: `/${this.#cgroup}`,
      clusterDNS: [dnsService],
      clusterDomain: 'cluster.local',
      containerRuntimeEndpoint: `unix://${socket}`,
      resolvConf: this.#file('resolv.conf'),
      oomScoreAdj: 0,
      failSwapOn: false,
      enforceNodeAllocatable: ['pods'],
      volumePluginDir: '/var/lib/kubelet/plugins',
      // The machine's disk is everybody's; what fills it is not the nodes' to judge.
      evictionHard: { 'memory.available': '100Mi' },
      imageGCHighThresholdPercent: 100,
    };
  }
}

/** Of a machine that has Services' addresses: a node, or the gateway. */
export function kubeProxyCommand(
  binaries: NodeBinaries,
  machine: string,
  node = machine,
): readonly [string, ...string[]] {
  return [binaries['kube-proxy'], `--config=${kubeProxyFile(machine)}`, `--hostname-override=${node}`];
}

/** Written once: a kube-proxy ends when its file is written again. */
export function writeKubeProxySettings(machine: string): void {
  const settings = {
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    clientConnection: { kubeconfig: files.kubeconfig(kubeProxyUser) },
    mode: 'iptables',
    clusterCIDR: podNetwork,
    oomScoreAdj: 0,
    // How many connections are followed is the whole machine's setting.
    conntrack: { maxPerCore: 0 },
    healthzBindAddress: '127.0.0.1:10256',
    metricsBindAddress: '127.0.0.1:10249',
  };
  writeFileSync(kubeProxyFile(machine), stringify(settings));
}

function kubeProxyFile(machine: string): string {
  return join(stateDirectory, `kube-proxy-${machine}.yaml`);
}

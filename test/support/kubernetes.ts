/**
 * A real Kubernetes control plane for tests: etcd, kube-apiserver and kube-controller-manager as child processes, with
 * the role-based authorisation and the admission of a real cluster. No node and no scheduler: pods stay Pending
 * (process-kubelet/ runs them, where a test wants that).
 *
 * One for each test file, up in about five seconds: files can stop its API server without asking anybody. It listens
 * on a loopback address of its own, so that its ports never clash, not even while the API server is down.
 *
 * USE_EXISTING_CLUSTER=true: the cluster of the current kubeconfig instead, which is never stopped.
 */

import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { CoreV1Api, KubeConfig } from '@kubernetes/client-node';
import { layOut, type Plane, roomyDirectory } from './kubernetes-plane.ts';
import { clients, kubernetesTools, servers, type Tools, usesExistingCluster } from './kubernetes-tools.ts';

export interface KubernetesOptions {
  /** Default true: deployments, garbage collection, end points, namespaces and all others. */
  readonly controllers?: boolean;
  /** Of this machine, where the servers listen; default: a loopback address of its own. */
  readonly address?: string;
  /** More arguments for kube-apiserver. */
  readonly apiServerArgs?: readonly string[];
}

export interface CommandOptions {
  /** Standard input. */
  readonly input?: string;
  /** Default: the administrator's. */
  readonly kubeconfig?: string;
}

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** For `skip`: why a test that stops the API server cannot run, or false when it can. */
export const keepsApiServer: string | false =
  usesExistingCluster && 'the API server of an existing cluster is not stopped';

const definitions = join(import.meta.dirname, '../../crds/edgecluster.yaml');
const readyPatienceMs = 60_000;

export class Kubernetes {
  /** Of an administrator; a file of its own, whatever the user's says. */
  readonly kubeconfig: string;
  readonly #directory: string;
  readonly #tools: Tools<(typeof clients)[number]>;
  readonly #plane: Plane | undefined;

  private constructor(directory: string, tools: Tools<(typeof clients)[number]>, kubeconfig: string, plane?: Plane) {
    this.#directory = directory;
    this.#tools = tools;
    this.kubeconfig = kubeconfig;
    this.#plane = plane;
  }

  /** Resolves when the API server is ready and its controllers run. To be ended by `stop`. */
  static async start(options: KubernetesOptions = {}): Promise<Kubernetes> {
    const { controllers = true, address, apiServerArgs } = options;
    const directory = mkdtempSync(join(roomyDirectory(), 'kubernetes-'));
    if (usesExistingCluster) {
      const config = new KubeConfig();
      config.loadFromDefault();
      const kubeconfig = join(directory, 'admin.kubeconfig');
      writeFileSync(kubeconfig, config.exportConfig(), { mode: 0o600 });
      return new Kubernetes(directory, await kubernetesTools(clients), kubeconfig);
    }
    const tools = await kubernetesTools([...servers, ...clients]);
    const plane = layOut(directory, tools, { controllers, address, apiServerArgs });
    const kubernetes = new Kubernetes(directory, tools, join(directory, 'admin.kubeconfig'), plane);
    try {
      plane.etcd.start();
      await plane.etcd.ready(readyPatienceMs);
      plane.apiServer.start();
      await plane.apiServer.ready(readyPatienceMs);
      plane.controllers?.start();
      await plane.controllers?.ready(readyPatienceMs);
      // Pods are refused until their namespace has an account.
      if (controllers) await kubernetes.#accountMade('default');
    } catch (error) {
      await kubernetes.stop();
      throw error;
    }
    return kubernetes;
  }

  /** As the administrator. */
  config(): KubeConfig {
    const config = new KubeConfig();
    config.loadFromFile(this.kubeconfig);
    return config;
  }

  /** `https://address:port` */
  get url(): string {
    return this.config().getCurrentCluster()?.server ?? '';
  }

  /** Runs kubectl; resolves with its standard output, throws with what it said when it fails. */
  kubectl(args: readonly string[], options: CommandOptions = {}): Promise<string> {
    return succeed('kubectl', args, this.tryKubectl(args, options));
  }

  /** Runs kubectl; resolves with its exit code and output. */
  tryKubectl(args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
    return this.#run(this.#tools.kubectl, args, options);
  }

  /** Runs helm; resolves with its standard output, throws with what it said when it fails. */
  helm(args: readonly string[], options: CommandOptions = {}): Promise<string> {
    return succeed('helm', args, this.#run(this.#tools.helm, args, options));
  }

  /** Installs the definitions of `crds/` and waits until the API serves them. */
  async installDefinitions(): Promise<void> {
    await this.kubectl(['apply', '--server-side', '-f', definitions]);
    await this.installed();
  }

  /** Resolves when the API serves the definitions of `crds/`, in whatever release. */
  async installed(): Promise<void> {
    await this.wait(['--for=condition=Established', '-f', definitions]);
  }

  /**
   * Runs `kubectl wait` until it succeeds. By itself it takes what is not there yet, or has no conditions yet, for a
   * mistake, and `--for=create` is not in every version.
   * @param args what to wait for
   */
  async wait(args: readonly string[]): Promise<void> {
    const deadline = Date.now() + readyPatienceMs;
    for (;;) {
      const { code, stderr } = await this.tryKubectl(['wait', '--timeout=30s', ...args]);
      if (code === 0) return;
      if (Date.now() > deadline) throw new Error(`kubectl wait ${args.join(' ')}: ${stderr}`);
      await delay(50);
    }
  }

  /** Makes a namespace with a name of its own, which begins with `prefix`; resolves with the name. */
  async createNamespace(prefix = 'test'): Promise<string> {
    const name = `${prefix}-${randomBytes(3).toString('hex')}`;
    await this.config()
      .makeApiClient(CoreV1Api)
      .createNamespace({ body: { metadata: { name } } });
    if (this.#plane === undefined || this.#plane.controllers !== undefined) await this.#accountMade(name);
    return name;
  }

  /** A kubeconfig file with a token of a service account, with that account's rights alone. */
  async kubeconfigOf(namespace: string, serviceAccount: string): Promise<string> {
    const config = this.config();
    const { status } = await config.makeApiClient(CoreV1Api).createNamespacedServiceAccountToken({
      namespace,
      name: serviceAccount,
      body: { spec: { audiences: [], expirationSeconds: 3600 } },
    });
    const cluster = config.getCurrentCluster();
    if (cluster === null) throw new Error('a kubeconfig without a cluster');
    const file = join(this.#directory, `${namespace}.${serviceAccount}.kubeconfig`);
    const own = new KubeConfig();
    own.loadFromClusterAndUser(cluster, { name: serviceAccount, token: status?.token ?? '' });
    writeFileSync(file, own.exportConfig(), { mode: 0o600 });
    return file;
  }

  /** The API server stands still: connections are open and nothing is answered. */
  pauseApiServer(): void {
    this.#own.apiServer.signal('SIGSTOP');
  }

  resumeApiServer(): void {
    this.#own.apiServer.signal('SIGCONT');
  }

  /**
   * The API server is gone as after a crash; etcd keeps everything. Its controllers go with it: elsewhere they end when
   * they cannot renew their lease. Ours have none, and would wait longer before each attempt, up to 95 seconds.
   */
  async killApiServer(): Promise<void> {
    const { apiServer, controllers } = this.#own;
    await Promise.all([apiServer.kill(), controllers?.kill()]);
  }

  /** Starts both again after `killApiServer`, at the same addresses; resolves when they are ready. */
  async startApiServer(): Promise<void> {
    for (const server of [this.#own.apiServer, this.#own.controllers]) {
      server?.start();
      await server?.ready(readyPatienceMs);
    }
  }

  /** Ends all processes and deletes all data. */
  async stop(): Promise<void> {
    const { etcd, apiServer, controllers } = this.#plane ?? {};
    await Promise.all([controllers?.kill(), apiServer?.kill(), etcd?.kill()]);
    rmSync(this.#directory, { recursive: true, force: true });
  }

  get #own(): Plane {
    if (this.#plane === undefined) throw new Error('this cluster is not ours to stop');
    return this.#plane;
  }

  async #accountMade(namespace: string): Promise<void> {
    const core = this.config().makeApiClient(CoreV1Api);
    const deadline = Date.now() + readyPatienceMs;
    for (;;) {
      const account = await core.readNamespacedServiceAccount({ namespace, name: 'default' }).catch(() => undefined);
      const root = await core.readNamespacedConfigMap({ namespace, name: 'kube-root-ca.crt' }).catch(() => undefined);
      if (account !== undefined && root !== undefined) return;
      if (Date.now() > deadline) throw new Error(`no service account in namespace ${namespace}`);
      await delay(50);
    }
  }

  /** In which a shell finds kubectl, helm and this cluster, and nothing of the user. */
  get environment(): NodeJS.ProcessEnv {
    const { kubectl, helm } = this.#tools;
    return {
      ...process.env,
      PATH: [dirname(kubectl), dirname(helm), process.env.PATH].join(delimiter),
      KUBECONFIG: this.kubeconfig,
      HOME: this.#directory,
      ...Object.fromEntries(['CACHE', 'CONFIG', 'DATA'].map((it) => [`HELM_${it}_HOME`, `${this.#directory}/helm`])),
    };
  }

  async #run(program: string, args: readonly string[], options: CommandOptions): Promise<CommandResult> {
    const env = { ...this.environment, KUBECONFIG: options.kubeconfig ?? this.kubeconfig };
    const child = spawn(program, args, { env, stdio: ['pipe', 'pipe', 'pipe'] });
    child.stdin.on('error', () => {});
    child.stdin.end(options.input ?? '');
    let [stdout, stderr] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    const code = await new Promise<number>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (exit) => resolve(exit ?? -1));
    });
    return { code, stdout, stderr };
  }
}

async function succeed(name: string, args: readonly string[], result: Promise<CommandResult>): Promise<string> {
  const { code, stdout, stderr } = await result;
  if (code !== 0) throw new Error(`${name} ${args.join(' ')} ended with ${code}: ${stderr}${stdout}`);
  return stdout;
}

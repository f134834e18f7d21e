/**
 * The operator as it is deployed: compiled, with a service account's files where a pod has them (a mount that only it
 * sees, which takes root), in a process whose cost is read from /proc.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, copyFileSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { KubeConfig } from '@kubernetes/client-node';
import { freePort } from '../../support/programs.ts';

const program = path.join(import.meta.dirname, '../../../dist/operator/edgecluster.js');
/** /var/run leads to /run. */
const inPod = '/run/secrets/kubernetes.io/serviceaccount';
const ticksPerSecond = Number(execFileSync('getconf', ['CLK_TCK']).toString());

export class DeployedOperator {
  readonly #child: ChildProcess;
  readonly #port: number;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.#port = port;
  }

  /** Resolves when it leads and its caches are filled. */
  static async start(kubeconfig: string, folder: string, profile: boolean): Promise<DeployedOperator> {
    const port = await freePort();
    const log = openSync(path.join(folder, 'operator.log'), 'a');
    const config = new KubeConfig();
    config.loadFromFile(kubeconfig);
    const { server = '', caFile = '' } = config.getCurrentCluster() ?? {};
    const account = path.join(folder, 'account');
    mkdirSync(account, { recursive: true });
    writeFileSync(path.join(account, 'token'), config.getCurrentUser()?.token ?? '');
    copyFileSync(caFile, path.join(account, 'ca.crt'));
    // As in the image.
    const flags = ['--max-semi-space-size=4', ...(profile ? ['--cpu-prof', `--cpu-prof-dir=${folder}`] : [])];
    const args = ['operator', '--edge-image=edgecluster:bench', `--listen=127.0.0.1:${port}`, '--log-level=warn'];
    const command = [process.execPath, ...flags, program, ...args];
    const mounts = `mount -t tmpfs tmpfs /run && mkdir -p ${inPod} && cp ${account}/* ${inPod} && exec "$@"`;
    const { hostname, port: serverPort } = new URL(server);
    const child = spawn('unshare', ['--mount', '--propagation', 'private', 'sh', '-c', mounts, 'sh', ...command], {
      stdio: ['ignore', log, log],
      env: { PATH: process.env.PATH, KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: serverPort },
    });
    closeSync(log);
    process.on('exit', () => child.kill('SIGKILL'));
    const operator = new DeployedOperator(child, port);
    await operator.ready();
    return operator;
  }

  async ready(): Promise<void> {
    for (;;) {
      if (this.#child.exitCode !== null) throw new Error(`the operator ended with ${this.#child.exitCode}`);
      const answer = await fetch(`http://127.0.0.1:${this.#port}/readyz`).catch(() => undefined);
      const metrics = answer?.ok ? await (await fetch(`http://127.0.0.1:${this.#port}/metrics`)).text() : '';
      if (/^edgecluster_operator_leader 1$/m.test(metrics)) return;
      await sleep(20);
    }
  }

  /** User and system time since its start. */
  cpuSeconds(): number {
    const stat = readFileSync(`/proc/${this.#child.pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
  }

  rssMb(): number {
    return this.#memory('VmRSS');
  }

  /** The greatest ever. */
  peakMb(): number {
    return this.#memory('VmHWM');
  }

  /** As Kubernetes does it. */
  async stop(): Promise<void> {
    await this.#end('SIGTERM');
  }

  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = once(this.#child, 'exit');
    this.#child.kill(signal);
    await gone;
  }

  #memory(field: string): number {
    const status = readFileSync(`/proc/${this.#child.pid}/status`, 'utf8');
    return Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? Number.NaN) / 1024;
  }
}

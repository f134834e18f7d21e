/** The operator's own command as a child process, so that it can be killed and stopped like the real thing. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export interface OperatorLine {
  readonly msg: string;
  readonly level: number;
  readonly [field: string]: unknown;
}

const command = join(import.meta.dirname, '../../operator/edgecluster.ts');

export class OperatorProcess {
  readonly child: ChildProcess;
  readonly log: OperatorLine[] = [];
  readonly #directory: string;
  readonly #waiting = new Set<() => void>();
  stderr = '';

  /** @param server URL of an API server that asks for no proof */
  private constructor(server: string, args: readonly string[]) {
    this.#directory = mkdtempSync(join(tmpdir(), 'operator-'));
    const kubeconfig = join(this.#directory, 'kubeconfig');
    writeFileSync(kubeconfig, kubeconfigOf(server));
    const all = ['operator', '--kubeconfig', kubeconfig, '--edge-image', 'edge:test', '--listen', '127.0.0.1:0'];
    this.child = spawn(process.execPath, [command, ...all, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    this.child.stderr?.on('data', (text) => {
      this.stderr += text;
    });
    if (this.child.stdout === null) throw new Error('no standard output');
    createInterface(this.child.stdout).on('line', (line) => {
      this.log.push(JSON.parse(line) as OperatorLine);
      for (const look of this.#waiting) look();
    });
  }

  /** Ends with the test. */
  static start(t: { after(fn: () => Promise<void>): void }, server: string, args: readonly string[] = []) {
    const process = new OperatorProcess(server, args);
    t.after(() => process.kill());
    return process;
  }

  /** Resolves when it has logged this message. */
  async says(message: string): Promise<void> {
    const said = () => this.log.some(({ msg }) => msg === message);
    if (said()) return;
    await new Promise<void>((resolve, reject) => {
      const look = (): void => {
        if (!said()) return;
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
      this.child.once('exit', (code) => reject(new Error(`it ended with ${code} before "${message}": ${this.stderr}`)));
    });
  }

  /** At once, as a machine that fails. */
  async kill(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const exit = once(this.child, 'exit');
      this.child.kill('SIGKILL');
      await exit;
    }
    rmSync(this.#directory, { recursive: true, force: true });
  }

  /** Asks it to stop; resolves with its exit code. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    const exit = once(this.child, 'exit') as Promise<[number | null]>;
    this.child.kill(signal);
    const [code] = await exit;
    return code;
  }
}

/** The library that reads it wants leave to use HTTP. */
export function kubeconfigOf(server: string): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'test', cluster: { server, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'test', user: {} }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
    'current-context': 'test',
  });
}

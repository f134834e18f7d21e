/**
 * A server of the control plane as a child process: started, asked whether it is ready, killed and started again.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { get as getHttp } from 'node:http';
import { get as getHttps } from 'node:https';
import { setTimeout as delay } from 'node:timers/promises';
import { findProgram } from './programs.ts';

export interface DaemonSpec {
  readonly program: string;
  readonly args: readonly string[];
  /** File of all it says. */
  readonly log: string;
  /** Answers 200 once it is ready; with `caFile`, the authority that its certificate is checked against. */
  readonly health: { readonly url: string; readonly caFile?: string };
}

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

export class Daemon {
  readonly #spec: DaemonSpec;
  #child: ChildProcess | undefined;

  constructor(spec: DaemonSpec) {
    this.#spec = spec;
  }

  start(): void {
    const { program, args, log } = this.#spec;
    // The kernel ends it even when we are killed ourselves.
    const bound = findProgram('setpriv') === undefined ? [] : ['setpriv', '--pdeathsig', 'KILL'];
    const [command = program, ...rest] = [...bound, program, ...args];
    const output = openSync(log, 'a');
    const child = spawn(command, rest, { stdio: ['ignore', output, output], detached: true });
    closeSync(output);
    running.add(child);
    child.once('exit', () => running.delete(child));
    this.#child = child;
  }

  /** Resolves when it says that it is ready; throws with its last words when it has ended or takes too long. */
  async ready(patienceMs: number): Promise<void> {
    const { program, health, log } = this.#spec;
    const deadline = Date.now() + patienceMs;
    for (;;) {
      if (await isHealthy(health)) return;
      const ended = this.#child === undefined || this.#child.exitCode !== null || this.#child.signalCode !== null;
      if (ended || Date.now() > deadline) {
        const words = readFileSync(log, 'utf8').trimEnd().split('\n').slice(-15).join('\n');
        throw new Error(`${program} ${ended ? 'ended' : 'does not become ready'}:\n${words}`);
      }
      await delay(50);
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  /** As the kernel does; resolves when it is gone. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }
}

function isHealthy({ url, caFile }: DaemonSpec['health']): Promise<boolean> {
  return new Promise((resolve) => {
    const no = () => resolve(false);
    try {
      const get = caFile === undefined ? getHttp : getHttps;
      const tls = caFile === undefined ? {} : { ca: readFileSync(caFile) };
      const request = get(url, { ...tls, agent: false, timeout: 2000 }, (response) => {
        response.resume();
        resolve(response.statusCode === 200);
      });
      request.on('timeout', () => request.destroy());
      request.on('error', no);
    } catch {
      // The certificate is not written yet.
      no();
    }
  });
}

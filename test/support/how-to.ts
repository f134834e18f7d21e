/**
 * Pages that tell how to do something, done word for word. What a fence of a page says behind its language counts:
 *
 *     ```nginx edge.conf      a file of that name
 *     ```sh run               commands that must succeed
 *     ```sh background        a command that goes on; what follows waits until it has said that it started
 *     ```sh cluster           commands that must succeed where a Kubernetes is: in make kube-test
 *     ```sh                   shown only: it needs what is not here
 *
 * They run in a folder like a fresh clone, in which each port of a page is a free one.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { type Cleaner, temporaryDirectory } from './programs.ts';

const root = join(import.meta.dirname, '../..');
const clone = ['crds', 'edge', 'helm', 'node_modules', 'operator', 'package.json', 'test'];

export type Step =
  | { readonly kind: 'file'; readonly name: string; readonly text: string }
  | { readonly kind: 'run' | 'background' | 'cluster'; readonly script: string };

/** The steps of a page, in its order. @param page its path from the repository's root */
export function stepsOf(page: string): Step[] {
  const text = readFileSync(join(root, page), 'utf8');
  return [...text.matchAll(/^```(\w+) ([\w./-]+)\n(.*?)^```$/gms)].map(([, language, what = '', body = '']): Step => {
    if (language === 'sh' && isKind(what)) return { kind: what, script: body };
    return { kind: 'file', name: what, text: body };
  });
}

function isKind(what: string): what is 'run' | 'background' | 'cluster' {
  return what === 'run' || what === 'background' || what === 'cluster';
}

/** Ports that pages name. */
const ports = /\b(1443|1935|19350|1985|8080|8088|9972)\b/g;

/** Below the ports that the system gives to connections, which would take one between our look and its use. */
const quietPorts = { first: 20_000, count: 12_000 };
let nextPort = process.pid * 64;

/** A port that nobody listens on. Other processes of tests begin to look elsewhere. */
async function quietPort(): Promise<number> {
  for (let tries = 0; tries < 1_000; tries++) {
    const port = quietPorts.first + (nextPort++ % quietPorts.count);
    const server = createServer();
    const free = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(port, () => resolve(true));
    });
    if (!free) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
  throw new Error('no port is free');
}

/** A folder in which the steps of a page are done. */
export class HowTo {
  readonly directory: string;
  readonly #cleaner: Cleaner;
  readonly #cluster: NodeJS.ProcessEnv | undefined;
  readonly #ports = new Map<string, number>();
  /** The commands that go on, by what the page writes. */
  readonly #background = new Map<string, { readonly child: ChildProcess; readonly ended: Promise<unknown> }>();

  /** @param cluster what kubectl and helm find a cluster by; without it, steps that need one are left out */
  constructor(cleaner: Cleaner, cluster?: NodeJS.ProcessEnv) {
    this.#cleaner = cleaner;
    this.#cluster = cluster;
    this.directory = temporaryDirectory(cleaner);
    for (const name of clone) symlinkSync(join(root, name), join(this.directory, name));
  }

  /** Does the steps; throws with what was said where one fails. */
  async follow(steps: readonly Step[]): Promise<void> {
    for (const step of steps) {
      if (step.kind === 'file') {
        const file = join(this.directory, step.name);
        mkdirSync(dirname(file), { recursive: true });
        writeFileSync(file, await this.here(step.text));
      } else if (step.kind === 'run') await this.#run(await this.here(step.script), process.env);
      else if (step.kind === 'cluster') {
        if (this.#cluster !== undefined) await this.#run(step.script, this.#cluster);
      } else await this.#start(step.script, await this.here(step.script));
    }
  }

  /** A text of the page with the ports that it has here. */
  async here(text: string): Promise<string> {
    for (const [port] of text.matchAll(ports)) {
      if (!this.#ports.has(port)) this.#ports.set(port, await quietPort());
    }
    return text.replaceAll(ports, (port) => String(this.#ports.get(port)));
  }

  /** Ends a command that goes on, and all that it has started. @param written what the page writes */
  async end(written: string): Promise<void> {
    const { child, ended } = this.#background.get(written) ?? {};
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    process.kill(-child.pid, 'SIGKILL');
    await ended;
  }

  async #run(script: string, env: NodeJS.ProcessEnv): Promise<void> {
    const child = spawn('sh', ['-e', '-c', script], { cwd: this.directory, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes) => (said += bytes));
    const [code] = await once(child, 'close');
    if (code !== 0) throw new Error(`this ended with ${code}:\n${script}\nand said:\n${said}`);
  }

  /** Starts it in a group of processes of its own. */
  async #start(written: string, script: string): Promise<void> {
    const { directory: cwd } = this;
    const child = spawn('sh', ['-c', script], { cwd, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    this.#background.set(written, { child, ended: once(child, 'close') });
    this.#cleaner.after(() => this.end(written));
    await new Promise<void>((resolve, reject) => {
      let said = '';
      for (const stream of [child.stdout, child.stderr]) {
        stream.on('data', (bytes) => {
          said += bytes;
          if (/"msg":"started"|Stream mapping/.test(said)) resolve();
        });
      }
      child.once('close', (code) => reject(new Error(`this ended with ${code}:\n${script}\nand said:\n${said}`)));
    });
  }
}

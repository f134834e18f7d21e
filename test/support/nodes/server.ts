/**
 * A program of the cluster that outlives whoever starts it: the command that brings the cluster up and the scenarios
 * are processes of their own, and each may kill what another started. So its process id is kept in a file.
 */

import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { files } from './layout.ts';

export interface ServerSpec {
  /** Of the files with its process id and with what it says. */
  readonly name: string;
  readonly command: readonly [string, ...string[]];
  /** Whether it can be used. */
  readonly isReady: () => Promise<boolean> | boolean;
}

const pollMs = 50;

export class Server {
  readonly name: string;
  readonly #spec: ServerSpec;

  constructor(spec: ServerSpec) {
    this.#spec = spec;
    this.name = spec.name;
  }

  /** Resolves when it is ready; throws with its last words when it ends before, or takes too long. */
  async start(patienceMs = 90_000): Promise<void> {
    const { name, command, isReady } = this.#spec;
    const [program, ...args] = command;
    for (const file of [files.log(name), files.pid(name)]) mkdirSync(dirname(file), { recursive: true });
    const log = openSync(files.log(name), 'a');
    const child = spawn(program, args, { stdio: ['ignore', log, log], detached: true });
    closeSync(log);
    child.on('error', () => {}); // told by the missing id below
    if (child.pid === undefined) throw new Error(`cannot start ${program}: is it installed?`);
    writeFileSync(files.pid(name), String(child.pid));
    child.unref();
    for (const deadline = Date.now() + patienceMs; ; await delay(pollMs)) {
      if (await isReady()) return;
      this.assertRuns();
      if (Date.now() > deadline) throw new Error(`${name} does not become ready:\n${lastWords(name)}`);
    }
  }

  /** Throws with its last words when it has ended. */
  assertRuns(): void {
    if (!this.running) throw new Error(`${this.name} ended:\n${lastWords(this.name)}`);
  }

  get pid(): number {
    return Number(readFileSync(files.pid(this.name), 'utf8'));
  }

  get running(): boolean {
    return isRunning(this.pid);
  }

  signal(signal: NodeJS.Signals): void {
    process.kill(this.pid, signal);
  }

  /** As a crash ends it; resolves when it is gone. */
  async kill(): Promise<void> {
    if (!this.running) return;
    this.signal('SIGKILL');
    while (this.running) await delay(10);
  }
}

/** A process that has ended and that nobody has asked about yet does not count. */
function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

function lastWords(name: string): string {
  return readFileSync(files.log(name), 'utf8').trimEnd().split('\n').slice(-15).join('\n');
}

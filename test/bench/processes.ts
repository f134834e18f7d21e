/**
 * Programs the benchmark starts. Each leads a process group of its own; whatever way the benchmark ends, all are killed.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const groups = new Set<number>();

process.on('exit', () => {
  for (const group of groups) signalGroup(group, 'SIGKILL');
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(130));

function signalGroup(group: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-group, signal);
  } catch {
    // The group has ended by itself.
  }
}

export interface Program {
  readonly pid: number;
  readonly child: ChildProcess;
  /** Sends a signal to the program and all of its children. */
  signal(signal: NodeJS.Signals): void;
  /** Kills it and waits until it is gone. */
  stop(): Promise<void>;
}

export interface StartOptions {
  /** File that standard error is added to (and standard output, unless `talk`). */
  readonly log: string;
  /** Standard input and output are pipes. Otherwise input is empty. */
  readonly talk?: boolean;
}

export function start(command: string, args: readonly string[], options: StartOptions): Program {
  const log = openSync(options.log, 'a');
  // An edge takes configuration from variables called SRS_…: what is set here must not reach the servers compared.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('SRS_')));
  const child = spawn(command, args, {
    detached: true,
    env,
    stdio: options.talk ? ['pipe', 'pipe', log] : ['ignore', log, log],
  });
  closeSync(log);
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.on('error', () => {}); // told by the missing pid below
  const { pid } = child;
  if (pid === undefined) throw new Error(`cannot start ${command}: is it installed?`);
  groups.add(pid);
  return {
    pid,
    child,
    signal: (signal) => signalGroup(pid, signal),
    async stop() {
      signalGroup(pid, 'SIGKILL');
      await gone;
      groups.delete(pid);
    },
  };
}

/** Runs a program to its end and returns what it printed. Throws with its complaints when it fails. */
export async function run(command: string, args: readonly string[]): Promise<string> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  let complaints = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints += text;
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with code ${code}: ${complaints}`);
  return output;
}

let lastPort = 21_000;

/** A port on 127.0.0.1, below the ephemeral ones, that nobody listens on and no earlier call has given out. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = ++lastPort;
    const server = net.createServer();
    const free = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => resolve(true));
    });
    await new Promise((resolve) => server.close(resolve));
    if (free) return port;
  }
}

/** How finely `untilListening` tells when: each question costs the machine 0.1 ms. */
const ASK_EVERY_MS = 5;

/** The first of `count` ports in a row on 127.0.0.1 that nobody listens on. */
export async function freePorts(count: number): Promise<number> {
  for (let first = await freePort(), last = first; ; last = await freePort()) {
    if (last > first + count - 1) first = last;
    if (last === first + count - 1) return first;
  }
}

/** Waits until something accepts connections on 127.0.0.1:`port`. */
export async function untilListening(port: number, program: Program, log: string, timeoutMs = 10_000): Promise<void> {
  for (const deadline = Date.now() + timeoutMs; Date.now() < deadline; await sleep(ASK_EVERY_MS)) {
    if (program.child.exitCode !== null) break;
    const socket = net.connect(port, '127.0.0.1');
    const open = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true));
      socket.once('error', () => resolve(false));
    });
    socket.destroy();
    if (open) return;
  }
  throw new Error(`${program.child.spawnfile} does not listen on port ${port}; its output is in ${log}`);
}

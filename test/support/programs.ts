/**
 * Other people's programs as child processes of a test: started, watched and ended by it.
 */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { after } from 'node:test';

/** What a test offers to clean up after it: `TestContext`, or an object with node:test's `after`. */
export interface Cleaner {
  after(clean: () => Promise<void> | void): void;
}

/** For what all tests of a suite share; to be called in the body of `describe`, used in its hooks. */
export function suiteCleaner(): Cleaner {
  const cleans: (() => Promise<void> | void)[] = [];
  after(async () => {
    for (const clean of cleans.reverse()) await clean();
  });
  return {
    after: (clean) => {
      cleans.push(clean);
    },
  };
}

const systemDirectories = ['/usr/sbin', '/sbin'];
const searchPath = [...(process.env.PATH ?? '').split(delimiter), ...systemDirectories];

/** The file of a command, or undefined when it is not installed. */
export function findProgram(command: string): string | undefined {
  return searchPath.map((directory) => join(directory, command)).find((file) => existsSync(file));
}

/** For `skip` of node:test: why tests that need these commands cannot run here, or false when they can. */
export function missing(...commands: string[]): string | false {
  const absent = commands.filter((command) => findProgram(command) === undefined);
  return absent.length > 0 && `not installed: ${absent.join(', ')} (make test installs what it needs)`;
}

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

export class Program {
  readonly child: ChildProcess;
  readonly command: string;
  /** Standard error so far: what it says about itself. */
  stderr = '';
  readonly #exited: Promise<number | null>;
  readonly #looking = new Set<() => void>();

  /** Starts a command; it is killed at the end of the test at the latest. @param environment besides our own */
  constructor(cleaner: Cleaner, command: string, args: readonly string[], environment: NodeJS.ProcessEnv = {}) {
    this.command = command;
    this.child = spawn(findProgram(command) ?? command, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...environment },
    });
    const { child } = this;
    running.add(child);
    this.#exited = new Promise((resolve) => {
      // 'close' comes when the output is read, too.
      child.once('close', (code) => {
        running.delete(child);
        resolve(code);
        for (const look of [...this.#looking]) look();
      });
      child.once('error', (error) => {
        this.stderr += error.message;
      });
    });
    child.stderr?.on('data', (bytes: Buffer) => {
      this.stderr += bytes.toString();
      for (const look of [...this.#looking]) look();
    });
    cleaner.after(() => this.kill());
  }

  get running(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Resolves with its exit code, or null when a signal ended it. */
  exit(): Promise<number | null> {
    return this.#exited;
  }

  /** Resolves when it has ended well; throws with what it said when it has not. */
  async success(): Promise<void> {
    const code = await this.#exited;
    if (code !== 0) throw new Error(`${this.command} ended with ${code ?? this.child.signalCode}: ${this.stderr}`);
  }

  /** Ends it as the kernel would; resolves when it is gone. */
  async kill(): Promise<void> {
    if (this.running) this.child.kill('SIGKILL');
    await this.#exited;
  }

  /** Resolves when standard error holds a text; throws when the program ends without having said it. */
  async said(text: RegExp): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const look = (): void => {
        if (text.test(this.stderr)) resolve();
        else if (!this.running) reject(new Error(`${this.command} ended and never said ${text}: ${this.stderr}`));
        else return;
        this.#looking.delete(look);
      };
      this.#looking.add(look);
      look();
    });
  }
}

/** Runs a command to its end and returns what it wrote; throws with what it said when it fails. */
export function run(command: string, args: readonly string[]): Buffer {
  const options = { maxBuffer: 2 ** 28, stdio: ['ignore', 'pipe', 'pipe'] as ['ignore', 'pipe', 'pipe'] };
  const { status, stdout, stderr, error } = spawnSync(findProgram(command) ?? command, args, options);
  if (status !== 0) throw new Error(`${command} failed: ${error?.message ?? stderr.toString()}`);
  return stdout;
}

/** A directory that goes away with the test. */
export function temporaryDirectory(cleaner: Cleaner): string {
  const directory = mkdtempSync(join(tmpdir(), 'interop-'));
  cleaner.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** A port of the loopback interface that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('a listener without a port');
  return address.port;
}

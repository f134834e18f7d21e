/**
 * Programs that are built once from Go modules, into a directory of their own in the user's cache. Whoever finds
 * another at the same directory waits for that one.
 */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { findProgram } from './programs.ts';

const lockPatienceMs = 20 * 60_000;

/** Where what is built under a name is kept. The name holds the versions of all that goes into it. */
export function cacheDirectory(name: string): string {
  const caches = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
  return join(caches, 'edgecluster', name);
}

export interface Build {
  /** From `cacheDirectory`. */
  readonly directory: string;
  /** Names of the programs, all of which `directory` holds afterwards. */
  readonly programs: readonly string[];
  /** Makes the programs in the directory `bin`; what else it needs goes into `work`, which is thrown away. */
  readonly make: (work: string, bin: string) => void;
}

/**
 * Fills the directory of a build where it is not full yet.
 * @throws Error where there is no Go, or what Go said when it fails
 */
export async function buildOnce({ directory, programs, make }: Build): Promise<void> {
  const isBuilt = () => programs.every((program) => existsSync(join(directory, program)));
  if (isBuilt()) return;
  if (findProgram('go') === undefined) throw new Error(`Go is needed to build ${directory}, once`);
  mkdirSync(dirname(directory), { recursive: true });
  const unlock = await lock(`${directory}.lock`);
  try {
    if (isBuilt()) return;
    const work = mkdtempSync(`${directory}.build-`);
    try {
      const bin = join(work, 'bin');
      mkdirSync(bin);
      make(work, bin);
      rmSync(directory, { recursive: true, force: true });
      renameSync(bin, directory);
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
  } finally {
    unlock();
  }
}

/** Runs `go` in a directory; all that it says goes to standard error. Throws when it fails. */
export function go(cwd: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): void {
  const { status, error } = spawnSync('go', args, { cwd, env: environment(env), stdio: ['ignore', 2, 2] });
  if (status !== 0) throw new Error(`go ${args[0]} failed${error === undefined ? '' : `: ${error.message}`}`);
}

/** Downloads a module; returns the file that is its go.mod. */
export function goModFile(module: string, version: string): string {
  const args = ['mod', 'download', '-json', `${module}@${version}`];
  const { status, stdout, stderr } = spawnSync('go', args, { env: environment({}), encoding: 'utf8' });
  if (status !== 0) throw new Error(`go cannot download ${module} ${version}: ${stderr}${stdout}`);
  return (JSON.parse(stdout) as { readonly GoMod: string }).GoMod;
}

function environment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  // CGO_ENABLED=0: no C compiler needed.
  return { ...process.env, CGO_ENABLED: '0', GOWORK: 'off', ...env };
}

/** A directory as lock: making one is atomic. One that is too old was left behind by a process that died. */
async function lock(directory: string): Promise<() => void> {
  for (;;) {
    try {
      mkdirSync(directory);
      return () => rmSync(directory, { recursive: true, force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const bornMs = statSync(directory, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
    if (Date.now() - bornMs > lockPatienceMs) rmSync(directory, { recursive: true, force: true });
    else await delay(500);
  }
}

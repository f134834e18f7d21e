/**
 * Where a cluster of real nodes lives: namespaces of processes, mounts and network of their own, with /run, /var/lib,
 * /var/log and /mnt in memory. The kernel ends every process in it with the first one, and that one with us, whatever
 * ends us; network, mounts and files are gone with the processes. Only control groups stay: they are removed here, or
 * by whoever comes next.
 *
 * There is no way out to other machines.
 */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { cacheDirectory } from '../go-build.ts';
import { findProgram } from '../programs.ts';
import { cgroupsOf, removeCgroup } from './cgroups.ts';
import type { Settings } from './cluster.ts';
import { files, stateDirectory } from './layout.ts';

const cgroupPrefix = 'edgecluster-e2e-';
/** Tells who comes later about an enclosure that runs: the process id of its first process. */
const runningFile = cacheDirectory('enclosure.pid');
const namespaces = ['--mount', '--net', '--pid'];

/** Why there can be no enclosure on this machine, or undefined where there can. */
export function cannotEnclose(): string | undefined {
  if (process.getuid?.() !== 0) return 'nodes take root: namespaces, mounts and control groups';
  const program = findProgram('unshare');
  if (program === undefined) return 'nodes take unshare (Debian: util-linux)';
  const { status, stderr } = spawnSync(program, [...namespaces, '--fork', '--mount-proc', 'true'], {
    encoding: 'utf8',
  });
  return status === 0 ? undefined : `nodes take namespaces, and this machine gives none: ${stderr.trim()}`;
}

/**
 * Runs a command in an enclosure; resolves with its exit code. What the enclosure leaves is removed when we exit, too.
 * @param prepared what `files.settings` holds there, besides the control group
 */
export async function enclose(
  command: readonly [string, ...string[]],
  prepared: Omit<Settings, 'cgroup'>,
  env: NodeJS.ProcessEnv,
): Promise<number> {
  removeLeftovers();
  const cgroup = `${cgroupPrefix}${process.pid}`;
  const settings: Settings = { ...prepared, cgroup };
  const script = [
    'set -eu',
    `for each in /run /var/lib /var/log ${stateDirectory}; do mount -t tmpfs tmpfs $each; done`,
    'mkdir -p /run/lock /run/netns',
    `printf %s "$SETTINGS" > ${files.settings}`,
    'unset SETTINGS',
    // Not exec: the first process takes care of those that lost their parents, which sh does and Node does not.
    'code=0; "$@" || code=$?; exit $code',
  ].join('\n');
  const unshare = ['unshare', ...namespaces, '--propagation', 'private', '--fork', '--kill-child=KILL', '--mount-proc'];
  const args = ['--pdeathsig', 'KILL', ...unshare, 'sh', '-c', script, 'sh', ...command];
  const child = spawn('setpriv', args, {
    stdio: 'inherit',
    // A Ctrl-C of the terminal comes to us alone, so that we are there to clean up.
    detached: true,
    env: { ...env, SETTINGS: JSON.stringify(settings) },
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(130));
  process.once('exit', () => {
    child.kill('SIGKILL');
    rmSync(runningFile, { force: true });
    removeWhenEmpty(cgroup);
  });
  await announce(child);
  const [code] = (await once(child, 'exit')) as [number | null];
  return code ?? 130;
}

/** Runs a command in the enclosure that runs already; undefined where there is none. */
export function enter(command: readonly string[], env: NodeJS.ProcessEnv): number | undefined {
  const pid = runningEnclosure();
  if (pid === undefined) return undefined;
  const within = ['sh', '-c', 'cd "$0" && exec "$@"', process.cwd(), ...command];
  const args = ['--target', String(pid), ...namespaces, '--', ...within];
  return spawnSync('nsenter', args, { stdio: 'inherit', env }).status ?? 130;
}

/** The first process of the enclosure that runs on this machine. */
export function runningEnclosure(): number | undefined {
  try {
    const pid = Number(readFileSync(runningFile, 'utf8'));
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(files.settings) ? pid : undefined;
  } catch {
    return undefined;
  }
}

async function announce({ pid }: ChildProcess): Promise<void> {
  if (pid === undefined) throw new Error('cannot start setpriv (Debian: util-linux)');
  for (let tries = 0; tries < 100; tries++) {
    const [first] = childrenOf(pid);
    if (first !== undefined) {
      mkdirSync(dirname(runningFile), { recursive: true });
      return writeFileSync(runningFile, String(first));
    }
    await delay(20);
  }
}

function childrenOf(pid: number): readonly number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

/** Of those whose owner was killed. */
function removeLeftovers(): void {
  for (const name of cgroupsOf(cgroupPrefix)) {
    const owner = Number(name.slice(cgroupPrefix.length));
    if (!isAlive(owner)) removeCgroup(name);
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** The kernel takes a moment to bury so many processes. We wait for it while we end, so nothing else can. */
function removeWhenEmpty(cgroup: string): void {
  const clock = new Int32Array(new SharedArrayBuffer(4));
  for (const deadline = Date.now() + 20_000; ; Atomics.wait(clock, 0, 0, 200)) {
    try {
      return removeCgroup(cgroup);
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
  }
}

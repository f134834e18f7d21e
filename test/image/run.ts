/** Runs programs and waits for them; what goes wrong is thrown with what they said. */

import { spawnSync } from 'node:child_process';

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** Runs a program; what it says goes to standard error. Throws when it fails. */
export function run(program: string, args: readonly string[], { cwd, env }: RunOptions = {}): void {
  const options = { ...(cwd && { cwd }), ...(env && { env }), stdio: ['ignore', 2, 2] as ('ignore' | 2)[] };
  const { status, error } = spawnSync(program, args, options);
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: exit code ${status}`);
}

/** What a program prints. Throws when it fails, with its last words. */
export function output(program: string, args: readonly string[], { cwd, env }: RunOptions = {}): string {
  const options = { ...(cwd && { cwd }), ...(env && { env }), encoding: 'utf8', maxBuffer: 64 * 1024 ** 2 } as const;
  const { status, stdout, stderr, error } = spawnSync(program, args, options);
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: exit code ${status}: ${stderr.trim()}`);
  return stdout;
}

/** The command `edgecluster` as it is typed: arguments, what it prints and where, and exit codes. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

const command = join(import.meta.dirname, '../../operator/edgecluster.ts');

export interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/**
 * Runs it to its end.
 * @param input standard input
 * @param env variables beside those of the test, which has no EDGE_IMAGE
 */
export async function edgecluster(
  args: readonly string[],
  input = '',
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const { EDGE_IMAGE: _, ...inherited } = process.env;
  const child = spawn(process.execPath, [command, ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...inherited, ...env },
  });
  // Who doesn't read its standard input may be gone by now.
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const [[code], out, err] = await Promise.all([
    once(child, 'exit') as Promise<[number]>,
    text(child.stdout),
    text(child.stderr),
  ]);
  return { code, out, err };
}

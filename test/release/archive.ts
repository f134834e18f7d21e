/** Archives that are the same bytes whoever makes them, wherever and whenever. */

import { createHash } from 'node:crypto';
import { createReadStream, readFileSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { run } from '../image/run.ts';

/**
 * Writes the entries of a folder, in the order of their names, all of one time, owned by root, readable for all.
 *
 * @param epoch their time, s
 */
export function tar(file: string, directory: string, entries: readonly string[], epoch: number): void {
  const same = ['--sort=name', `--mtime=@${epoch}`, '--owner=0', '--group=0', '--numeric-owner'];
  const portable = ['--format=ustar', '--mode=u=rwX,go=rX'];
  run('tar', [...same, ...portable, '-cf', file, '-C', directory, ...entries], {
    env: { ...process.env, LC_ALL: 'C' },
  });
}

/** Replaces a file by what it is compressed. */
export function gzip(file: string): void {
  writeFileSync(file, gzipSync(readFileSync(file), { level: 9 }));
}

/** Hexadecimal. */
export async function sha256(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const bytes of createReadStream(file)) hash.update(bytes as Buffer);
  return hash.digest('hex');
}

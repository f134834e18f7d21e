/** The chart and the npm package. */

import { cpSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { output } from '../image/run.ts';
import { gzip, tar } from './archive.ts';
import type { Stage } from './stage.ts';

/** The chart, as `helm package` has it, which gives each file the time at which it ran. */
export function writeChart({ directory, epoch }: Stage, file: string): void {
  const parent = mkdtempSync(`${directory}-chart-`);
  // Charts are in a folder of their name.
  cpSync(join(directory, 'helm'), join(parent, 'edgecluster'), { recursive: true });
  tar(file, parent, ['edgecluster'], epoch);
  gzip(file);
  rmSync(parent, { recursive: true });
}

/** The package with what is compiled. npm gives all files one time of its own. */
export function writePackage({ directory }: Stage, file: string): void {
  const parent = mkdtempSync(`${directory}-package-`);
  // What is compiled gets its mode from this.
  const usual = process.umask(0o022);
  const packed = output('npm', ['pack', '--silent', '--pack-destination', parent], { cwd: directory }).trim();
  process.umask(usual);
  renameSync(join(parent, packed), file);
  rmSync(parent, { recursive: true });
}

/** The files of the last commit in a folder of their own, with the version that the release has. */

import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { output, run } from '../image/run.ts';

const root = join(import.meta.dirname, '../..');

export interface Stage {
  readonly directory: string;
  readonly version: string;
  /** Its hash. */
  readonly commit: string;
  /** When it was made, s: all times in a release are this one (SOURCE_DATE_EPOCH). */
  readonly epoch: number;
}

/** Lays the commit out below `parent`. What is not committed is not in it. */
export function stage(version: string, parent: string): Stage {
  if (!existsSync(join(root, 'node_modules'))) throw new Error('node_modules is missing: make node_modules');
  // Programs name what they make after the folder.
  const directory = join(parent, 'edgecluster');
  mkdirSync(directory, { recursive: true });
  const archive = join(parent, 'commit.tar');
  const git = ['-C', root, '-c', 'tar.umask=0022'];
  run('git', [...git, 'archive', '--format=tar', `--output=${archive}`, 'HEAD']);
  run('tar', ['-xpf', archive, '-C', directory]);
  rmSync(archive);
  symlinkSync(join(root, 'node_modules'), join(directory, 'node_modules'));
  const ofCommit = (format: string): string => output('git', [...git, 'log', '-1', `--format=${format}`]).trim();
  writeVersion(directory, version);
  return { directory, version, commit: ofCommit('%H'), epoch: Number(ofCommit('%ct')) };
}

/** Whether files of the repository differ from the commit. */
export function hasUncommitted(): boolean {
  return output('git', ['-C', root, 'status', '--porcelain', '--untracked-files=no']) !== '';
}

/** Into each file that names it. */
function writeVersion(directory: string, version: string): void {
  const change = (file: string, changed: (text: string) => string): void => {
    const path = join(directory, file);
    writeFileSync(path, changed(readFileSync(path, 'utf8')));
  };
  change('package.json', (text) => json({ ...JSON.parse(text), version }));
  change('package-lock.json', (text) => {
    const lock = JSON.parse(text);
    return json({ ...lock, version, packages: { ...lock.packages, '': { ...lock.packages[''], version } } });
  });
  change('helm/Chart.yaml', (text) => text.replaceAll(/^(version|appVersion): .*$/gm, `$1: ${version}`));
}

function json(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

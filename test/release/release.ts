/**
 * Writes all that a release consists of into one folder: `make release VERSION=…`. What is released is the last commit,
 * and the same commit gives the same bytes. README.md beside this file tells what is in the folder and how to check it.
 */

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { sha256 } from './archive.ts';
import { changesOf } from './changes.ts';
import { imageBases, writeImage } from './image.ts';
import { writeChart, writePackage } from './packages.ts';
import { writeProvenance } from './provenance.ts';
import { writeSbom } from './sbom.ts';
import { readSettings, type Settings } from './settings.ts';
import { hasUncommitted, stage } from './stage.ts';

const say = (line: string): void => void process.stderr.write(`${line}\n`);

async function release({ version, bases, directory }: Settings): Promise<string> {
  const folder = resolve(directory, version);
  if (hasUncommitted()) say('What is not committed is not released: some files differ from the last commit.');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const work = mkdtempSync(join(tmpdir(), 'edgecluster-release-'));
  try {
    const staged = stage(version, work);
    const file = (end: string): string => join(folder, `edgecluster-${version}${end}`);
    const changelog = readFileSync(join(staged.directory, 'CHANGELOG.md'), 'utf8');
    writeFileSync(file('-changes.md'), changesOf(changelog, version));
    writeChart(staged, file('-chart.tgz'));
    writePackage(staged, file('-npm.tgz'));
    const on = imageBases(bases);
    for (const [architecture, answer] of Object.entries(writeImage(staged, on, file('-image.tar')))) {
      say(`${architecture}: the image's Node.js has run "edge --version": ${answer}`);
    }
    writeSbom(staged, on.contents, file('.cdx.json'));
    const artifacts = readdirSync(folder).sort();
    const paths = artifacts.map((name) => join(folder, name));
    await writeProvenance(staged, on.all, paths, file('.intoto.json'));
    await writeSums(folder);
  } finally {
    rmSync(work, { recursive: true });
  }
  return folder;
}

/** For `sha256sum --check`. */
export async function writeSums(folder: string): Promise<void> {
  const names = readdirSync(folder).sort();
  const lines = await Promise.all(
    names.map(async (name) => `${await sha256(join(folder, name))}  ${basename(name)}\n`),
  );
  writeFileSync(join(folder, 'SHA256SUMS'), lines.join(''));
}

if (import.meta.main) {
  try {
    say(`The release is in ${await release(readSettings(process.env))}`);
  } catch (error) {
    say(`The release failed: ${(error as Error).message}`);
    process.exitCode = 1;
  }
}

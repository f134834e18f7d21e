/**
 * What was built, from which commit, with which materials and tools: an in-toto statement with SLSA's provenance. It is
 * not signed, and made by who releases, not by a builder that nobody can influence: SLSA's level 1.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Material } from '../image/base.ts';
import { output } from '../image/run.ts';
import { sha256 } from './archive.ts';
import { packageUrl } from './sbom.ts';
import type { Bases } from './settings.ts';
import type { Stage } from './stage.ts';

/** What the images were built on. */
export type BaseMaterials =
  | { readonly kind: 'local'; readonly materials: readonly Material[] }
  | Extract<Bases, { readonly kind: 'pinned' }>;

interface Resource {
  readonly name?: string;
  readonly uri?: string;
  readonly digest: Readonly<Record<string, string>>;
}

interface Lock {
  readonly packages: Readonly<Record<string, { readonly version?: string; readonly integrity?: string }>>;
}

export async function writeProvenance(
  stage: Stage,
  bases: BaseMaterials,
  artifacts: readonly string[],
  file: string,
): Promise<void> {
  const subject = await Promise.all(
    artifacts.map(async (each) => ({ name: basename(each), digest: { sha256: await sha256(each) } })),
  );
  const pinned = bases.kind === 'pinned' ? { BASE: bases.base, BUILD_BASE: bases.buildBase } : {};
  const statement = {
    _type: 'https://in-toto.io/Statement/v1',
    subject,
    predicateType: 'https://slsa.dev/provenance/v1',
    predicate: {
      buildDefinition: {
        buildType: 'https://edgecluster.io/make-release/v1',
        externalParameters: { VERSION: stage.version, ...pinned },
        internalParameters: { SOURCE_DATE_EPOCH: stage.epoch },
        resolvedDependencies: [
          { name: 'edgecluster', digest: { gitCommit: stage.commit } },
          ...ofBases(bases),
          ...npmPackages(stage.directory),
        ],
      },
      runDetails: { builder: { id: 'https://edgecluster.io/make-release', version: tools() } },
    },
  };
  writeFileSync(file, `${JSON.stringify(statement, undefined, 2)}\n`);
}

function ofBases(bases: BaseMaterials): Resource[] {
  if (bases.kind === 'pinned') {
    return [bases.base, bases.buildBase].map((image) => {
      const [name = '', digest = ''] = image.split('@sha256:');
      return { name, digest: { sha256: digest } };
    });
  }
  const byUrl = new Map(bases.materials.map((material) => [packageUrl(material), material]));
  return [...byUrl].map(([uri, material]) => ({ uri, digest: { sha256: material.sha256 } }));
}

/** All that the lock file names: what runs, and what compiles. */
function npmPackages(directory: string): Resource[] {
  const { packages } = JSON.parse(readFileSync(join(directory, 'package-lock.json'), 'utf8')) as Lock;
  return Object.entries(packages).flatMap(([path, { version, integrity }]) => {
    const [algorithm = '', digest = ''] = integrity?.split('-', 2) ?? [];
    if (digest === '') return [];
    const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
    const uri = `pkg:npm/${name.replace('@', '%40')}@${version}`;
    return [{ uri, digest: { [algorithm]: Buffer.from(digest, 'base64').toString('hex') } }];
  });
}

function tools(): Readonly<Record<string, string>> {
  const firstLine = (program: string): string => output(program, ['--version']).split('\n')[0] ?? '';
  return { node: process.version, npm: firstLine('npm'), buildah: firstLine('buildah'), tar: firstLine('tar') };
}

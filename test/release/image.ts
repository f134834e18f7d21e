/** The image for both architectures, as one OCI archive: an image layout (OCI image specification) in a tar file. */

import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Architecture, architectures, localBase, localBuildBase, type Material } from '../image/base.ts';
import { buildImage } from '../image/build.ts';
import { mountImage } from '../image/container.ts';
import { output, run } from '../image/run.ts';
import { tar } from './archive.ts';
import type { BaseMaterials } from './provenance.ts';
import type { Bases } from './settings.ts';
import type { Stage } from './stage.ts';

const manifestType = 'application/vnd.oci.image.manifest.v1+json';
const indexType = 'application/vnd.oci.image.index.v1+json';

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

/** What each architecture stands on, and what all were built with. */
export interface ImageBases {
  readonly of: (architecture: Architecture) => string;
  readonly buildBase: string;
  /** Of which the image itself consists. */
  readonly contents: readonly Material[] | string;
  readonly all: BaseMaterials;
}

/** Makes the local ones where no others are named. */
export function imageBases(bases: Bases): ImageBases {
  if (bases.kind === 'pinned') {
    return { of: () => bases.base, buildBase: bases.buildBase, contents: bases.base, all: bases };
  }
  const of = { amd64: localBase('amd64'), arm64: localBase('arm64') };
  const contents = Object.values(of).flatMap(({ materials }) => materials);
  const buildBase = localBuildBase();
  const all = { kind: 'local', materials: [...contents, ...buildBase.materials] } as const;
  return { of: (architecture) => of[architecture].image, buildBase: buildBase.image, contents, all };
}

/** @returns what each architecture's programs said of their version when they were run */
export function writeImage(stage: Stage, bases: ImageBases, file: string): Record<Architecture, string> {
  process.env.BUILDAH_ISOLATION ??= 'chroot';
  const layout = mkdtempSync(`${stage.directory}-image-`);
  const said: Partial<Record<Architecture, string>> = {};
  const descriptors = architectures.map((architecture) => {
    const image = `localhost/edgecluster-release:${stage.version}-${architecture}`;
    const source = { ...stage, revision: stage.commit };
    const platform = `linux/${architecture}`;
    buildImage({ image, base: bases.of(architecture), buildBase: bases.buildBase, platform, source }, 'buildah');
    said[architecture] = runOnce(image, architecture);
    run('buildah', ['push', '--quiet', image, `oci:${layout}:${architecture}`]);
    output('buildah', ['rmi', image]);
    return { architecture, tag: architecture };
  });
  const { manifests } = readJson(join(layout, 'index.json')) as {
    readonly manifests: readonly (Descriptor & { readonly annotations: Readonly<Record<string, string>> })[];
  };
  const platforms = descriptors.map(({ architecture, tag }) => {
    const pushed = manifests.find(({ annotations }) => annotations['org.opencontainers.image.ref.name'] === tag);
    if (pushed === undefined) throw new Error(`buildah has not written the image for ${architecture}`);
    const { mediaType = manifestType, digest, size } = pushed;
    return { mediaType, digest, size, platform: { architecture, os: 'linux' } };
  });
  writeIndex(layout, platforms, stage.version);
  tar(file, layout, ['blobs', 'index.json', 'oci-layout'], stage.epoch);
  rmSync(layout, { recursive: true });
  return said as Record<Architecture, string>;
}

/** One image with a manifest for each platform: who loads the archive takes the right one. */
function writeIndex(layout: string, manifests: readonly Descriptor[], version: string): void {
  const text = JSON.stringify({ schemaVersion: 2, mediaType: indexType, manifests });
  const hash = createHash('sha256').update(text).digest('hex');
  const blob = join(layout, 'blobs/sha256', hash);
  writeFileSync(blob, text);
  const descriptor = { mediaType: indexType, digest: `sha256:${hash}`, size: statSync(blob).size };
  const annotations = {
    'org.opencontainers.image.ref.name': version,
    // By this containerd and docker name what they load.
    'io.containerd.image.name': `docker.io/library/edgecluster:${version}`,
  };
  const index = { schemaVersion: 2, mediaType: indexType, manifests: [{ ...descriptor, annotations }] };
  writeFileSync(join(layout, 'index.json'), JSON.stringify(index));
}

/**
 * Runs the image's Node.js with our program; by qemu, which needs no support by the kernel. So a base image that is for
 * another machine than it says is found here.
 */
function runOnce(image: string, architecture: Architecture): string {
  const mounted = mountImage(image);
  try {
    if (mounted.architecture !== architecture) throw new Error(`${image} is for ${mounted.architecture}`);
    const qemu = { amd64: 'qemu-x86_64', arm64: 'qemu-aarch64' }[architecture];
    const { root } = mounted;
    const path = mounted.config.Env.find((each) => each.startsWith('PATH='))?.slice('PATH='.length) ?? '';
    const node = path
      .split(':')
      .map((each) => join(root, each, 'node'))
      .find((each) => existsSync(each));
    if (node === undefined) throw new Error(`${image} has no Node.js in ${path}: is BASE an image with Node.js?`);
    // The loader and the libraries are the image's, too.
    return output(qemu, ['-L', root, node, join(root, 'app/dist/edge/main.js'), '--version']).trim();
  } catch (error) {
    const remedy = 'BASE has to be an image for both architectures, named by the digest of its index';
    throw new Error(`the image for ${architecture} does not run: ${(error as Error).message}. ${remedy}`);
  } finally {
    mounted.unmount();
  }
}

function readJson(file: string): unknown {
  return JSON.parse(readFileSync(file, 'utf8'));
}

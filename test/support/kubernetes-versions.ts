/**
 * The versions of Kubernetes that we promise to work with, each by one of its releases, and the one that tests run on.
 * A new minor of Kubernetes is one more line here; README.md and helm/Chart.yaml name the oldest.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A release of the Go module `k8s.io/kubernetes`, such as `v1.34.4`. */
export type Release = `v1.${number}.${number}`;

/** From the oldest to the newest. */
export const supportedReleases: readonly Release[] = [
  'v1.30.14',
  'v1.31.14',
  'v1.32.13',
  'v1.33.13',
  'v1.34.4',
  'v1.35.4',
  'v1.36.3',
  'v1.37.2',
];

/** What is built when nobody asks for another: its go.mod pins all that it is made of. */
export const pinnedModule = join(import.meta.dirname, 'kubernetes');

export function pinnedRelease(): Release {
  const version = /^\s*k8s\.io\/kubernetes (v\S+)/m.exec(readFileSync(join(pinnedModule, 'go.mod'), 'utf8'))?.[1];
  if (version === undefined) throw new Error(`${pinnedModule}/go.mod requires no k8s.io/kubernetes`);
  return releaseOf(version, `${pinnedModule}/go.mod`);
}

/**
 * The release that tests run on: the one of the minor in the environment variable `K8S` (`1.30`), else the pinned one.
 * @throws Error where K8S is no supported minor
 */
export function chosenRelease(): Release {
  const minor = process.env.K8S;
  if (minor === undefined || minor === '') return pinnedRelease();
  return releaseOf(minor, 'K8S');
}

/** `30` of `v1.30.14` */
export function minorOf(release: Release): number {
  return Number(release.split('.')[1]);
}

/** The version of Kubernetes' libraries (`k8s.io/api` and its siblings) in a release: `v0.30.14` of `v1.30.14`. */
export function libraryVersion(release: Release): string {
  return release.replace('v1.', 'v0.');
}

function releaseOf(text: string, source: string): Release {
  const [, minor] = /^v?1\.(\d+)(?:\.\d+)?$/.exec(text) ?? [];
  const release = supportedReleases.find((it) => minorOf(it) === Number(minor));
  if (release === undefined || (text.split('.').length === 3 && `v${text.replace(/^v/, '')}` !== release)) {
    const known = supportedReleases.map((it) => it.slice(1)).join(', ');
    throw new Error(`${source} asks for Kubernetes ${text}; the supported releases are ${known}`);
  }
  return release;
}

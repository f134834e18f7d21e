/** What `make release` is told: VERSION, and the base images where others than the local ones are wanted. */

export interface Settings {
  readonly version: string;
  readonly bases: Bases;
  /** Where the folder of the version goes. */
  readonly directory: string;
}

/** Images with their digests, as people pin them; or those that are made of Debian's and npm's packages. */
export type Bases =
  | { readonly kind: 'pinned'; readonly base: string; readonly buildBase: string }
  | { readonly kind: 'local' };

/** Semantic versioning, as npm and helm ask for. Build metadata (`+…`) cannot stand in an image's tag. */
const semantic = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?$/;
const pinned = /^[^\s@]+@sha256:[0-9a-f]{64}$/;

/** @throws Error that says what is wrong, and how it is given */
export function readSettings(environment: NodeJS.ProcessEnv): Settings {
  const { VERSION: version = '', BASE: base = '', BUILD_BASE: buildBase = '', RELEASES: directory } = environment;
  if (version === '') throw new Error('which version? For example: make release VERSION=0.2.0');
  if (!semantic.test(version)) {
    throw new Error(`VERSION=${version} is no semantic version. Such are 0.2.0 and 1.0.0-rc.1, without a "v" before.`);
  }
  return { version, bases: readBases(base, buildBase), directory: directory || 'release' };
}

function readBases(base: string, buildBase: string): Bases {
  if (base === '' && buildBase === '') return { kind: 'local' };
  for (const [name, image] of Object.entries({ BASE: base, BUILD_BASE: buildBase })) {
    if (image === '') throw new Error(`${name} is missing: give BASE and BUILD_BASE, or neither`);
    if (!pinned.test(image)) {
      throw new Error(
        `${name}=${image} can be another image tomorrow. Pin it by its digest: ${image.replace(/@.*/, '')}@sha256:…`,
      );
    }
  }
  return { kind: 'pinned', base, buildBase };
}

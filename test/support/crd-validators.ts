/**
 * What each supported version of Kubernetes has against a CustomResourceDefinition: the API server's own validation,
 * as a small program of the module `k8s.io/apiextensions-apiserver`, built once for each version into the cache.
 */

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildOnce, cacheDirectory, go } from './go-build.ts';
import { libraryVersion, type Release, supportedReleases } from './kubernetes-versions.ts';

const source = join(import.meta.dirname, 'crd-validator/main.go');
const program = 'crd-validator';

/** What is built of another source goes to another place. */
function directoryOf(release: Release): string {
  const hash = createHash('sha256').update(readFileSync(source)).digest('hex').slice(0, 8);
  return cacheDirectory(`crd-validator-${hash}-${release}`);
}

async function validator(release: Release): Promise<string> {
  const directory = directoryOf(release);
  await buildOnce({
    directory,
    programs: [program],
    make: (work, bin) => {
      console.error(`building the validation of Kubernetes ${release} (once)`);
      copyFileSync(source, join(work, 'main.go'));
      const requirement = `require k8s.io/apiextensions-apiserver ${libraryVersion(release)}`;
      writeFileSync(join(work, 'go.mod'), `module edgecluster.io/test/crd-validator\n\ngo 1.24.0\n\n${requirement}\n`);
      // -mod=mod: go finds and checks the sums of what this module needs itself.
      go(work, ['build', '-mod=mod', '-ldflags', '-s -w', '-o', join(bin, program), '.']);
    },
  });
  return join(directory, program);
}

/**
 * What a version of Kubernetes has against a definition, a line for each error.
 * @param definition YAML
 */
export async function crdErrors(release: Release, definition: string): Promise<readonly string[]> {
  const { status, stdout, stderr } = spawnSync(await validator(release), { input: definition, encoding: 'utf8' });
  if (status !== 0) throw new Error(`the validation of Kubernetes ${release} failed: ${stderr}`);
  return stdout.split('\n').filter((line) => line !== '');
}

if (import.meta.main) {
  for (const release of supportedReleases) await validator(release);
}

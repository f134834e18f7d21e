/**
 * The programs of a Kubernetes control plane, kubectl and helm: found, or built once from Go modules into a cache.
 *
 * For each program, in this order: the directory `KUBEBUILDER_ASSETS`, as kubebuilder's envtest has it; PATH, for etcd
 * and helm alone, kubectl where the cluster is not ours (other versions might not fit together); the cache, which `go`
 * fills when it is empty: some five minutes on two cores, once for a version. `K8S=1.30` asks for another version.
 */

import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildOnce, cacheDirectory, go, goModFile } from './go-build.ts';
import {
  chosenRelease,
  libraryVersion,
  minorOf,
  pinnedModule,
  pinnedRelease,
  type Release,
} from './kubernetes-versions.ts';
import { findProgram } from './programs.ts';

export type Tool = 'etcd' | 'kube-apiserver' | 'kube-controller-manager' | 'kubectl' | 'helm';

/** Absolute paths. */
export type Tools<Name extends Tool = Tool> = Readonly<Record<Name, string>>;

/** Of a cluster that is there already nothing needs to be run. */
export const usesExistingCluster = process.env.USE_EXISTING_CLUSTER === 'true';

export const clients = ['kubectl', 'helm'] as const satisfies readonly Tool[];
export const servers = ['etcd', 'kube-apiserver', 'kube-controller-manager'] as const satisfies readonly Tool[];

const helmVersion = 'v3.19.5';
const builtTools = ['kube-apiserver', 'kube-controller-manager', 'kubectl', 'helm'] as const;

/** Where what is built is kept; another version of anything is another directory. */
function toolsDirectory(): string {
  return cacheDirectory(`kubernetes-${chosenRelease()}-helm-${helmVersion}`);
}

/** Where a program is, without building it. */
function findTool(tool: Tool): string | undefined {
  const assets = process.env.KUBEBUILDER_ASSETS;
  const places = [
    ...(assets ? [join(assets, tool)] : []),
    ...(fitsAny(tool) ? [findProgram(tool)] : []),
    join(toolsDirectory(), tool),
  ];
  return places.find((file) => file !== undefined && existsSync(file));
}

/** Whether it works with any version of the rest. */
function fitsAny(tool: Tool): boolean {
  return tool === 'etcd' || tool === 'helm' || (tool === 'kubectl' && usesExistingCluster);
}

/**
 * The programs asked for, built first where they are missing.
 * @throws Error that says what to install
 */
export async function kubernetesTools<Name extends Tool>(names: readonly Name[]): Promise<Tools<Name>> {
  const isMissing = (tool: Tool): boolean => names.some((name) => name === tool) && findTool(tool) === undefined;
  if (builtTools.some(isMissing)) await buildTools();
  const found = names.map((tool) => {
    const file = findTool(tool);
    if (file === undefined) throw new Error(`${tool} is not here: make kube-test installs it (Debian: etcd-server)`);
    return [tool, file] as const;
  });
  return Object.fromEntries(found) as Tools<Name>;
}

async function buildTools(): Promise<void> {
  const directory = toolsDirectory();
  if (findProgram('go') === undefined) {
    throw new Error(
      `no Kubernetes here: please install Go 1.24 or later (it is built once, into ${directory}), ` +
        'or set KUBEBUILDER_ASSETS to a directory with kube-apiserver, kube-controller-manager, etcd, kubectl and helm, ' +
        'or USE_EXISTING_CLUSTER=true to use the cluster of the current kubeconfig',
    );
  }
  await buildOnce({ directory, programs: builtTools, make: (work, bin) => build(chosenRelease(), work, bin) });
}

function build(release: Release, work: string, bin: string): void {
  console.error(`building Kubernetes ${release} (once; some five minutes)`);
  if (release === pinnedRelease()) {
    // A copy, so that go never writes into the sources.
    for (const file of ['go.mod', 'go.sum']) copyFileSync(join(pinnedModule, file), join(work, file));
  } else {
    writeFileSync(join(work, 'go.mod'), moduleOf(release));
  }
  const minor = String(minorOf(release));
  // Without these the servers call themselves v0.0.0, which charts that ask for a version of Kubernetes refuse.
  const base = 'k8s.io/component-base/version';
  const server = { [`${base}.gitVersion`]: release, [`${base}.gitMajor`]: '1', [`${base}.gitMinor`]: minor };
  // -mod=mod: of a release that is not pinned, go finds and checks the sums itself.
  const mode = release === pinnedRelease() ? 'readonly' : 'mod';
  go(work, ['build', `-mod=${mode}`, '-trimpath', '-ldflags', linkFlags(server), '-o', `${bin}/`, 'tool']);
  console.error(`building helm ${helmVersion}`);
  const helm = 'helm.sh/helm/v3';
  const client = {
    [`${helm}/internal/version.version`]: helmVersion,
    [`${helm}/pkg/chartutil.k8sVersionMajor`]: '1',
    [`${helm}/pkg/chartutil.k8sVersionMinor`]: minor,
    [`${helm}/pkg/lint/rules.k8sVersionMajor`]: '1',
    [`${helm}/pkg/lint/rules.k8sVersionMinor`]: minor,
  };
  go(work, ['install', '-trimpath', '-ldflags', linkFlags(client), `${helm}/cmd/helm@${helmVersion}`], { GOBIN: bin });
}

/** A go.mod for the programs of a release: as the pinned one, with the libraries that the release is made of. */
function moduleOf(release: Release): string {
  const own = readFileSync(goModFile('k8s.io/kubernetes', release), 'utf8');
  const libraries = [...own.matchAll(/^\s*(?:replace\s+)?(k8s\.io\/\S+)\s.*=> \.\/staging\//gm)].map(
    ([, name]) => name,
  );
  const tools = ['kube-apiserver', 'kube-controller-manager', 'kubectl'].map(
    (it) => `tool k8s.io/kubernetes/cmd/${it}\n`,
  );
  const replaced = libraries.map((name) => `replace ${name} => ${name} ${libraryVersion(release)}\n`);
  return `module edgecluster.io/test/kubernetes

go 1.24.0

require k8s.io/kubernetes ${release}

${tools.join('')}
${replaced.join('')}`;
}

function linkFlags(variables: Readonly<Record<string, string>>): string {
  return ['-s', '-w', ...Object.entries(variables).map(([name, value]) => `-X ${name}=${value}`)].join(' ');
}

if (import.meta.main) {
  const tools = await kubernetesTools(usesExistingCluster ? clients : [...servers, ...clients]);
  for (const [tool, file] of Object.entries(tools)) console.log(`${tool} ${file}`);
}

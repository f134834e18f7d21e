/**
 * The programs of a Kubernetes control plane, kubectl and helm: found, or built once from Go modules into a cache.
 *
 * For each program, in this order: the directory `KUBEBUILDER_ASSETS`, as kubebuilder's envtest has it; PATH, for etcd
 * and helm alone, kubectl where the cluster is not ours (other versions might not fit together); the cache, which is filled by `go` when it is
 * empty: some five minutes on two cores, once for a version.
 */

import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { findProgram } from './programs.ts';

export type Tool = 'etcd' | 'kube-apiserver' | 'kube-controller-manager' | 'kubectl' | 'helm';

/** Absolute paths. */
export type Tools<Name extends Tool = Tool> = Readonly<Record<Name, string>>;

/** Of a cluster that is there already nothing needs to be run. */
export const usesExistingCluster = process.env.USE_EXISTING_CLUSTER === 'true';

export const clients = ['kubectl', 'helm'] as const satisfies readonly Tool[];
export const servers = ['etcd', 'kube-apiserver', 'kube-controller-manager'] as const satisfies readonly Tool[];

const helmVersion = 'v3.19.5';
const moduleDirectory = join(import.meta.dirname, 'kubernetes');
const builtTools = ['kube-apiserver', 'kube-controller-manager', 'kubectl', 'helm'] as const;
const lockPatienceMs = 20 * 60_000;

/** The version of Kubernetes that go.mod asks for, such as `v1.34.4`. */
function kubernetesVersion(): string {
  const version = /^\s*k8s\.io\/kubernetes (v\S+)/m.exec(readFileSync(join(moduleDirectory, 'go.mod'), 'utf8'))?.[1];
  if (version === undefined) throw new Error(`${moduleDirectory}/go.mod requires no k8s.io/kubernetes`);
  return version;
}

/** Where what is built is kept; another version of anything is another directory. */
function cacheDirectory(): string {
  const caches = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
  return join(caches, 'edgecluster', `kubernetes-${kubernetesVersion()}-helm-${helmVersion}`);
}

/** Where a program is, without building it. */
function findTool(tool: Tool): string | undefined {
  const assets = process.env.KUBEBUILDER_ASSETS;
  const places = [
    ...(assets ? [join(assets, tool)] : []),
    ...(fitsAny(tool) ? [findProgram(tool)] : []),
    join(cacheDirectory(), tool),
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

/** Fills the cache; who finds another at it waits for that one. */
async function buildTools(): Promise<void> {
  const cache = cacheDirectory();
  if (findProgram('go') === undefined) {
    throw new Error(
      `no Kubernetes here: please install Go 1.24 or later (it is built once, into ${cache}), ` +
        'or set KUBEBUILDER_ASSETS to a directory with kube-apiserver, kube-controller-manager, etcd, kubectl and helm, ' +
        'or USE_EXISTING_CLUSTER=true to use the cluster of the current kubeconfig',
    );
  }
  mkdirSync(join(cache, '..'), { recursive: true });
  const unlock = await lock(`${cache}.lock`);
  try {
    if (builtTools.every((tool) => existsSync(join(cache, tool)))) return;
    const work = mkdtempSync(`${cache}.build-`);
    try {
      build(work);
      rmSync(cache, { recursive: true, force: true });
      renameSync(join(work, 'bin'), cache);
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
  } finally {
    unlock();
  }
}

function build(work: string): void {
  const version = kubernetesVersion();
  const [, major = '', minor = ''] = /^v(\d+)\.(\d+)/.exec(version) ?? [];
  const bin = join(work, 'bin');
  mkdirSync(bin);
  // A copy, so that go never writes into the sources.
  for (const file of ['go.mod', 'go.sum']) copyFileSync(join(moduleDirectory, file), join(work, file));
  console.error(`building Kubernetes ${version} (once; some five minutes)`);
  // Without these the servers call themselves v0.0.0, which charts that ask for a version of Kubernetes refuse.
  const base = 'k8s.io/component-base/version';
  const server = { [`${base}.gitVersion`]: version, [`${base}.gitMajor`]: major, [`${base}.gitMinor`]: minor };
  go(work, ['build', '-trimpath', '-ldflags', linkFlags(server), '-o', `${bin}/`, 'tool']);
  console.error(`building helm ${helmVersion}`);
  const helm = 'helm.sh/helm/v3';
  const client = {
    [`${helm}/internal/version.version`]: helmVersion,
    [`${helm}/pkg/chartutil.k8sVersionMajor`]: major,
    [`${helm}/pkg/chartutil.k8sVersionMinor`]: minor,
    [`${helm}/pkg/lint/rules.k8sVersionMajor`]: major,
    [`${helm}/pkg/lint/rules.k8sVersionMinor`]: minor,
  };
  go(work, ['install', '-trimpath', '-ldflags', linkFlags(client), `${helm}/cmd/helm@${helmVersion}`], { GOBIN: bin });
}

function linkFlags(variables: Readonly<Record<string, string>>): string {
  return ['-s', '-w', ...Object.entries(variables).map(([name, value]) => `-X ${name}=${value}`)].join(' ');
}

function go(cwd: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): void {
  // CGO_ENABLED=0: no C compiler needed.
  const all = { ...process.env, CGO_ENABLED: '0', GOWORK: 'off', ...env };
  const { status, error } = spawnSync('go', args, { cwd, env: all, stdio: ['ignore', 2, 2] });
  if (status !== 0) throw new Error(`go ${args[0]} failed${error === undefined ? '' : `: ${error.message}`}`);
}

/** A directory as lock: making one is atomic. One that is too old was left behind by a process that died. */
async function lock(directory: string): Promise<() => void> {
  for (;;) {
    try {
      mkdirSync(directory);
      return () => rmSync(directory, { recursive: true, force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const bornMs = statSync(directory, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
    if (Date.now() - bornMs > lockPatienceMs) rmSync(directory, { recursive: true, force: true });
    else await delay(500);
  }
}

if (import.meta.main) {
  const tools = await kubernetesTools(usesExistingCluster ? clients : [...servers, ...clients]);
  for (const [tool, file] of Object.entries(tools)) console.log(`${tool} ${file}`);
}

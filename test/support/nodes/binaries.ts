/**
 * The programs of a node, and what runs in every cluster beside them, of the same release of Kubernetes as the control
 * plane of kubernetes-tools.ts: built once from Go modules into the cache, some eight minutes on two cores.
 */

import { createHash } from 'node:crypto';
import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildOnce, cacheDirectory, go } from '../go-build.ts';
import { chosenRelease, minorOf, pinnedRelease } from '../kubernetes-versions.ts';

const builtBinaries = ['kubelet', 'kube-proxy', 'kube-scheduler', 'coredns', 'metrics-server', 'pause'] as const;

export type NodeBinary = (typeof builtBinaries)[number];

/** Absolute paths. */
export type NodeBinaries = Readonly<Record<NodeBinary, string>>;

/** Kubernetes itself, with the libraries of the shared module, so that most of it is compiled already. */
const kubernetesModule = join(import.meta.dirname, 'kubernetes');
/** CoreDNS, metrics-server and pause. */
const addonsModule = join(import.meta.dirname, 'addons');

/** Another version of anything is another directory. */
function directory(): string {
  const hash = createHash('sha256');
  for (const file of ['kubernetes/go.mod', 'addons/go.mod', 'addons/coredns/main.go', 'addons/pause/main.go'])
    hash.update(readFileSync(join(import.meta.dirname, file)));
  return cacheDirectory(`kubernetes-nodes-${pinnedRelease()}-${hash.digest('hex').slice(0, 8)}`);
}

/**
 * The programs, built first where they are missing.
 * @throws Error where there is no Go, or where `K8S` asks for another release than the pinned one
 */
export async function nodeBinaries(): Promise<NodeBinaries> {
  const release = pinnedRelease();
  if (chosenRelease() !== release)
    throw new Error(`K8S=${process.env.K8S}: real nodes are of Kubernetes ${release} alone; leave K8S out`);
  const into = directory();
  await buildOnce({ directory: into, programs: builtBinaries, make: build });
  return Object.fromEntries(builtBinaries.map((name) => [name, join(into, name)])) as NodeBinaries;
}

function build(work: string, bin: string): void {
  const release = pinnedRelease();
  console.error(`building the programs of Kubernetes nodes ${release} (once; some eight minutes)`);
  // Copies, so that go never writes into the sources.
  const [kubernetes, addons] = [join(work, 'kubernetes'), join(work, 'addons')];
  cpSync(kubernetesModule, kubernetes, { recursive: true });
  cpSync(addonsModule, addons, { recursive: true });
  // A kubelet that calls itself v0.0.0 is refused by charts that ask for a version of Kubernetes.
  const base = 'k8s.io/component-base/version';
  const version = { gitVersion: release, gitMajor: '1', gitMinor: String(minorOf(release)) };
  const named = Object.entries(version).map(([name, value]) => `-X ${base}.${name}=${value}`);
  const flags = ['-mod=readonly', '-trimpath', '-o', `${bin}/`];
  go(kubernetes, ['build', ...flags, '-ldflags', ['-s', '-w', ...named].join(' '), 'tool']);
  go(addons, ['build', ...flags, '-ldflags', '-s -w', './coredns', './pause', 'tool']);
}

if (import.meta.main) {
  for (const [name, file] of Object.entries(await nodeBinaries())) console.log(`${name} ${file}`);
}

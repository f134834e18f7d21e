/** The options of `edgecluster operator`: flags first, then the environment, then defaults. */

import { randomBytes } from 'node:crypto';
import { parseArguments } from '../edge/conf/arguments.ts';
import { isSubdomain, namespaceOf } from './kube/names.ts';
import type { Pace } from './reconcile/rollout/turns.ts';
import type { ListenAddress } from './serve.ts';

export interface OperatorOptions {
  /** None: all. */
  readonly namespaces: readonly string[];
  readonly leaderElection: boolean;
  /** Of the Lease, and of the Secret with the master key. */
  readonly leaseNamespace: string;
  readonly leaseName: string;
  /** The Secret with the key that the credentials of all edges derive from. */
  readonly masterKeySecret: string;
  /** Whether it may list and watch Secrets. */
  readonly watchSecrets: boolean;
  /** Whether a Service of another namespace must consent before its endpoints are read. */
  readonly requireConsent: boolean;
  /** Undefined: the master key is rotated only on request. */
  readonly rotateEveryDays: number | undefined;
  /** Who this operator is among several. */
  readonly identity: string;
  /**
   * What identities of the processes begin with that this pod ran before. Undefined outside a pod. They are dead: of the
   * processes of a pod only one can listen at the port, and it does so before it asks for the lease.
   */
  readonly formerIdentityPrefix: string | undefined;
  readonly edgeImage: string;
  /** How fast EdgeClusters get what is new only because this operator is. */
  readonly upgradePace: Pace;
  readonly listen: ListenAddress;
  readonly logLevel: LogLevel;
  /** Default: the service account of the pod, or ~/.kube/config. */
  readonly kubeconfig: string | undefined;
}

const logLevels = ['trace', 'debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof logLevels)[number];

export const operatorUsage = `usage: edgecluster operator [options]

Runs EdgeClusters on Kubernetes until SIGTERM. Example: edgecluster operator --edge-image registry/edgecluster:1

  --namespaces A,B            look after these namespaces; default all
  --leader-election BOOLEAN   one of several operators acts; default true
  --lease-namespace NAME      of the Lease and the master key; default $POD_NAMESPACE, or "default"
  --lease-name NAME           default edgecluster-operator
  --master-key-secret NAME    Secret with the key that credentials of edges derive from, made where it is missing;
                              default edgecluster-operator-master-key
  --watch-secrets BOOLEAN     list and watch Secrets: to tell of a listener's Secret that is missing, and to put back
                              our own Secrets at once; default false
  --require-origin-consent BOOLEAN
                              follow endpoints of another namespace's Service only where its annotation
                              edgecluster.io/origins-for names the EdgeCluster's namespace; default true
  --rotate-every-days N       make another master key after N days; 0: never by itself; default 30
  --edge-image IMAGE          for EdgeClusters that name none; default $EDGE_IMAGE
  --upgrade-clusters N        EdgeClusters at a time whose pods are replaced because this operator has another default
                              image, or renders pods in another way; default 1
  --upgrade-pause-seconds N   pause between two of them; default 30
  --listen [HOST]:PORT        /healthz, /readyz and /metrics; default :8081
  --log-level LEVEL           ${logLevels.join(', ')}; default info
  --kubeconfig FILE           default: the pod's service account, $KUBECONFIG or ~/.kube/config`;

/** Throws with what is wrong with the arguments, in a sentence. */
export function readOperatorOptions(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): OperatorOptions {
  const values = parse(args);
  const edgeImage = values['edge-image'] ?? env.EDGE_IMAGE ?? '';
  if (edgeImage === '') throw new Error('which image do edges run? Say --edge-image IMAGE or set EDGE_IMAGE');
  const podName = env.POD_NAME ?? env.HOSTNAME ?? 'operator';
  const listen = listenAddress(values.listen ?? ':8081');
  // Names of pods come again (a StatefulSet's), while the former one may still run on a node that is cut off.
  const pod = env.POD_UID && listen.port !== 0 ? `${podName}_${env.POD_UID}_` : undefined;
  return {
    namespaces: names(values.namespaces ?? ''),
    leaderElection: flag('--leader-election', values['leader-election']),
    leaseNamespace: namespaceOf('--lease-namespace', values['lease-namespace'] ?? (env.POD_NAMESPACE || 'default')),
    leaseName: objectName('--lease-name', values['lease-name'] ?? 'edgecluster-operator'),
    masterKeySecret: objectName(
      '--master-key-secret',
      values['master-key-secret'] ?? 'edgecluster-operator-master-key',
    ),
    watchSecrets: flag('--watch-secrets', values['watch-secrets'] ?? 'false'),
    requireConsent: flag('--require-origin-consent', values['require-origin-consent']),
    rotateEveryDays: days('--rotate-every-days', values['rotate-every-days'] ?? '30'),
    // A container that is started again in the same pod is another candidate.
    identity: `${pod ?? `${podName}_`}${randomBytes(4).toString('hex')}`,
    formerIdentityPrefix: pod,
    edgeImage,
    upgradePace: {
      clusters: number('--upgrade-clusters', values['upgrade-clusters'] ?? '1', 1, 10_000),
      pauseMs: number('--upgrade-pause-seconds', values['upgrade-pause-seconds'] ?? '30', 0, 86_400) * 1000,
    },
    listen,
    logLevel: oneOf('--log-level', values['log-level'] ?? 'info', logLevels),
    kubeconfig: values.kubeconfig,
  };
}

const text = { type: 'string' } as const;

function parse(args: readonly string[]) {
  return parseArguments({
    args: [...args],
    options: {
      namespaces: text,
      'leader-election': text,
      'lease-namespace': text,
      'lease-name': text,
      'master-key-secret': text,
      'watch-secrets': text,
      'require-origin-consent': text,
      'rotate-every-days': text,
      'edge-image': text,
      'upgrade-clusters': text,
      'upgrade-pause-seconds': text,
      listen: text,
      'log-level': text,
      kubeconfig: text,
    },
  }).values;
}

function names(list: string): string[] {
  const found = list.split(',').flatMap((name) => name.trim() || []);
  return [...new Set(found.map((name) => namespaceOf('--namespaces', name)))];
}

function objectName(flag: string, name: string): string {
  if (!isSubdomain(name)) throw new Error(`${flag}: "${name}" is no name of an object: take a-z, 0-9, - and .`);
  return name;
}

/** Default true. */
function flag(name: string, value = 'true'): boolean {
  return oneOf(name, value, ['true', 'false']) === 'true';
}

/** Undefined: never. */
function days(flag: string, value: string): number | undefined {
  if (!/^\d{1,5}$/.test(value)) throw new Error(`${flag}: "${value}" is no number of days, 0 to 99999`);
  return Number(value) || undefined;
}

function number(flag: string, value: string, least: number, most: number): number {
  const found = /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN;
  if (found >= least && found <= most) return found;
  throw new Error(`${flag}: "${value}" is no whole number from ${least} to ${most}`);
}

function listenAddress(value: string): ListenAddress {
  const match = /^(?:\[([^\]]+)\]|([^:]*)):(\d+)$/.exec(value);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) throw new Error(`--listen: "${value}" is not HOST:PORT or :PORT`);
  return { host: match[1] ?? (match[2] || undefined), port };
}

function oneOf<T extends string>(flag: string, value: string, known: readonly T[]): T {
  const found = known.find((word) => word === value);
  if (found === undefined) throw new Error(`${flag}: "${value}" is none of ${known.join(', ')}`);
  return found;
}

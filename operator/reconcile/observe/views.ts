/**
 * What the informers keep of objects that the operator only reads: a few fields of each, so that thousands of pods and
 * slices cost little memory, and no key of a Secret is ever held.
 */

import type {
  KubernetesObject,
  V1ContainerStatus,
  V1EndpointSlice,
  V1ObjectMeta,
  V1Pod,
  V1PodSpec,
  V1Secret,
  V1Service,
} from '@kubernetes/client-node';
import { languageOf } from '../../api/labels.ts';
import type { EdgeCluster } from '../../api/types.ts';
import { specWithDefaults } from '../../api/versions.ts';

/** An EdgeCluster as it is, with the defaults of fields that a CRD of an older release does not have. */
export function clusterView(cluster: EdgeCluster): EdgeCluster {
  return { ...cluster, spec: specWithDefaults(cluster.spec) };
}

export interface View extends KubernetesObject {
  readonly metadata: V1ObjectMeta;
}

/** A Service that origins are behind. */
export interface OriginServiceView extends View {
  /** Given: the Service is another name of this host (type ExternalName). */
  readonly externalName: string | undefined;
  /** It has no address of its own: DNS has those of its ready endpoints. */
  readonly headless: boolean;
  /** Its first IP family; slices of the other name the same pods again. */
  readonly family: 'IPv4' | 'IPv6' | undefined;
  /** TCP ports; an unnamed port is called ''. */
  readonly ports: readonly { readonly name: string; readonly port: number }[];
}

export function originServiceView(service: V1Service): OriginServiceView {
  const { spec } = service;
  const family = spec?.ipFamilies?.[0];
  return {
    ...identity(service, 'v1', 'Service'),
    externalName: spec?.type === 'ExternalName' ? spec.externalName : undefined,
    headless: spec?.clusterIP === 'None',
    family: family === 'IPv4' || family === 'IPv6' ? family : undefined,
    ports: (spec?.ports ?? [])
      .filter(({ protocol = 'TCP' }) => protocol === 'TCP')
      .map(({ name = '', port }) => ({ name, port })),
  };
}

/** One EndpointSlice. */
export interface EndpointsView extends View {
  /** Name of its Service: label kubernetes.io/service-name. */
  readonly service: string;
  readonly family: string;
  readonly endpoints: readonly EndpointView[];
  /** TCP ports; no number: every port. */
  readonly ports: readonly { readonly name: string; readonly port: number | undefined }[];
}

export interface EndpointView {
  readonly address: string;
  /** Of pods with a name of their own (StatefulSet): orders them when addresses change. */
  readonly hostname: string;
  /** `draining`: terminating, but still serving. */
  readonly state: 'ready' | 'draining' | 'out';
}

const serviceNameLabel = 'kubernetes.io/service-name';

export function endpointsView(slice: V1EndpointSlice): EndpointsView {
  return {
    ...identity(slice, 'discovery.k8s.io/v1', 'EndpointSlice'),
    service: slice.metadata?.labels?.[serviceNameLabel] ?? '',
    family: slice.addressType,
    endpoints: (slice.endpoints ?? []).flatMap(({ addresses, hostname = '', conditions = {} }): EndpointView[] => {
      // Further addresses of an endpoint are the same pod again.
      const [address] = addresses;
      if (address === undefined) return [];
      const { ready = true, serving = ready, terminating = false } = conditions;
      return [{ address, hostname, state: ready ? 'ready' : serving && terminating ? 'draining' : 'out' }];
    }),
    ports: (slice.ports ?? [])
      .filter(({ protocol = 'TCP' }) => protocol === 'TCP')
      .map(({ name = '', port }) => ({ name, port })),
  };
}

/** A Secret with a certificate: which keys it has, never what they hold. */
export interface TlsSecretView extends View {
  readonly keys: readonly string[];
}

export function tlsSecretView(secret: V1Secret): TlsSecretView {
  return { ...identity(secret, 'v1', 'Secret'), keys: Object.keys(secret.data ?? {}).sort() };
}

/** A pod of an EdgeCluster. */
export interface PodView extends View {
  readonly metadata: V1ObjectMeta & { readonly name: string; readonly uid: string };
  readonly phase: string;
  readonly ip: string | undefined;
  /** Number of the container port called `api`. */
  readonly apiPort: number | undefined;
  /** Language of the configuration that its edge reads; undefined for a file that is none of ours. */
  readonly language: number | undefined;
  readonly ready: boolean;
  /** Being deleted: it lets its clients finish. */
  readonly ending: boolean;
  /** What keeps it from running, in the pod's own words. */
  readonly failure: PodFailure | undefined;
  /** Secrets that it mounts and cannot do without, while its volumes are not there. */
  readonly awaitedSecrets: readonly string[];
}

/** By the file that the edge is started with, in a pod or in the template of pods. */
export function languageRead(spec: V1PodSpec | undefined): number | undefined {
  const args = spec?.containers.find(({ name }) => name === 'edge')?.args ?? [];
  const file = args[args.indexOf('-c') + 1] ?? '';
  return languageOf(file.slice(file.lastIndexOf('/') + 1));
}

/** No node has room for it. */
export const UNSCHEDULABLE = 'Unschedulable';

export interface PodFailure {
  /** `ImagePullBackOff`, `CrashLoopBackOff`, `Unschedulable`, … */
  readonly reason: string;
  readonly message: string;
  /** Milliseconds since the epoch; undefined where the pod does not say. */
  readonly sinceMs?: number;
}

export function podView(pod: V1Pod): PodView {
  const { metadata, status } = pod;
  const ports = pod.spec?.containers.flatMap((container) => container.ports ?? []);
  return {
    ...identity(pod, 'v1', 'Pod'),
    metadata: { ...keptMetadata(metadata), name: metadata?.name ?? '', uid: metadata?.uid ?? '' },
    phase: status?.phase ?? 'Pending',
    ip: status?.podIP,
    apiPort: ports?.find(({ name }) => name === 'api')?.containerPort,
    language: languageRead(pod.spec),
    ready: status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false,
    ending: metadata?.deletionTimestamp !== undefined,
    failure: podFailure(pod),
    awaitedSecrets: awaitedSecrets(pod),
  };
}

const none: readonly string[] = [];

/** A kubelet makes the sandbox of a pod when its volumes are there. That a Secret is missing stands in an event alone. */
function awaitedSecrets({ spec, status }: V1Pod): readonly string[] {
  const sandbox = status?.conditions?.find(({ type }) => type === 'PodReadyToStartContainers');
  if (status?.phase !== 'Pending' || sandbox?.status !== 'False') return none;
  const secrets = (spec?.volumes ?? []).flatMap(({ secret }) =>
    secret?.secretName === undefined || secret.optional === true ? [] : [secret.secretName],
  );
  return [...new Set(secrets)];
}

/** What every start goes through. */
const starting: ReadonlySet<string> = new Set(['ContainerCreating', 'PodInitializing']);

function podFailure({ status }: V1Pod): PodFailure | undefined {
  const scheduled = status?.conditions?.find(({ type }) => type === 'PodScheduled');
  if (scheduled?.status === 'False' && scheduled.reason === 'Unschedulable')
    return {
      reason: UNSCHEDULABLE,
      message: scheduled.message ?? '',
      ...(scheduled.lastTransitionTime && { sinceMs: timeMs(scheduled.lastTransitionTime) }),
    };
  const containers = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
  for (const container of containers) {
    const failure = containerFailure(container);
    if (failure !== undefined) return failure;
  }
  // Readiness that changed after the container started was lost; before, it had not come yet.
  const readiness = status?.conditions?.find(({ type }) => type === 'Ready');
  const startedMs = Math.max(...containers.map(({ state }) => timeMs(state?.running?.startedAt)));
  if (readiness?.status === 'False' && containers.length > 0 && timeMs(readiness.lastTransitionTime) > startedMs + 1000)
    return { reason: 'NotReady', message: 'it was ready; now its readiness probe fails' };
  return undefined;
}

function containerFailure({ state, lastState, restartCount }: V1ContainerStatus): PodFailure | undefined {
  const ended = state?.terminated ?? lastState?.terminated;
  const end =
    ended && `${ended.reason ?? 'ended'}, exit code ${ended.exitCode}${ended.message ? `: ${ended.message}` : ''}`;
  const waiting = state?.waiting;
  if (waiting?.reason !== undefined && !starting.has(waiting.reason))
    return { reason: waiting.reason, message: (waiting.reason === 'CrashLoopBackOff' && end) || waiting.message || '' };
  if (state?.terminated && state.terminated.exitCode !== 0)
    return { reason: state.terminated.reason ?? 'Error', message: `${end}; ${restartCount} restarts` };
  return undefined;
}

/** Milliseconds since the epoch; Infinity where there is none. Times are text unless a client has parsed them. */
function timeMs(time: Date | string | undefined): number {
  return time === undefined ? Number.POSITIVE_INFINITY : new Date(time).getTime();
}

function identity(object: KubernetesObject, apiVersion: string, kind: string) {
  return { apiVersion, kind, metadata: keptMetadata(object.metadata) };
}

/** Only annotations of our own and Kubernetes' deletion cost are read. */
function keptMetadata(metadata: V1ObjectMeta = {}): V1ObjectMeta {
  const { name, namespace, uid, resourceVersion, labels, annotations = {}, ownerReferences } = metadata;
  const kept = Object.entries(annotations).filter(([key]) => /^(edgecluster|controller\.kubernetes)\.io\//.test(key));
  return {
    ...(name !== undefined && { name }),
    ...(namespace !== undefined && { namespace }),
    ...(uid !== undefined && { uid }),
    ...(resourceVersion !== undefined && { resourceVersion }),
    ...(labels && { labels }),
    ...(kept.length > 0 && { annotations: Object.fromEntries(kept) }),
    ...(ownerReferences && { ownerReferences }),
  };
}

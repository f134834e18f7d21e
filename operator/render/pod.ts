/** A pod of edges: one container that may do nothing but serve, and gets the time to let its clients finish. */
import type {
  V1Affinity,
  V1Container,
  V1DownwardAPIVolumeFile,
  V1EnvVar,
  V1PodSpec,
  V1Probe,
  V1TopologySpreadConstraint,
  V1Volume,
  V1VolumeMount,
} from '@kubernetes/client-node';
import {
  API_CREDENTIALS_DIRECTORY,
  API_CREDENTIALS_KEY,
  apiSecretNameOf,
  CHOICE_DIRECTORY,
  CHOICE_FILE,
  CHOICE_VARIABLE,
  CONFIG_DIRECTORY,
  CONFIG_FILE,
  CONFIG_KEY,
  matchLabelsOf,
  nameOf,
  TLS_TICKET_KEYS_KEY,
} from '../api/labels.ts';
import type { EdgeCluster } from '../api/types.ts';
import { TOKEN_KEYS_KEY, tokenKeysDirectory, tokenKeysSecrets } from './access.ts';
import { edgeEnvironment, type RenderedConfig } from './config.ts';
import { tlsDirectory } from './edge-config.ts';
import { isFilled } from './metadata.ts';
import { configMode, containerSecurity, keyMode, podSecurity } from './pod-defaults.ts';
import { clientPorts, monitoringPorts } from './ports.ts';
import { serviceAccountNameOf } from './service-account.ts';

/** What an edge may take to end, beyond the times that it is configured with. */
const terminationMarginSeconds = 5;

export function podSpec(cluster: EdgeCluster, config: RenderedConfig, image: string): V1PodSpec {
  const { pods } = cluster.spec;
  const { imagePullSecrets = [], tolerations = [], nodeSelector } = pods;
  const spread = spreadOf(cluster);
  const affinity = affinityOf(cluster);
  return {
    serviceAccountName: serviceAccountNameOf(cluster),
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    // Two edges never meet on a node there: the scheduler keeps ports of the host apart.
    ...(pods.hostNetwork && { hostNetwork: true }),
    dnsPolicy: pods.hostNetwork ? 'ClusterFirstWithHostNet' : 'ClusterFirst',
    terminationGracePeriodSeconds: terminationSeconds(cluster, config),
    securityContext: merged(podSecurity, pods.securityContext),
    ...(imagePullSecrets.length > 0 && { imagePullSecrets: [...imagePullSecrets] }),
    ...(isFilled(nodeSelector) && { nodeSelector: { ...nodeSelector } }),
    ...(tolerations.length > 0 && { tolerations: [...tolerations] }),
    ...(isFilled(affinity) && { affinity }),
    ...(spread.length > 0 && { topologySpreadConstraints: spread }),
    ...(pods.priorityClassName !== undefined && { priorityClassName: pods.priorityClassName }),
    ...(pods.runtimeClassName !== undefined && { runtimeClassName: pods.runtimeClassName }),
    containers: [container(cluster, image)],
    volumes: volumes(cluster),
  };
}

/** The longest way of an edge from the signal to stop to its end. */
function terminationSeconds({ spec }: EdgeCluster, { config }: RenderedConfig): number {
  const graceSeconds = Math.ceil((config.graceStartWaitMs + config.graceFinalWaitMs) / 1000);
  return graceSeconds + spec.pods.drainSeconds + terminationMarginSeconds;
}

function container(cluster: EdgeCluster, image: string): V1Container {
  const { pods } = cluster.spec;
  const { imagePullPolicy, resources } = pods;
  return {
    name: 'edge',
    image: pods.image ?? image,
    ...(imagePullPolicy !== undefined && { imagePullPolicy }),
    args: ['-c', `${CONFIG_DIRECTORY}/${CONFIG_KEY}`],
    env: environment(cluster),
    ports: [...clientPorts(cluster), ...monitoringPorts(cluster)].map(({ name, port }) => ({
      name,
      containerPort: port,
      protocol: 'TCP',
      ...(pods.hostNetwork && { hostPort: port }),
    })),
    ...(isFilled(resources) && { resources }),
    startupProbe: probe('/readyz', { periodSeconds: 1, failureThreshold: 60 }),
    readinessProbe: probe('/readyz', { periodSeconds: 5, failureThreshold: 2 }),
    // To restart an edge costs every client that it has: only one that is stuck for good. It would not hear a signal to
    // stop, so nobody waits for it to drain.
    livenessProbe: {
      ...probe('/healthz', { periodSeconds: 10, failureThreshold: 6 }),
      terminationGracePeriodSeconds: terminationMarginSeconds,
    },
    securityContext: merged(containerSecurity, pods.containerSecurityContext),
    volumeMounts: mounts(cluster),
  };
}

/** The user's cannot have names like ours: the API refuses them. */
function environment(cluster: EdgeCluster): V1EnvVar[] {
  const ours = edgeEnvironment(cluster, {
    credentials: `${API_CREDENTIALS_DIRECTORY}/${API_CREDENTIALS_KEY}`,
    ticketKeys: `${API_CREDENTIALS_DIRECTORY}/${TLS_TICKET_KEYS_KEY}`,
  });
  return [
    // Each edge says by its pod's name who it is: in logs of origins, in callbacks, in answers of its API.
    { name: 'SRS_SERVER_ID', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.name' } } },
    ...Object.entries(ours).map(([name, value]) => ({ name, value })),
    { name: CHOICE_VARIABLE, value: `${CHOICE_DIRECTORY}/${CHOICE_FILE}` },
    ...(cluster.spec.pods.env ?? []),
  ];
}

function probe(path: string, times: { readonly periodSeconds: number; readonly failureThreshold: number }): V1Probe {
  return { httpGet: { path, port: 'api', scheme: 'HTTP' }, timeoutSeconds: 3, successThreshold: 1, ...times };
}

function tlsListeners({ spec }: EdgeCluster): { name: 'rtmps' | 'https'; secretName: string }[] {
  return (['rtmps', 'https'] as const).flatMap((name) => {
    const secretName = spec.listeners[name]?.secretName;
    return secretName === undefined ? [] : [{ name, secretName }];
  });
}

const credentialsVolume = 'api-credentials';
const choiceVolume = 'config-choice';

function volumes(cluster: EdgeCluster): V1Volume[] {
  return [
    { name: 'config', configMap: { name: nameOf(cluster), defaultMode: configMode } },
    { name: choiceVolume, downwardAPI: { items: [choice], defaultMode: configMode } },
    // Optional: an edge that the operator cannot ask serves its clients all the same.
    { name: credentialsVolume, secret: { secretName: apiSecretNameOf(cluster), defaultMode: keyMode, optional: true } },
    ...tlsListeners(cluster).map(({ name, secretName }) => ({
      name: `${name}-tls`,
      secret: { secretName, defaultMode: keyMode },
    })),
    ...tokenKeysSecrets(cluster).map((secretName, index) => ({
      name: tokenKeysVolume(index),
      secret: { secretName, defaultMode: keyMode, items: [{ key: TOKEN_KEYS_KEY, path: TOKEN_KEYS_KEY }] },
    })),
  ];
}

/** Names of Secrets may be longer than those of volumes. */
function tokenKeysVolume(index: number): string {
  return `token-keys-${index}`;
}

/** An annotation of the pod chooses which file of the ConfigMap its edge runs. */
const choice: V1DownwardAPIVolumeFile = {
  path: CHOICE_FILE,
  fieldRef: { apiVersion: 'v1', fieldPath: `metadata.annotations['${CONFIG_FILE}']` },
};

/** Whole directories: files mounted one by one would not follow a change. */
function mounts(cluster: EdgeCluster): V1VolumeMount[] {
  return [
    { name: 'config', mountPath: CONFIG_DIRECTORY, readOnly: true },
    { name: choiceVolume, mountPath: CHOICE_DIRECTORY, readOnly: true },
    { name: credentialsVolume, mountPath: API_CREDENTIALS_DIRECTORY, readOnly: true },
    ...tlsListeners(cluster).map(({ name }) => ({
      name: `${name}-tls`,
      mountPath: tlsDirectory(name),
      readOnly: true,
    })),
    ...tokenKeysSecrets(cluster).map((secretName, index) => ({
      name: tokenKeysVolume(index),
      mountPath: tokenKeysDirectory(secretName),
      readOnly: true,
    })),
  ];
}

/** Edges of an older template, which are on their way out, don't count when new ones are spread. */
const apart = ['pod-template-hash'];

/** The user's constraints, for our pods unless they say for which. Else over nodes as evenly as it goes. */
function spreadOf(cluster: EdgeCluster): V1TopologySpreadConstraint[] {
  const labelSelector = { matchLabels: matchLabelsOf(cluster) };
  const constraints = cluster.spec.pods.topologySpreadConstraints ?? [
    { maxSkew: 1, topologyKey: 'kubernetes.io/hostname', whenUnsatisfiable: 'ScheduleAnyway', matchLabelKeys: apart },
  ];
  return constraints.map((constraint) => ({ labelSelector, ...constraint }));
}

/**
 * The user's affinity. Where that leaves it to us, zones are preferred in which there are fewer edges: not by a second
 * constraint, as the scheduler gives up all that it may ignore on nodes without one of the labels, and many clusters
 * have no zones.
 */
function affinityOf(cluster: EdgeCluster): V1Affinity | undefined {
  const { affinity, topologySpreadConstraints } = cluster.spec.pods;
  if (topologySpreadConstraints !== undefined || affinity?.podAntiAffinity !== undefined) return affinity;
  const podAffinityTerm = {
    labelSelector: { matchLabels: matchLabelsOf(cluster) },
    matchLabelKeys: apart,
    topologyKey: 'topology.kubernetes.io/zone',
  };
  const zones = { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 100, podAffinityTerm }] };
  return { ...affinity, podAntiAffinity: zones };
}

/** `theirs` over `ours`, object by object. */
function merged<T extends object>(ours: T, theirs: T | undefined): T {
  const result: Record<string, unknown> = Object.fromEntries(Object.entries(ours));
  for (const [key, value] of Object.entries(theirs ?? {})) {
    const own = result[key];
    result[key] = isObject(own) && isObject(value) ? merged(own, value) : value;
  }
  // Only fields of T were put into it.
  return result as T;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

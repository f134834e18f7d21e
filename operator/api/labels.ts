/** Names that the operator gives to what it makes: labels, annotations, owners, objects. */
import type { V1OwnerReference } from '@kubernetes/client-node';
import { LANGUAGE } from '../../edge/conf/language.ts';
import type { EdgeCluster } from './types.ts';

export const GROUP = 'edgecluster.io';
export const API_VERSION = `${GROUP}/v1alpha1`;
export const KIND = 'EdgeCluster';

/** The manager of our fields in server-side apply. */
export const FIELD_MANAGER = 'edgecluster';

/** Label of everything that belongs to an EdgeCluster: its name. */
export const CLUSTER_LABEL = `${GROUP}/cluster`;
/** Label of everything that the operator makes. */
export const MANAGED_BY = 'app.kubernetes.io/managed-by';
export const MANAGER = 'edgecluster';
const NAME_LABEL = 'app.kubernetes.io/name';
const NAME = 'edge';

/** On owned objects: hash of what was last applied. */
export const APPLIED_HASH = `${GROUP}/applied-hash`;
/** On pods, not on their template: hash of the edge.conf to run. A change makes the kubelet refresh the volume. */
export const CONFIG_HASH = `${GROUP}/config-hash`;
/** On pods, not on their template: the file beside edge.conf to run instead. Absent: edge.conf. */
export const CONFIG_FILE = `${GROUP}/config-file`;
/** On the ConfigMap: the changed configuration that was put back, and why. */
export const CONFIG_HALTED = `${GROUP}/config-halted`;
/** On pods: the operator has set annotations beside it that keep the node from being emptied to save cost. */
export const NODE_KEPT = `${GROUP}/node-kept`;
/** On the template of pods: hash of the settings that a process cannot change while it runs. */
export const RESTART_HASH = `${GROUP}/restart-hash`;

/** On the Deployment: hash of the template of pods as we rendered it. */
export const TEMPLATE_HASH = `${GROUP}/template-hash`;
/** On the Deployment: hash of the part of the spec that the template is made of, as it was last time. */
export const TEMPLATE_ASKED = `${GROUP}/template-asked`;
/** On the Deployment: when the operator brought a template of its own accord, as after an upgrade. */
export const TURN_BEGAN = `${GROUP}/turn-began`;

/** On an EdgeCluster: a person sets it, and the operator leaves the cluster as it is, as with `spec.paused`. */
export const PAUSED = `${GROUP}/paused`;

/** On the Secret with the master key: when the key was made. */
export const ROTATED_AT = `${GROUP}/rotated-at`;
/** On the same Secret: a person sets it, to any value, and the operator rotates the key at once. */
export const ROTATE = `${GROUP}/rotate`;

export { LANGUAGE };

/**
 * On a Service that origins are behind: the other namespaces whose EdgeClusters may follow its endpoints, with commas
 * between; `*`: all.
 */
export const ORIGINS_FOR = `${GROUP}/origins-for`;

/** Where the edge finds its configuration: the directory that the ConfigMap is mounted at, and a key of it. */
export const CONFIG_DIRECTORY = '/etc/edge';
/** There is a key for each language that edges read. The first one's is what edgecluster 0.1.0 knows. */
export function configKeyOf(language: number): string {
  return language === 1 ? 'edge.conf' : `edge-${language}.conf`;
}
/** The other way round; undefined for any other key. */
export function languageOf(key: string): number | undefined {
  const match = /^edge(?:-(\d{1,4}))?\.conf$/.exec(key);
  const language = Number(match?.[1] ?? 1);
  return match !== null && configKeyOf(language) === key ? language : undefined;
}
/** The file in the newest language that a ConfigMap's data holds; undefined where there is none. */
export function newestConfig(data: object): { readonly key: string; readonly text: string } | undefined {
  const files = Object.entries(data).flatMap(([key, text]) => {
    const language = languageOf(key);
    return language === undefined || typeof text !== 'string' ? [] : [{ key, text, language }];
  });
  return files.toSorted((a, b) => a.language - b.language).at(-1);
}
/** The key that edges of our own version read. */
export const CONFIG_KEY = configKeyOf(LANGUAGE);
/** Where the pod's annotation CONFIG_FILE is to be read: a directory, and a file in it. */
export const CHOICE_DIRECTORY = '/etc/edge-choice';
export const CHOICE_FILE = 'config-file';
/** Tells the edge of that file. */
export const CHOICE_VARIABLE = 'SRS_CONFIG_CHOICE_FILE';
/** The same for the credentials of its HTTP API, and the Secret's key. */
export const API_CREDENTIALS_KEY = 'credentials';
/** The same for those of the metrics, and what Prometheus reads of them: keys of the same Secret. */
export const METRICS_CREDENTIALS_KEY = 'metrics-credentials';
export const METRICS_USERNAME_KEY = 'metrics-username';
export const METRICS_PASSWORD_KEY = 'metrics-password';
/** The same for the secret that keys of TLS session tickets derive from. */
export const TLS_TICKET_KEYS_KEY = 'tls-ticket-keys';
export const API_CREDENTIALS_DIRECTORY = '/etc/edge-api';

/** The name of an EdgeCluster; the API server gives every object one. */
export function nameOf({ metadata }: EdgeCluster): string {
  if (metadata.name === undefined || metadata.name === '') throw new Error('an EdgeCluster has no name');
  return metadata.name;
}

/** References without a namespace mean the EdgeCluster's own. */
export function namespaceOf({ metadata }: { readonly metadata: Pick<EdgeCluster['metadata'], 'namespace'> }): string {
  return metadata.namespace ?? 'default';
}

/** The Service that clients use has the name of the EdgeCluster; this one lists its pods. */
export function headlessNameOf(cluster: EdgeCluster): string {
  return headlessNameFor(nameOf(cluster));
}

/** The same for an EdgeCluster of which only the name is known. */
export function headlessNameFor(name: string): string {
  return `${name}-edges`;
}

/** The Secret with the credentials of the edges' HTTP API. */
export function apiSecretNameOf(cluster: EdgeCluster): string {
  return `${nameOf(cluster)}-api-credentials`;
}

/** Labels of everything that belongs to the EdgeCluster. */
export function labelsOf(cluster: EdgeCluster): Record<string, string> {
  const name = nameOf(cluster);
  return {
    [NAME_LABEL]: NAME,
    'app.kubernetes.io/instance': name,
    'app.kubernetes.io/component': 'edge',
    [MANAGED_BY]: MANAGER,
    [CLUSTER_LABEL]: name,
  };
}

/** What selects the pods of the EdgeCluster. A Deployment's selector can never be changed: it holds the least. */
export function matchLabelsOf(cluster: EdgeCluster): Record<string, string> {
  return { [NAME_LABEL]: NAME, [CLUSTER_LABEL]: nameOf(cluster) };
}

/** The same as text, for `status.selector` and for listing pods. */
export function selectorOf(cluster: EdgeCluster): string {
  return Object.entries(matchLabelsOf(cluster))
    .map(([label, value]) => `${label}=${value}`)
    .join(',');
}

/** Makes Kubernetes delete an object with its EdgeCluster; none for one that was never on an API server. */
export function ownerReferencesOf(cluster: EdgeCluster): V1OwnerReference[] {
  const { uid } = cluster.metadata;
  if (uid === undefined) return [];
  return [
    { apiVersion: API_VERSION, kind: KIND, name: nameOf(cluster), uid, controller: true, blockOwnerDeletion: true },
  ];
}

/** The kinds of Kubernetes objects that we read or write, and where the API serves them. */
import type { KubernetesObject } from '@kubernetes/client-node';

export interface Resource {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly namespaced: boolean;
}

export const RESOURCES = {
  EdgeCluster: namespaced('edgecluster.io/v1alpha1', 'EdgeCluster', 'edgeclusters'),
  ConfigMap: namespaced('v1', 'ConfigMap', 'configmaps'),
  Secret: namespaced('v1', 'Secret', 'secrets'),
  Service: namespaced('v1', 'Service', 'services'),
  ServiceAccount: namespaced('v1', 'ServiceAccount', 'serviceaccounts'),
  Pod: namespaced('v1', 'Pod', 'pods'),
  Namespace: { ...namespaced('v1', 'Namespace', 'namespaces'), namespaced: false },
  EndpointSlice: namespaced('discovery.k8s.io/v1', 'EndpointSlice', 'endpointslices'),
  Deployment: namespaced('apps/v1', 'Deployment', 'deployments'),
  ControllerRevision: namespaced('apps/v1', 'ControllerRevision', 'controllerrevisions'),
  HorizontalPodAutoscaler: namespaced('autoscaling/v2', 'HorizontalPodAutoscaler', 'horizontalpodautoscalers'),
  PodDisruptionBudget: namespaced('policy/v1', 'PodDisruptionBudget', 'poddisruptionbudgets'),
  NetworkPolicy: namespaced('networking.k8s.io/v1', 'NetworkPolicy', 'networkpolicies'),
  Lease: namespaced('coordination.k8s.io/v1', 'Lease', 'leases'),
  Event: namespaced('events.k8s.io/v1', 'Event', 'events'),
  /** Of the Prometheus operator: served only where that is installed (`KubeApi.serves`). */
  PodMonitor: namespaced('monitoring.coreos.com/v1', 'PodMonitor', 'podmonitors'),
} as const satisfies Record<string, Resource>;

const BY_TYPE: ReadonlyMap<string, Resource> = new Map(
  Object.values(RESOURCES).map((resource) => [`${apiVersionOf(resource)}/${resource.kind}`, resource]),
);

/** The resource of an object, from its apiVersion and kind. Throws TypeError for what isn't in the table. */
export function resourceOf(object: KubernetesObject): Resource {
  const resource = BY_TYPE.get(`${object.apiVersion}/${object.kind}`);
  if (resource === undefined) {
    throw new TypeError(`no resource is known for apiVersion '${object.apiVersion}', kind '${object.kind}'`);
  }
  return resource;
}

/** `apps/v1`, or `v1` for the core group. */
export function apiVersionOf(resource: Resource): string {
  return resource.group === '' ? resource.version : `${resource.group}/${resource.version}`;
}

/** `/apis/apps/v1`, or `/api/v1` for the core group. */
export function groupPath(resource: Resource): string {
  return `${resource.group === '' ? '/api' : '/apis'}/${apiVersionOf(resource)}`;
}

/**
 * Path of a collection or, given a name, of an object.
 * @param namespace none: objects of all namespaces (or of a resource that has none)
 */
export function resourcePath(resource: Resource, namespace?: string, name?: string, subresource?: string): string {
  const place = resource.namespaced && namespace !== undefined ? `/namespaces/${encodeURIComponent(namespace)}` : '';
  const object = name === undefined ? '' : `/${encodeURIComponent(name)}`;
  const part = subresource === undefined ? '' : `/${subresource}`;
  return `${groupPath(resource)}${place}/${resource.plural}${object}${part}`;
}

function namespaced(apiVersion: string, kind: string, plural: string): Resource {
  const slash = apiVersion.indexOf('/');
  const group = slash < 0 ? '' : apiVersion.slice(0, slash);
  return { group, version: apiVersion.slice(slash + 1), kind, plural, namespaced: true };
}

/** What an object is called, whose it is, and who wrote to it: of those with the name or the label of something we make. */

import type { KubernetesObject, V1ManagedFieldsEntry, V1OwnerReference } from '@kubernetes/client-node';
import { CLUSTER_LABEL, FIELD_MANAGER, GROUP, KIND, labelsOf, nameOf } from '../../api/labels.ts';
import type { EdgeCluster } from '../../api/types.ts';

/**
 * - `ours`: owned by this EdgeCluster, or made by us and then left without an owner.
 * - `leftover`: of an EdgeCluster of this name that was deleted; garbage collection is about to take it.
 * - `foreign`: anybody else's.
 */
export type Standing = 'ours' | 'leftover' | 'foreign';

export function standingOf(object: KubernetesObject, cluster: EdgeCluster): Standing {
  const owners = object.metadata?.ownerReferences ?? [];
  const controller = owners.find((owner) => owner.controller === true);
  if (owners.some(({ uid }) => uid === cluster.metadata.uid)) {
    return controller === undefined || controller.uid === cluster.metadata.uid ? 'ours' : 'foreign';
  }
  if (owners.some((owner) => isEdgeCluster(owner, nameOf(cluster)))) return 'leftover';
  return controller === undefined && hasOurLabels(object, cluster) ? 'ours' : 'foreign';
}

/** Whether garbage collection takes the object with this EdgeCluster: only such an object is ours to delete. */
export function isOwnedBy(object: KubernetesObject, cluster: EdgeCluster): boolean {
  return (object.metadata?.ownerReferences ?? []).some(({ uid }) => uid === cluster.metadata.uid);
}

/** Who has the object, in words, for whom it is not ours. */
export function holderOf(object: KubernetesObject): string {
  const { ownerReferences = [], labels = {} } = object.metadata ?? {};
  const owner = ownerReferences.find(({ controller }) => controller === true) ?? ownerReferences[0];
  if (owner !== undefined) return `${owner.kind} ${owner.name}`;
  const tool = labels['app.kubernetes.io/managed-by'] ?? firstOf(writersOf(object))?.manager;
  return tool ?? 'someone else';
}

function isEdgeCluster(owner: V1OwnerReference, name: string): boolean {
  return owner.kind === KIND && owner.apiVersion.startsWith(`${GROUP}/`) && owner.name === name;
}

/** As controllers of Kubernetes do it, an object without a controller is adopted by its labels. */
function hasOurLabels({ metadata }: KubernetesObject, cluster: EdgeCluster): boolean {
  const labels = metadata?.labels ?? {};
  return Object.entries(labelsOf(cluster)).every(([label, value]) => labels[label] === value);
}

/** Key of the EdgeCluster that an object's label names; undefined without the label. */
export function clusterKeyOf({ metadata }: KubernetesObject): `${string}/${string}` | undefined {
  const name = metadata?.labels?.[CLUSTER_LABEL];
  return name === undefined ? undefined : `${metadata?.namespace ?? ''}/${name}`;
}

/**
 * Who else wrote to the object or its scale last, as its managedFields know it. Who did nothing but take fields away is not
 * in them.
 */
export function lastWriter(object: KubernetesObject | undefined): string {
  return lastOf(writersOf(object, ['scale']))?.manager ?? 'someone';
}

/** Others who wrote to the object itself, or to one of these subresources. */
function writersOf(object: KubernetesObject | undefined, subresources: readonly string[] = []): Writer[] {
  return (object?.metadata?.managedFields ?? []).filter(
    ({ manager, subresource }) =>
      manager !== FIELD_MANAGER && (subresource === undefined || subresources.includes(subresource)),
  );
}

type Writer = V1ManagedFieldsEntry;

function lastOf(writers: readonly Writer[]): Writer | undefined {
  return writers.toSorted((a, b) => timeOf(a) - timeOf(b)).at(-1);
}

function firstOf(writers: readonly Writer[]): Writer | undefined {
  return writers.toSorted((a, b) => timeOf(a) - timeOf(b))[0];
}

/** Milliseconds since 1970; before all others where there is none. */
function timeOf(writer: Writer | undefined): number {
  return writer?.time === undefined ? Number.NEGATIVE_INFINITY : new Date(writer.time).getTime();
}

/** Name of an object within the EdgeCluster's namespace: `apps/Deployment/live`. */
export function idOf({ apiVersion = '', kind, metadata }: KubernetesObject): string {
  const slash = apiVersion.indexOf('/');
  return `${slash < 0 ? '' : apiVersion.slice(0, slash)}/${kind}/${metadata?.name}`;
}

/**
 * ControllerRevisions of an EdgeCluster: specs that were in force, as an operator wrote them. Usually there is one; two
 * while one takes the other's place.
 */

import type { KubernetesObject, V1ControllerRevision } from '@kubernetes/client-node';
import { isObject } from '../../api/structure.ts';
import type { EdgeCluster, EdgeClusterSpec } from '../../api/types.ts';
import { specWithDefaults } from '../../api/versions.ts';
import { isOwnedBy } from './ownership.ts';
import { referencesOf } from './references.ts';

/** What is in a revision: pauses and the number of edges follow the present spec, valid or not. */
export type RevisedSpec = Omit<EdgeClusterSpec, 'replicas' | 'autoscaling' | 'paused'>;

export function isRevision(object: KubernetesObject): object is V1ControllerRevision {
  return object.kind === 'ControllerRevision';
}

/** Those that go with the EdgeCluster, the newest first. */
export function revisionsOf(cluster: EdgeCluster, owned: readonly KubernetesObject[]): readonly V1ControllerRevision[] {
  const own = owned.filter(isRevision).filter((object) => isOwnedBy(object, cluster));
  return own.sort((a, b) => b.revision - a.revision);
}

/**
 * With the defaults of fields that an operator of another release, who wrote it, did not know; without those that only
 * it knew. Undefined where no operator can have written it.
 */
export function specIn({ data }: V1ControllerRevision): RevisedSpec | undefined {
  const spec: unknown = isObject(data) ? data.spec : undefined;
  if (!isObject(spec) || !isObject(spec.listeners) || !isObject(spec.pods)) return undefined;
  const lists = [spec.origins, spec.vhosts];
  const isWhole = lists.every((list) => Array.isArray(list) && list.every(isObject));
  // What is in it was admitted by the API server, and a revision cannot be changed.
  return isWhole ? specWithDefaults(spec) : undefined;
}

/** Services that it refers to, as `namespace/name`. */
export function servicesIn(revision: V1ControllerRevision): readonly string[] {
  const spec = specIn(revision);
  if (spec === undefined) return [];
  const { namespace } = revision.metadata ?? {};
  return referencesOf({ metadata: { ...(namespace !== undefined && { namespace }) }, spec }).services;
}

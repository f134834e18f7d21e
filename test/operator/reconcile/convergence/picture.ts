/** What there is on an API, to compare. */

import assert from 'node:assert/strict';
import type { KubernetesObject } from '@kubernetes/client-node';
import { APPLIED_HASH, CLUSTER_LABEL } from '../../../../operator/api/labels.ts';
import type { EdgeCluster } from '../../../../operator/api/types.ts';
import { RESOURCES, type Resource } from '../../../../operator/kube/resources.ts';
import { namespace, type OperatorScene } from '../../../support/operator-scene.ts';
import { type ClusterName, watched } from './steps.ts';

export function resourceOf(plural: string): Resource {
  const found = Object.values(RESOURCES).find((resource) => resource.plural === plural);
  assert.ok(found, plural);
  return found;
}

const kinds = [...new Set([...watched, 'endpointslices'])].map((plural) => resourceOf(plural));

function objectsIn({ kube }: OperatorScene): KubernetesObject[] {
  return kinds.flatMap((resource) => kube.objects<KubernetesObject>(resource, namespace));
}

/** Which version of each object there is. */
export function versionsOf(scene: OperatorScene): string {
  return objectsIn(scene)
    .map(({ kind, metadata }) => `${kind} ${metadata?.name} ${metadata?.resourceVersion}`)
    .join();
}

/** All, without what says when and by whom. */
export function pictureOf(scene: OperatorScene): object {
  const { kube } = scene;
  const statuses = kube.objects<EdgeCluster>(RESOURCES.EdgeCluster, namespace).map(({ metadata, status }) => {
    const conditions = status?.conditions?.map(({ lastTransitionTime: _, ...condition }) => condition);
    return [metadata.name, { ...status, conditions }];
  });
  const objects = objectsIn(scene)
    .filter(({ kind }) => kind !== 'EdgeCluster')
    .map((object) => [`${object.kind} ${object.metadata?.name}`, withoutBooks(object)]);
  return { statuses: Object.fromEntries(statuses), objects: Object.fromEntries(objects) };
}

/** What of an EdgeCluster is the same on every API. */
export function essenceOf(
  scene: OperatorScene,
  name: ClusterName,
): { readonly status: object; readonly objects: Readonly<Record<string, KubernetesObject>> } {
  const {
    conditions = [],
    observedGeneration: _,
    updatedReplicas: __,
    ...status
  } = scene.edgeCluster(name)?.status ?? {};
  const kept = conditions.map(({ type, status, reason, message }) => ({ type, status, reason, message }));
  const objects = objectsIn(scene)
    .filter(({ kind, metadata }) => kind !== 'Pod' && metadata?.labels?.[CLUSTER_LABEL] === name)
    .map((object) => [`${object.kind} ${object.metadata?.name}`, withoutIdentity(object)]);
  const sorted = kept.toSorted((a, b) => (a.type < b.type ? -1 : 1));
  return { status: { ...status, conditions: sorted }, objects: Object.fromEntries(objects) };
}

function withoutBooks({ metadata, ...object }: KubernetesObject): KubernetesObject {
  const { managedFields: _, resourceVersion: __, generation: ___, ...kept } = metadata ?? {};
  return { ...object, metadata: kept };
}

interface Revisable extends KubernetesObject {
  readonly data?: object;
  readonly spec?: { readonly clusterIP?: string; readonly clusterIPs?: readonly string[]; readonly replicas?: number };
  readonly status?: object;
  readonly revision?: number;
}

/**
 * Keys derive from the uid of the EdgeCluster. How many revisions there were is the past, and the number of edges may be an
 * autoscaler's.
 */
function withoutIdentity(object: KubernetesObject): KubernetesObject {
  const { metadata, status: _, revision: __, ...kept } = object as Revisable;
  const { name, labels, annotations: { [APPLIED_HASH]: ___, ...annotations } = {} } = metadata ?? {};
  const data = object.kind === 'Secret' && { data: Object.keys(kept.data ?? {}) };
  const { clusterIP: ____, clusterIPs: _____, replicas: ______, ...spec } = kept.spec ?? {};
  return { ...kept, ...data, ...(kept.spec && { spec }), metadata: { name, labels, annotations } } as KubernetesObject;
}

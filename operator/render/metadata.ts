/** What all rendered objects have in common. */
import type { V1ObjectMeta } from '@kubernetes/client-node';
import { labelsOf, nameOf, ownerReferencesOf } from '../api/labels.ts';
import type { EdgeCluster } from '../api/types.ts';

/** A rendered object as far as those who apply it look into it. */
export interface OwnedObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: V1ObjectMeta & { readonly name: string };
}

/** `T` of `@kubernetes/client-node` as we render it. */
export type Owned<T> = Omit<T, keyof OwnedObject> & OwnedObject;

export interface Extras {
  /** Default: the EdgeCluster's. */
  readonly name?: string;
  /** Ours win over these. */
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
}

/** Name, namespace, labels and owner of an owned object. */
export function metadataOf(cluster: EdgeCluster, extras: Extras = {}): OwnedObject['metadata'] {
  const { namespace } = cluster.metadata;
  const owners = ownerReferencesOf(cluster);
  return {
    name: extras.name ?? nameOf(cluster),
    ...(namespace !== undefined && { namespace }),
    labels: { ...extras.labels, ...labelsOf(cluster) },
    ...(isFilled(extras.annotations) && { annotations: { ...extras.annotations } }),
    ...(owners.length > 0 && { ownerReferences: owners }),
  };
}

/** Whether there is something in it: the API server leaves empty maps out, and so must we. */
export function isFilled<T extends object>(map: T | undefined): map is T {
  return map !== undefined && Object.keys(map).length > 0;
}

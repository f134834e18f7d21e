/** What controllers of Kubernetes do and the double must: dependents go with their owners, objects with their namespace. */
import { RESOURCES, type Resource } from '../../../operator/kube/resources.ts';
import type { KubeObject } from './objects.ts';
import type { Change, Store } from './store.ts';

const BY_KIND = new Map<string, Resource>(Object.values(RESOURCES).map((resource) => [resource.kind, resource]));

/** Runs until the store is dropped: deletions happen a moment after what causes them, as in a cluster. */
export function collectGarbage(store: Store): void {
  const living = new Set<string>();
  store.onChange((change) => {
    const { metadata } = change.object;
    if (change.type === 'ADDED') living.add(metadata.uid ?? '');
    if (change.type === 'DELETED') living.delete(metadata.uid ?? '');
    if (mayCause(change)) setImmediate(() => collect(store, living, change));
  });
}

function mayCause({ type, object }: Change): boolean {
  const { ownerReferences, deletionTimestamp } = object.metadata;
  return (
    type === 'DELETED' ||
    ownerReferences !== undefined ||
    (object.kind === 'Namespace' && deletionTimestamp !== undefined)
  );
}

function collect(store: Store, living: ReadonlySet<string>, { type, object }: Change): void {
  const { uid, name, namespace } = object.metadata;
  if (type === 'DELETED') {
    for (const other of [...store.all()]) {
      if (other.metadata.ownerReferences?.some((owner) => owner.uid === uid)) removeOrphaned(store, living, other);
    }
    if (namespace !== undefined) finishNamespace(store, namespace);
  } else if (object.kind === 'Namespace') {
    for (const other of [...store.all()]) if (other.metadata.namespace === name) remove(store, other);
    finishNamespace(store, name);
  } else {
    removeOrphaned(store, living, object);
  }
}

/** Deletes an object all of whose owners are gone. */
function removeOrphaned(store: Store, living: ReadonlySet<string>, { kind, metadata }: KubeObject): void {
  const resource = BY_KIND.get(kind);
  const live = resource && store.get(resource, metadata.namespace, metadata.name);
  const owners = live?.metadata.ownerReferences ?? [];
  if (live === undefined || live.metadata.uid !== metadata.uid || owners.length === 0) return;
  if (!owners.some(({ uid }) => living.has(uid))) remove(store, live);
}

function remove(store: Store, object: KubeObject): void {
  const resource = BY_KIND.get(object.kind);
  if (resource !== undefined) store.remove(resource, object);
}

function finishNamespace(store: Store, name: string): void {
  const live = store.get(RESOURCES.Namespace, undefined, name);
  if (live?.metadata.deletionTimestamp === undefined) return;
  for (const other of store.all()) if (other.metadata.namespace === name) return;
  store.erase(RESOURCES.Namespace, live);
}

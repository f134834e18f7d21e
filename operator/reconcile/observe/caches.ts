/**
 * What the informers show, arranged by EdgeCluster: a reconcile reads nothing else. An object that changes concerns
 * the EdgeCluster of its label, or those that refer to it.
 *
 * Keys are `namespace/name`.
 */

import type { KubernetesObject, V1ControllerRevision } from '@kubernetes/client-node';
import { parentKeys } from '../../api/parents.ts';
import type { EdgeCluster } from '../../api/types.ts';
import type { ParentView } from './followed.ts';
import { clusterKeyOf, idOf } from './ownership.ts';
import { type References, referencesOf } from './references.ts';
import { isRevision, servicesIn } from './revisions.ts';
import type { EndpointsView, OriginServiceView, PodView, TlsSecretView } from './views.ts';
import { KnownNamespaces } from './watcher.ts';

export type ClusterKey = `${string}/${string}`;

const none: ReadonlyMap<string, never> = new Map<string, never>();

export class Caches {
  /** Where all EdgeClusters, pods and what we make are seen. */
  readonly known = new KnownNamespaces();
  readonly #namespaces: ReadonlySet<string>;
  readonly #clusters = new Map<ClusterKey, EdgeCluster>();
  readonly #owned = new TwoLevels<KubernetesObject>();
  readonly #pods = new TwoLevels<PodView>();
  readonly #services = new Map<string, OriginServiceView>();
  readonly #slices = new TwoLevels<EndpointsView>();
  readonly #secrets = new Map<string, TlsSecretView>();
  /** EdgeClusters that refer to a Service or Secret. */
  readonly #referrers = {
    services: new TwoLevels<ClusterKey>(),
    secrets: new TwoLevels<ClusterKey>(),
  };
  /** EdgeClusters whose origins may be the edges of another one, by that one's key. */
  readonly #tiersBelow = new TwoLevels<ClusterKey>();

  /** @param namespaces that are watched; none: all */
  constructor(namespaces: readonly string[] = []) {
    this.#namespaces = new Set(namespaces);
  }

  /** Whether what is in this namespace is seen. */
  readonly watches = (namespace: string): boolean => this.#namespaces.size === 0 || this.#namespaces.has(namespace);

  cluster(key: ClusterKey): EdgeCluster | undefined {
    return this.#clusters.get(key);
  }

  clusters(): IterableIterator<ClusterKey> {
    return this.#clusters.keys();
  }

  get clusterCount(): number {
    return this.#clusters.size;
  }

  allClusters(): IterableIterator<EdgeCluster> {
    return this.#clusters.values();
  }

  /** Objects with the EdgeCluster's label, of kinds that we make; whether they are ours is another question. */
  owned(key: ClusterKey): KubernetesObject[] {
    return [...this.#owned.of(key).values()];
  }

  /** All objects of a kind that we make, by EdgeCluster. */
  *ownedOfKind<T extends KubernetesObject>(kind: string): Iterable<readonly [ClusterKey, T]> {
    for (const [key, objects] of this.#owned.entries()) {
      // The kind says what it is.
      for (const object of objects.values()) if (object.kind === kind) yield [key as ClusterKey, object as T];
    }
  }

  /** Forgets all objects of a kind that is no longer watched. */
  forgetOwned(forgotten: string): void {
    for (const [key, objects] of this.#owned.entries()) {
      for (const [id, { kind }] of objects) if (kind === forgotten) this.#owned.delete(key, id);
    }
  }

  pods(key: ClusterKey): PodView[] {
    return [...this.#pods.of(key).values()];
  }

  readonly service = (namespace: string, name: string): OriginServiceView | undefined =>
    this.#services.get(keyOf(namespace, name));

  readonly slices = (namespace: string, service: string): Iterable<EndpointsView> =>
    this.#slices.of(keyOf(namespace, service)).values();

  /** An EdgeCluster that others name as origin. */
  readonly parent = (namespace: string, name: string): ParentView => {
    const cluster = this.#clusters.get(keyOf(namespace, name));
    if (cluster !== undefined) return { kind: 'present', cluster };
    return { kind: this.known.has(namespace) ? 'absent' : 'unseen' };
  };

  readonly secret = (namespace: string, name: string): TlsSecretView | undefined =>
    this.#secrets.get(keyOf(namespace, name));

  /** Entries of all kinds, for metrics and to see that nothing is kept. */
  get size(): number {
    const { services, secrets } = this.#referrers;
    const maps = [this.#clusters, this.#owned, this.#pods, this.#services, this.#slices, this.#secrets];
    return [...maps, services, secrets, this.#tiersBelow].reduce((total, { size }) => total + size, 0);
  }

  changeCluster(cluster: EdgeCluster, previous: EdgeCluster | undefined, deleted: boolean): ClusterKey[] {
    const key = keyOfObject(cluster);
    const before = previous === undefined ? undefined : referencesOf(previous);
    const after = deleted ? undefined : referencesOf(cluster);
    for (const kind of ['services', 'secrets'] as const) this.#refer(kind, key, key, before?.[kind], after?.[kind]);
    for (const parent of previous === undefined ? [] : parentKeys(previous)) this.#tiersBelow.delete(parent, key);
    for (const parent of deleted ? [] : parentKeys(cluster)) this.#tiersBelow.set(parent, key, key);
    if (deleted) this.#clusters.delete(key);
    else this.#clusters.set(key, cluster);
    const isNew = deleted || previous?.metadata.generation !== cluster.metadata.generation;
    return isNew ? this.#withTiersBelow(key) : [key];
  }

  /** The EdgeCluster, and those whose streams may come by way of it: with it they may be a loop. */
  #withTiersBelow(key: ClusterKey): ClusterKey[] {
    const found = new Set([key]);
    for (const parent of found) for (const child of this.#tiersBelow.of(parent).values()) found.add(child);
    return [...found];
  }

  /** An owned object; its label may have been changed. */
  changeOwned(object: KubernetesObject, previous: KubernetesObject | undefined, deleted: boolean): ClusterKey[] {
    const keys = changeLabelled(this.#owned, idOf, object, previous, deleted);
    if (isRevision(object)) this.#referByRevision(object, previous, deleted);
    return keys;
  }

  changePod(pod: PodView, previous: PodView | undefined, deleted: boolean): ClusterKey[] {
    return changeLabelled(this.#pods, ({ metadata }) => metadata.uid, pod, previous, deleted);
  }

  changeService(service: OriginServiceView, _: OriginServiceView | undefined, deleted: boolean): ClusterKey[] {
    const key = keyOfObject(service);
    if (deleted) this.#services.delete(key);
    else this.#services.set(key, service);
    return this.#referring('services', key);
  }

  changeSlice(slice: EndpointsView, previous: EndpointsView | undefined, deleted: boolean): ClusterKey[] {
    const [before, after] = [previous ?? slice, slice].map(({ metadata, service }) =>
      keyOf(metadata.namespace ?? '', service),
    ) as [ClusterKey, ClusterKey];
    const name = slice.metadata.name ?? '';
    this.#slices.delete(before, name);
    if (!deleted) this.#slices.set(after, name, slice);
    return [...new Set([before, after])].flatMap((key) => this.#referring('services', key));
  }

  changeSecret(secret: TlsSecretView, _: TlsSecretView | undefined, deleted: boolean): ClusterKey[] {
    const key = keyOfObject(secret);
    if (deleted) this.#secrets.delete(key);
    else this.#secrets.set(key, secret);
    return this.#referring('secrets', key);
  }

  /** The spec in a revision may be in force: what it refers to concerns the EdgeCluster, too. */
  #referByRevision(object: V1ControllerRevision, previous: KubernetesObject | undefined, deleted: boolean): void {
    const cluster = clusterKeyOf(object) ?? (previous && clusterKeyOf(previous));
    if (cluster === undefined) return;
    const services = servicesIn(object);
    this.#refer('services', `${cluster} ${object.metadata?.name}`, cluster, services, deleted ? undefined : services);
  }

  /** @param referrer the EdgeCluster, or one of its revisions */
  #refer(
    kind: keyof References,
    referrer: string,
    cluster: ClusterKey,
    before: readonly string[] = [],
    after: readonly string[] = [],
  ): void {
    for (const key of before) this.#referrers[kind].delete(key, referrer);
    for (const key of after) this.#referrers[kind].set(key, referrer, cluster);
  }

  #referring(kind: keyof References, key: string): ClusterKey[] {
    return [...new Set(this.#referrers[kind].of(key).values())];
  }
}

export function keyOf(namespace: string, name: string): ClusterKey {
  return `${namespace}/${name}`;
}

export function keyOfObject({ metadata }: KubernetesObject): ClusterKey {
  return keyOf(metadata?.namespace ?? '', metadata?.name ?? '');
}

function changeLabelled<T extends KubernetesObject>(
  objects: TwoLevels<T>,
  nameOf: (object: T) => string,
  object: T,
  previous: T | undefined,
  deleted: boolean,
): ClusterKey[] {
  const before = previous === undefined ? undefined : clusterKeyOf(previous);
  const after = clusterKeyOf(object);
  if (previous !== undefined && before !== undefined) objects.delete(before, nameOf(previous));
  if (after !== undefined) {
    if (deleted) objects.delete(after, nameOf(object));
    else objects.set(after, nameOf(object), object);
  }
  return [...new Set([before, after])].filter((key) => key !== undefined);
}

/** A map of maps without empty ones. */
class TwoLevels<T> {
  readonly #maps = new Map<string, Map<string, T>>();

  get size(): number {
    let total = 0;
    for (const { size } of this.#maps.values()) total += size;
    return total;
  }

  entries(): Iterable<[string, ReadonlyMap<string, T>]> {
    return this.#maps.entries();
  }

  of(key: string): ReadonlyMap<string, T> {
    return this.#maps.get(key) ?? none;
  }

  set(key: string, name: string, value: T): void {
    const map = this.#maps.get(key);
    if (map === undefined) this.#maps.set(key, new Map([[name, value]]));
    else map.set(name, value);
  }

  delete(key: string, name: string): void {
    const map = this.#maps.get(key);
    if (map?.delete(name) === true && map.size === 0) this.#maps.delete(key);
  }
}

/**
 * Reconciles EdgeClusters, level-triggered, and keeps what is remembered of each between two reconciles.
 */

import type { KubernetesObject } from '@kubernetes/client-node';
import type { EdgeCluster } from '../api/types.ts';
import type { Resource } from '../kube/resources.ts';
import { ClusterMemory } from './cluster-memory.ts';
import { type ClusterKey, keyOfObject } from './observe/caches.ts';
import { idOf } from './observe/ownership.ts';
import { namespaceOfKey } from './observe/watcher.ts';
import type { Requeue } from './queue.ts';
import { Reconcile } from './reconcile.ts';
import type { ReconcileDeps } from './reconcile-deps.ts';

export class Reconciler {
  readonly #deps: ReconcileDeps;
  readonly #nowMs: () => number;
  readonly #memories = new Map<ClusterKey, ClusterMemory>();

  constructor(deps: ReconcileDeps) {
    this.#deps = deps;
    this.#nowMs = deps.nowMs ?? (() => performance.now());
  }

  /** Entries remembered, to see that nothing is kept of what is gone. */
  get size(): number {
    let total = 0;
    for (const memory of this.#memories.values()) total += memory.size;
    return total;
  }

  /** The informer shows an owned object. True: it is our own write; no reconcile is needed. */
  seenOwned(
    key: ClusterKey,
    object: KubernetesObject,
    previous: KubernetesObject | undefined,
    deleted: boolean,
  ): boolean {
    const owned = this.#memories.get(key)?.owned;
    if (!deleted) return owned?.seen(idOf(object), object, previous) ?? false;
    owned?.deleted(idOf(object), object.metadata?.uid);
    return false;
  }

  /**
   * All objects of a kind that we make were listed. Returns the EdgeClusters of which one is missing that we had made.
   * @param namespace undefined: in all
   */
  listedOwned({ group, kind }: Resource, version: string, namespace: string | undefined): ClusterKey[] {
    const lacking: ClusterKey[] = [];
    for (const [key, { owned }] of this.#memories) {
      if (namespace !== undefined && namespace !== namespaceOfKey(key)) continue;
      if (owned.listed(`${group}/${kind}`, version)) lacking.push(key);
    }
    return lacking;
  }

  /** The informer shows an EdgeCluster. True: nothing but our own status is new. */
  seenCluster(cluster: EdgeCluster, previous: EdgeCluster | undefined): boolean {
    return this.#memories.get(keyOfObject(cluster))?.status.seen(cluster, previous) ?? false;
  }

  /** @throws ApiError when the API server cannot be reached or is too busy */
  async reconcile(key: ClusterKey): Promise<Requeue | undefined> {
    const cluster = this.#deps.caches.cluster(key);
    if (cluster === undefined || cluster.metadata.deletionTimestamp !== undefined) {
      // Garbage collection takes what it owned.
      this.#deps.edges.follow(key, [], undefined);
      this.#deps.turns.forget(key);
      this.#memories.delete(key);
      return undefined;
    }
    const memory = this.#memoryOf(key, cluster);
    if (memory.namespaceEnding) return undefined;
    return new Reconcile(this.#deps, this.#nowMs, key, cluster, memory).run();
  }

  #memoryOf(key: ClusterKey, { metadata }: EdgeCluster): ClusterMemory {
    const known = this.#memories.get(key);
    if (known !== undefined && known.uid === metadata.uid) return known;
    const memory = new ClusterMemory(metadata.uid);
    this.#memories.set(key, memory);
    return memory;
  }
}

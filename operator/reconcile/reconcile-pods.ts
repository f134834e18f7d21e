/**
 * What one reconcile does with the pods of its EdgeCluster: their annotations, how their edges are asked, and whom these
 * ask to move.
 */

import type { V1Deployment } from '@kubernetes/client-node';
import type { EdgeCluster } from '../api/types.ts';
import { apiCredentials } from '../render/credential.ts';
import { replicasOf } from '../render/replicas.ts';
import type { Desired } from './apply/desired.ts';
import type { ClusterMemory } from './cluster-memory.ts';
import { edgePods } from './edges/edge-pods.ts';
import { movePlayers } from './edges/move-players.ts';
import { type ConfigTarget, type PodDeps, refreshPods, updateCosts, updateMarks } from './edges/pod-annotations.ts';
import type { ClusterKey } from './observe/caches.ts';
import type { PodView } from './observe/views.ts';
import type { ReconcileDeps } from './reconcile-deps.ts';

export class ReconcilePods {
  readonly #deps: ReconcileDeps;
  readonly #nowMs: () => number;
  readonly #key: ClusterKey;
  readonly #memory: ClusterMemory;

  constructor(deps: ReconcileDeps, nowMs: () => number, key: ClusterKey, memory: ClusterMemory) {
    this.#deps = deps;
    this.#nowMs = nowMs;
    this.#key = key;
    this.#memory = memory;
  }

  /** All pods, with what this reconcile has written. */
  newest(): PodView[] {
    return this.#memory.pods.newest(this.#deps.caches.pods(this.#key));
  }

  /** Kubernetes takes the pods with the least cost: it must be right before, and players of the last seconds count. */
  async beforeScalingIn(cluster: EdgeCluster, deployment: V1Deployment | undefined): Promise<void> {
    const replicas = deployment?.spec?.replicas ?? 0;
    if (replicasOf(cluster) >= replicas) return;
    await this.#deps.edges.askNow(this.#key);
    await updateCosts(this.#annotations, this.newest(), true, this.#memory.pods);
  }

  /** @returns milliseconds until pods may have to be told again of their configuration */
  async refresh({ hash }: Desired['config'], canaries: ConfigTarget['canaries']): Promise<number | undefined> {
    if (hash === undefined) return undefined;
    return refreshPods(this.#annotations, this.newest(), { hash, canaries }, this.#memory.pods, this.#nowMs());
  }

  /** Writes what is lost with each pod, and whether its node is kept. */
  async mark({ spec }: EdgeCluster): Promise<void> {
    const { pods } = this.#memory;
    await updateCosts(this.#annotations, this.newest(), false, pods);
    await updateMarks(this.#annotations, this.newest(), spec.availability.keepNodesWithClients, pods);
  }

  /** Has their edges asked how they are. */
  follow(cluster: EdgeCluster, { hash }: Desired['config']): void {
    const { edges, settings } = this.#deps;
    const { masterKeys } = settings();
    const status = this.#memory.status.newest(cluster);
    const pods = edgePods(this.newest(), cluster.spec.listeners.api.port);
    const credentials = masterKeys === undefined ? [] : apiCredentials(cluster, masterKeys);
    edges.follow(this.#key, pods, hash ?? status?.configHash, credentials);
  }

  /** @returns milliseconds until players may have to be moved again */
  movePlayers(cluster: EdgeCluster, deployment: V1Deployment | undefined): Promise<number | undefined> {
    const scene = { cluster, pods: this.newest(), deployment };
    return movePlayers(this.#deps, scene, this.#memory.rebalance, this.#nowMs());
  }

  get #annotations(): PodDeps {
    const { api, edges, log, signal } = this.#deps;
    return { api, edge: edges.edge, log, signal };
  }
}

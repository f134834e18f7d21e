/** Watches EdgeClusters, their pods, and what we make of them: always, and in each namespace that is looked after. */

import type { KubernetesObject } from '@kubernetes/client-node';
import { CLUSTER_LABEL } from '../../api/labels.ts';
import type { EdgeCluster } from '../../api/types.ts';
import { RESOURCES, type Resource } from '../../kube/resources.ts';
import type { Caches, ClusterKey } from './caches.ts';
import { clusterView, podView } from './views.ts';
import type { Changed, Watcher } from './watcher.ts';

/** Labels of all that we make. */
export const ours = `app.kubernetes.io/managed-by=edgecluster,${CLUSTER_LABEL}`;

const ownedKinds = [
  RESOURCES.ControllerRevision,
  RESOURCES.ServiceAccount,
  RESOURCES.ConfigMap,
  RESOURCES.NetworkPolicy,
  RESOURCES.Service,
  RESOURCES.PodDisruptionBudget,
  RESOURCES.Deployment,
  RESOURCES.HorizontalPodAutoscaler,
];

export type OwnedListed = (kind: Resource, resourceVersion: string, namespace: string | undefined) => void;

export interface OwnWatcherOptions {
  readonly watcher: Watcher;
  readonly caches: Caches;
  readonly clusterChanged: Changed<EdgeCluster>;
  /** What we make, but pods. */
  readonly ownedChanged: Changed<KubernetesObject>;
  /** All of a kind that we make were listed, in this namespace (undefined: in all), and their changes told. */
  readonly ownedListed: OwnedListed;
  /** These EdgeClusters are concerned by a change of a pod. */
  readonly add: (keys: readonly ClusterKey[]) => void;
  /** All are: more is known than before. */
  readonly addAll: () => void;
  /** Resolves when what may be done without has been waited for long enough. */
  readonly longEnough: () => Promise<unknown>;
}

export class OwnWatcher {
  readonly #options: OwnWatcherOptions;
  #secretsWatched = false;

  constructor(options: OwnWatcherOptions) {
    this.#options = options;
  }

  /** Whether the caches show the Secrets that we make. */
  get secretsWatched(): boolean {
    return this.#secretsWatched;
  }

  /** All but Secrets. Resolves when the caches show what there is, or what is late of it has been waited for. */
  async start(): Promise<void> {
    const { watcher, longEnough } = this.#options;
    const all = watcher.namespaces.map((namespace) => this.#watch(namespace));
    // A namespace that is gone, or whose objects may not be listed, holds up no other.
    await Promise.race([Promise.all(all), Promise.all([Promise.any(all), longEnough()])]);
  }

  /** Resolves when the caches show them. */
  async startSecrets(): Promise<void> {
    await this.#watchOwned(RESOURCES.Secret, undefined);
    this.#secretsWatched = true;
  }

  /** @param namespace undefined: all */
  async #watch(namespace: string | undefined): Promise<void> {
    const { watcher, caches, clusterChanged, add, addAll } = this.#options;
    const clusters = watcher.watch(RESOURCES.EdgeCluster, { namespace }, clusterView, clusterChanged);
    const pods = watcher.watch(RESOURCES.Pod, { namespace, labelSelector: ours }, podView, (...change) =>
      add(caches.changePod(...change)),
    );
    const owned = ownedKinds.map((kind) => this.#watchOwned(kind, namespace));
    await Promise.all([clusters, pods, ...owned]);
    caches.known.add(namespace);
    addAll();
  }

  /** @param namespace undefined: each that is looked after */
  #watchOwned(kind: Resource, namespace: string | undefined): Promise<void> {
    const { watcher, ownedChanged, ownedListed } = this.#options;
    const listed = (version: string, where: string | undefined) => ownedListed(kind, version, where);
    return watcher.watch(kind, { namespace, labelSelector: ours, listed }, asIs<KubernetesObject>, ownedChanged);
  }
}

function asIs<T>(object: T): T {
  return object;
}

/** What the reconciler remembers of one EdgeCluster between two reconciles. It saves writes and may be lost. */

import type { V1Pod } from '@kubernetes/client-node';
import type { EdgeCluster, EdgeClusterSpec, EdgeClusterStatus } from '../api/types.ts';
import type { Desired } from './apply/desired.ts';
import { isOlder, OwnedMemory } from './apply/owned-memory.ts';
import type { Told } from './edges/pod-refresh.ts';
import { LastOrigins } from './observe/last-origins.ts';
import { type PodView, podView } from './observe/views.ts';

export class ClusterMemory {
  /** Another EdgeCluster of this name starts anew. */
  readonly uid: string | undefined;
  readonly owned = new OwnedMemory();
  readonly lastOrigins = new LastOrigins();
  /** Its namespace is being deleted: nothing more can be made. */
  namespaceEnding = false;
  /** Reconciles in a row in which a write failed. */
  failures = 0;
  /** Monotonic time of the last look at the Secret that we make, where Secrets are not watched. */
  secretLookedAtMs = Number.NEGATIVE_INFINITY;
  /** The number of edges that alone was written last, while the rest of the Deployment could not be. */
  scaledTo: number | undefined;
  /** Monotonic time of the last write of status. */
  statusAtMs = Number.NEGATIVE_INFINITY;
  /** The status that we last wrote, or found as we would write it. */
  statusMade: EdgeClusterStatus | undefined;
  /** The EdgeCluster as our last write of status left it, until the informer shows it. */
  #statusAnswer: EdgeCluster | undefined;
  /** The spec that was valid last. */
  validSpec: EdgeClusterSpec | undefined;
  readonly #desired = new Map<'asked' | 'former', { readonly key: string; readonly desired: Desired }>();
  /** Pods as our last writes left them, until the informer shows them; by uid. */
  readonly #pods = new Map<string, PodView>();
  /** Which configuration pods were told of; by uid. */
  readonly #told = new Map<string, Told>();

  constructor(uid: string | undefined) {
    this.uid = uid;
  }

  /** Entries, to see that nothing is kept. */
  get size(): number {
    return 1 + this.owned.size + this.lastOrigins.size + this.#pods.size + this.#told.size;
  }

  /**
   * What was made for the same key before: most reconciles are about pods and status, and rendering is most of one.
   * @param of the present spec, or the one that was valid last
   */
  desired(of: 'asked' | 'former', key: string, make: () => Desired): Desired {
    const known = this.#desired.get(of);
    if (known?.key === key) return known.desired;
    const desired = make();
    this.#desired.set(of, { key, desired });
    if (of === 'asked') this.#desired.delete('former');
    return desired;
  }

  /** The status that is written now. */
  status(cached: EdgeCluster): EdgeClusterStatus | undefined {
    const answer = this.#statusAnswer;
    return answer !== undefined && isOlder(cached, answer) ? answer.status : cached.status;
  }

  statusWritten(answer: EdgeCluster, nowMs: number): void {
    this.#statusAnswer = answer;
    this.statusAtMs = nowMs;
  }

  /** The informer shows this. True: nothing but our own status is new. */
  seen(cluster: EdgeCluster): boolean {
    const answer = this.#statusAnswer;
    if (answer === undefined || isOlder(cluster, answer)) return false;
    this.#statusAnswer = undefined;
    return cluster.metadata.resourceVersion === answer.metadata.resourceVersion;
  }

  /** Each as it is now: of the cache's and our own last write's the newer. Forgets pods that are gone. */
  pods(cached: readonly PodView[]): PodView[] {
    const uids = new Set(cached.map(({ metadata }) => metadata.uid));
    for (const map of [this.#pods, this.#told]) for (const uid of map.keys()) if (!uids.has(uid)) map.delete(uid);
    return cached.map((pod) => {
      const written = this.#pods.get(pod.metadata.uid);
      if (written === undefined) return pod;
      if (isOlder(pod, written)) return written;
      this.#pods.delete(pod.metadata.uid);
      return pod;
    });
  }

  told(uid: string): Told | undefined {
    return this.#told.get(uid);
  }

  podTold(uid: string, told: Told): void {
    this.#told.set(uid, told);
  }

  podWritten(answer: V1Pod): void {
    const pod = podView(answer);
    this.#pods.set(pod.metadata.uid, pod);
  }
}

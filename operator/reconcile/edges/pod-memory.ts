/** What is remembered of the pods of one EdgeCluster: our own writes, and what each pod was told. It may be lost. */

import type { V1Pod } from '@kubernetes/client-node';
import { isOlder } from '../../kube/resource-version.ts';
import { type PodView, podView } from '../observe/views.ts';

/** What a pod was told last. */
export interface Told {
  readonly configHash: string;
  /** How often. */
  readonly times: number;
  /** Monotonic. */
  readonly atMs: number;
}

export class PodMemory {
  /** Pods as our last writes left them, until the informer shows them; by uid. */
  readonly #written = new Map<string, PodView>();
  /** Which configuration pods were told of; by uid. */
  readonly #told = new Map<string, Told>();

  /** Entries, to see that nothing is kept. */
  get size(): number {
    return this.#written.size + this.#told.size;
  }

  /** Each as it is now: of the cache's and our own last write's the newer. Forgets pods that are gone. */
  newest(cached: readonly PodView[]): PodView[] {
    const uids = new Set(cached.map(({ metadata }) => metadata.uid));
    for (const map of [this.#written, this.#told]) for (const uid of map.keys()) if (!uids.has(uid)) map.delete(uid);
    return cached.map((pod) => {
      const written = this.#written.get(pod.metadata.uid);
      if (written === undefined) return pod;
      if (isOlder(pod, written)) return written;
      this.#written.delete(pod.metadata.uid);
      return pod;
    });
  }

  written(answer: V1Pod): void {
    const pod = podView(answer);
    this.#written.set(pod.metadata.uid, pod);
  }

  told(uid: string): Told | undefined {
    return this.#told.get(uid);
  }

  tell(uid: string, told: Told): void {
    this.#told.set(uid, told);
  }
}

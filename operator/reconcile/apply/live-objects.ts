/** The objects of one EdgeCluster as they are now: as the caches show them, or as our own last write left them. */

import type { KubernetesObject, V1Deployment, V2HorizontalPodAutoscaler } from '@kubernetes/client-node';
import { nameOf } from '../../api/labels.ts';
import type { EdgeCluster } from '../../api/types.ts';
import { hlsNameOf } from '../../render/hls/names.ts';
import { idOf, standingOf } from '../observe/ownership.ts';
import type { OwnedMemory } from './owned-memory.ts';

export class LiveObjects {
  /** Those that the caches show. */
  readonly cached: readonly KubernetesObject[];
  readonly #cluster: EdgeCluster;
  readonly #memory: Pick<OwnedMemory, 'newest'>;

  constructor(cluster: EdgeCluster, cached: readonly KubernetesObject[], memory: Pick<OwnedMemory, 'newest'>) {
    this.#cluster = cluster;
    this.cached = cached;
    this.#memory = memory;
  }

  get configMap(): KubernetesObject | undefined {
    return this.#own('v1', 'ConfigMap', nameOf(this.#cluster));
  }

  /** That of the edges. */
  get deployment(): V1Deployment | undefined {
    return this.#own('apps/v1', 'Deployment', nameOf(this.#cluster));
  }

  /** That of the caches of HLS. */
  get hlsDeployment(): V1Deployment | undefined {
    return this.#own('apps/v1', 'Deployment', hlsNameOf(this.#cluster));
  }

  get autoscaler(): V2HorizontalPodAutoscaler | undefined {
    const found = this.#own('autoscaling/v2', 'HorizontalPodAutoscaler', nameOf(this.#cluster));
    // Its kind says so.
    return found as V2HorizontalPodAutoscaler | undefined;
  }

  /** The object of that name, where it is the EdgeCluster's. */
  #own(apiVersion: string, kind: string, name: string): KubernetesObject | undefined {
    const id = idOf({ apiVersion, kind, metadata: { name } });
    const newest = this.#memory.newest(
      id,
      this.cached.find((object) => idOf(object) === id),
    );
    return newest !== undefined && standingOf(newest, this.#cluster) === 'ours' ? newest : undefined;
  }
}

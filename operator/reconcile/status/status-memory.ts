/** What is remembered of the status of one EdgeCluster: our own writes of it. It may be lost. */

import { isDeepStrictEqual } from 'node:util';
import type { EdgeCluster, EdgeClusterStatus } from '../../api/types.ts';
import { isOlder } from '../../kube/resource-version.ts';

export class StatusMemory {
  /** Sets clusters apart that would write at the same time; 0 to 1. */
  readonly share: number;
  /** Monotonic time of the last write. */
  writtenAtMs = Number.NEGATIVE_INFINITY;
  /** The status that we last wrote, or found as we would write it. */
  made: EdgeClusterStatus | undefined;
  /** The EdgeCluster as our last write left it, until the informer shows it. */
  #answer: EdgeCluster | undefined;

  constructor(share = Math.random()) {
    this.share = share;
  }

  /** The status that is written now. */
  newest(cached: EdgeCluster): EdgeClusterStatus | undefined {
    const answer = this.#answer;
    return answer !== undefined && isOlder(cached, answer) ? answer.status : cached.status;
  }

  written(answer: EdgeCluster, nowMs: number): void {
    this.#answer = answer;
    this.writtenAtMs = nowMs;
  }

  /**
   * The informer shows this. True: nothing but our own status is new.
   * @param previous what it showed before: after a pause of the watch, our write may have come on top of somebody's
   */
  seen(cluster: EdgeCluster, previous: EdgeCluster | undefined): boolean {
    const answer = this.#answer;
    if (answer === undefined || isOlder(cluster, answer)) return false;
    this.#answer = undefined;
    const isOurs = cluster.metadata.resourceVersion === answer.metadata.resourceVersion;
    return isOurs && previous !== undefined && isDeepStrictEqual(withoutStatus(previous), withoutStatus(cluster));
  }
}

function withoutStatus({ metadata, spec }: EdgeCluster) {
  return { spec, metadata: { ...metadata, resourceVersion: undefined } };
}

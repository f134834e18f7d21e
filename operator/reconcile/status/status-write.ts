/** Writes status where it has changed, and no more often than it is of use; what has changed becomes Events. */

import { API_VERSION, KIND } from '../../api/labels.ts';
import type { EdgeCluster, EdgeClusterStatus } from '../../api/types.ts';
import { ApiError, isAnothers, type KubeApi } from '../../kube/api.ts';
import type { Notify } from '../apply/carry-out.ts';
import type { Definition } from '../observe/definition.ts';
import { eventsOf, type StatusDifference, statusDiffers } from './status-change.ts';
import type { StatusMemory } from './status-memory.ts';

export interface StatusDeps {
  readonly api: Pick<KubeApi, 'apply'>;
  readonly definition: Pick<Definition, 'refused'>;
  readonly notify: Notify;
  /** Ends a write that is under way. */
  readonly signal: AbortSignal;
  /** Monotonic. */
  readonly nowMs: () => number;
  /** EdgeClusters that share what may be written. */
  readonly clusters: number;
}

/**
 * Status of a cluster is written no more often than `facts`, nor sooner after its objects: what happens together is seen
 * one after the other, and when an origin changes, the configuration of all clusters goes before the status of any.
 * Figures are written less often: busy clusters change theirs with each poll.
 */
const everyMs = { facts: 500, figures: 15_000 } as const;
/** Slight changes of all clusters together: two or three writes a second, however many clusters there are. */
const slightMsEach = 420;

/**
 * @param objectsWritten whether objects of the EdgeCluster were written just now
 * @returns milliseconds until a write that waits is due
 */
export async function writeStatus(
  deps: StatusDeps,
  cluster: EdgeCluster,
  status: EdgeClusterStatus,
  memory: StatusMemory,
  objectsWritten: boolean,
): Promise<number | undefined> {
  const previous = memory.newest(cluster);
  const difference = statusDiffers(previous, status);
  const made = memory.made;
  if (difference === 'no') {
    memory.made = status;
    return undefined;
  }
  // Somebody else writes our status: that must not become a race.
  const isOthersDoing = difference === 'facts' && made !== undefined && statusDiffers(made, status) !== 'facts';
  const pauseMs = isOthersDoing ? everyMs.figures : pauseOf(difference, deps.clusters, memory.share);
  const waitMs = Math.max(objectsWritten ? everyMs.facts : 0, memory.writtenAtMs + pauseMs - deps.nowMs());
  if (waitMs > 0) return waitMs;
  await apply(deps, cluster, status, memory);
  memory.made = status;
  for (const { type, reason, message } of eventsOf(previous, status)) deps.notify(cluster, type, reason, message);
  return undefined;
}

/** @param share sets clusters apart, else those of an operator that has just started would stay in step */
function pauseOf(difference: Exclude<StatusDifference, 'no'>, clusters: number, share: number): number {
  if (difference !== 'slight') return everyMs[difference];
  return Math.max(everyMs.figures, clusters * slightMsEach * (0.6 + 0.8 * share));
}

async function apply(
  { api, definition, signal, nowMs }: StatusDeps,
  cluster: EdgeCluster,
  status: EdgeClusterStatus,
  memory: StatusMemory,
): Promise<void> {
  const { name = '', namespace, uid } = cluster.metadata;
  const metadata = { name, ...(namespace !== undefined && { namespace }), ...(uid !== undefined && { uid }) };
  const object = { apiVersion: API_VERSION, kind: KIND, metadata, status };
  try {
    const answer = await api.apply<EdgeCluster>(object, { subresource: 'status', force: true, signal });
    memory.written(answer, nowMs());
  } catch (error) {
    // The EdgeCluster is gone, or another has its name: an event tells us.
    if (error instanceof ApiError && isAnothers(error)) return;
    if (error instanceof ApiError && isMisfit(error)) await definition.refused();
    throw error;
  }
}

/** A field or a word that the API server does not know: the definition of EdgeCluster is not what we took it for. */
function isMisfit({ status, message }: ApiError): boolean {
  return status === 422 || (status === 500 && message.includes('not declared in schema'));
}

/** Writes the number of edges where people and tools look for it, as an autoscaler does: through the scale subresource. */

import type { KubernetesObject } from '@kubernetes/client-node';
import type { Logger } from 'pino';
import type { EdgeCluster } from '../../api/types.ts';
import { ApiError, type KubeApi } from '../../kube/api.ts';
import { RESOURCES } from '../../kube/resources.ts';
import type { ScalingMemory } from './autoscale.ts';

export interface WriteScaleDeps {
  readonly api: Pick<KubeApi, 'mergePatch'>;
  readonly log: Logger;
  readonly signal: AbortSignal;
  /** Monotonic. */
  readonly nowMs: () => number;
}

/** Who writes another number again and again, as from a manifest, is answered so seldom. */
const againMs = 60_000;
/** Somebody wrote at the same time: an event shows what. */
const conflictMs = 1_000;

/**
 * @param cluster as the API server has it: what somebody asks for meanwhile is not overwritten
 * @param isNews whether the number has just changed
 * @returns milliseconds until it is to be done again; undefined: it is as it should be
 * @throws ApiError for what is neither a conflict nor a refusal
 */
export async function writeScale(
  { api, log, signal, nowMs }: WriteScaleDeps,
  { spec: { replicas }, metadata: { namespace, name = '', resourceVersion } }: EdgeCluster,
  edges: number,
  isNews: boolean,
  memory: ScalingMemory,
): Promise<number | undefined> {
  if (replicas === edges) {
    memory.refusal = undefined;
    return undefined;
  }
  const waitMs = memory.writtenAtMs + againMs - nowMs();
  if (!isNews && waitMs > 0) return waitMs;
  memory.writtenAtMs = nowMs();
  memory.refusal = undefined;
  try {
    const patch = { metadata: { resourceVersion }, spec: { replicas: edges } };
    const options = { subresource: 'scale', signal } as const;
    await api.mergePatch<KubernetesObject>(RESOURCES.EdgeCluster, namespace, name, patch, options);
    log.info({ from: replicas, to: edges }, 'scaled by clients');
    return undefined;
  } catch (error) {
    if (!(error instanceof ApiError) || ![403, 404, 409, 422].includes(error.status)) throw error;
    if (error.status === 409) {
      memory.writtenAtMs = Number.NEGATIVE_INFINITY;
      return conflictMs;
    }
    if (error.status !== 404) memory.refusal = error.message;
    return againMs;
  }
}

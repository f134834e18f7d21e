/** The Secret that we make, where Secrets may not be watched: looked at by its name now and then. */

import { apiSecretNameOf } from '../../api/labels.ts';
import type { EdgeCluster } from '../../api/types.ts';
import { ApiError, type KubeApi } from '../../kube/api.ts';
import { RESOURCES } from '../../kube/resources.ts';
import { idOf } from '../observe/ownership.ts';
import type { OwnedMemory } from './owned-memory.ts';

const everyMs = 300_000;

export interface OwnSecretMemory {
  readonly owned: OwnedMemory;
  /** Monotonic time of the last look. */
  secretLookedAtMs: number;
}

/** @returns milliseconds until the next look */
export async function lookAtSecret(
  { api, signal }: { readonly api: Pick<KubeApi, 'get'>; readonly signal: AbortSignal },
  cluster: EdgeCluster,
  memory: OwnSecretMemory,
  nowMs: number,
): Promise<number> {
  const dueInMs = memory.secretLookedAtMs + everyMs - nowMs;
  if (dueInMs > 0) return dueInMs;
  memory.secretLookedAtMs = nowMs;
  const name = apiSecretNameOf(cluster);
  const id = idOf({ apiVersion: 'v1', kind: 'Secret', metadata: { name } });
  try {
    const secret = await api.get(RESOURCES.Secret, cluster.metadata.namespace, name, { signal });
    if (secret === undefined) memory.owned.deleted(id, undefined);
    else memory.owned.written(id, secret);
  } catch (error) {
    // What the operator may not do is told when it writes.
    if (!(error instanceof ApiError && error.status === 403)) throw error;
  }
  return everyMs;
}

/**
 * Changes the number of edges where nothing else of a Deployment can be applied.
 */

import type { V1Deployment } from '@kubernetes/client-node';
import type { Logger } from 'pino';
import { ApiError, isAnothers, type KubeApi } from '../../kube/api.ts';
import { RESOURCES } from '../../kube/resources.ts';
import { idOf } from '../observe/ownership.ts';
import { titleOf } from './carry-out.ts';
import type { OwnedMemory } from './owned-memory.ts';

export interface ScaleDeps {
  readonly api: Pick<KubeApi, 'mergePatch'>;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/**
 * Returns whether the Deployment has as many replicas now. False: it is gone, or this is refused as the rest was, which
 * status tells.
 * @throws ApiError for all else
 */
export async function scaleOnly(
  { api, log, signal }: ScaleDeps,
  deployment: V1Deployment,
  replicas: number,
  memory: OwnedMemory,
): Promise<boolean> {
  if (deployment.spec?.replicas === replicas) return true;
  const { namespace, name = '', uid } = deployment.metadata ?? {};
  const patch = { metadata: { uid }, spec: { replicas } };
  try {
    const answer = await api.mergePatch<V1Deployment>(RESOURCES.Deployment, namespace, name, patch, { signal });
    memory.written(idOf(deployment), { ...answer, apiVersion: 'apps/v1', kind: 'Deployment' });
    log.info({ object: titleOf(deployment), replicas }, 'scaled; the rest waits');
    return true;
  } catch (error) {
    if (error instanceof ApiError && (isAnothers(error) || [403, 422].includes(error.status))) return false;
    throw error;
  }
}

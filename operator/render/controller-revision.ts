/**
 * The spec that is in force, as a ControllerRevision: what a StatefulSet keeps its template in. An operator that starts
 * anew goes on from it where the present spec is not valid. It is an object by itself, so that it outlives whatever is
 * deleted of the others, and it never changes: another spec is another revision.
 */
import { createHash } from 'node:crypto';
import type { V1ControllerRevision } from '@kubernetes/client-node';
import { nameOf } from '../api/labels.ts';
import type { EdgeCluster } from '../api/types.ts';
import { metadataOf, type Owned } from './metadata.ts';

/** @param number grows with each revision of this EdgeCluster */
export function controllerRevision(cluster: EdgeCluster, number: number): Owned<V1ControllerRevision> {
  return {
    apiVersion: 'apps/v1',
    kind: 'ControllerRevision',
    metadata: metadataOf(cluster, { name: revisionNameOf(cluster) }),
    revision: number,
    data: { spec: revisedSpecOf(cluster) },
  };
}

/** The same spec has the same name. */
export function revisionNameOf(cluster: EdgeCluster): string {
  const hash = createHash('sha256')
    .update(JSON.stringify(revisedSpecOf(cluster)))
    .digest('hex')
    .slice(0, 10);
  return `${nameOf(cluster)}-${hash}`;
}

/** Pauses and the number of edges follow the present spec, valid or not: they are in no revision, and make none. */
function revisedSpecOf({ spec }: EdgeCluster): object {
  const { replicas: _, autoscaling: __, paused: ___, ...revised } = spec;
  return revised;
}

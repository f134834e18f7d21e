/** What it means for the edges that objects could not be applied. */

import type { KubernetesObject } from '@kubernetes/client-node';
import { nameOf } from '../../api/labels.ts';
import type { EdgeCluster } from '../../api/types.ts';
import { needed, type Outcome } from './carry-out.ts';
import type { Plan } from './plan.ts';

/** Whether the API server refuses the Deployment of the edges, or what keeps it from being applied. */
export function areEdgesRefused(todo: Plan, outcome: Outcome, cluster: EdgeCluster): boolean {
  return [...todo.blocked, ...outcome.blocked].some(
    ({ object, obstacle }) =>
      obstacle.kind === 'refused' &&
      isNamedAs(object, cluster) &&
      (object.kind === 'Deployment' || needed.has(object.kind)),
  );
}

/** Whether the ConfigMap that pods are to be told of is not there. */
export function isConfigLacking(todo: Plan, outcome: Outcome, cluster: EdgeCluster): boolean {
  const lacking = [...todo.blocked, ...outcome.blocked, ...outcome.failed];
  return lacking.some(({ object }) => object.kind === 'ConfigMap' && isNamedAs(object, cluster));
}

function isNamedAs(object: KubernetesObject, cluster: EdgeCluster): boolean {
  return object.metadata?.name === nameOf(cluster);
}

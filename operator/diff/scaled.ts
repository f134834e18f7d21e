/** How many edges there are where the operator scales by clients: it goes on from those that there are. */
import { scalesByClients } from '../api/autoscaling.ts';
import type { EdgeCluster } from '../api/types.ts';
import type { State } from './change-cost.ts';
import { replicasOf } from './pods-cost.ts';

/** @param from what is now; undefined: there is none yet */
export function scaledFrom(from: State | undefined, next: EdgeCluster): EdgeCluster {
  const { spec } = next;
  const present = from?.find(({ kind }) => kind === 'Deployment');
  if (present === undefined || spec.replicas === 0 || !scalesByClients(spec)) return next;
  return { ...next, spec: { ...spec, replicas: Math.max(spec.replicas, replicasOf(present)) } };
}

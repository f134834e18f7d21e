/** How many edges an EdgeCluster asks for. */
import type { EdgeCluster } from '../api/types.ts';

/**
 * An edge that goes lets its clients finish first: few go at a time, so that the rest are not flooded by them. Of the
 * two numbers the greater counts.
 */
export const scaleIn = { edges: 1, percent: 10, periodSeconds: 60 } as const;

/**
 * How many pods the Deployment is to have: what was asked for, within the autoscaler's limits. 0 stays 0: so
 * autoscaling is made to pause.
 */
export function replicasOf({ spec }: EdgeCluster): number {
  const { replicas, autoscaling } = spec;
  if (autoscaling === undefined || replicas === 0) return replicas;
  return Math.min(Math.max(replicas, autoscaling.minReplicas), autoscaling.maxReplicas);
}

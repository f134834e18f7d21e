/** How many edges an EdgeCluster asks for. */
import type { EdgeCluster } from '../api/types.ts';

/**
 * How many pods the Deployment is to have: what was asked for, within the autoscaler's limits. 0 stays 0: so a
 * HorizontalPodAutoscaler is made to pause.
 */
export function replicasOf({ spec }: EdgeCluster): number {
  const { replicas, autoscaling } = spec;
  if (autoscaling === undefined || replicas === 0) return replicas;
  return Math.min(Math.max(replicas, autoscaling.minReplicas), autoscaling.maxReplicas);
}

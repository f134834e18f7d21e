/** Who chooses the number of edges: the operator by clients, a HorizontalPodAutoscaler by CPU and memory, or both. */
import type { Autoscaling, AutoscalingTargets, EdgeClusterSpec } from './types.ts';

/** Targets that the operator scales by. */
export const CLIENT_TARGETS = [
  'playersPerPod',
  'publishersPerPod',
  'sentKbpsPerPod',
] as const satisfies readonly (keyof AutoscalingTargets)[];

export type ClientTarget = (typeof CLIENT_TARGETS)[number];

/** Where the manifest does not say. */
const defaultHeadroomPercent = 20;

/** Whether the operator scales it. */
export function scalesByClients({ autoscaling }: EdgeClusterSpec): boolean {
  return autoscaling !== undefined && CLIENT_TARGETS.some((target) => autoscaling.targets[target] !== undefined);
}

/** Whether a HorizontalPodAutoscaler scales it. */
export function scalesByUtilization({ autoscaling }: EdgeClusterSpec): boolean {
  if (autoscaling === undefined) return false;
  const { cpuUtilizationPercent, memoryUtilizationPercent } = autoscaling.targets;
  return cpuUtilizationPercent !== undefined || memoryUtilizationPercent !== undefined;
}

export function headroomPercentOf({ headroomPercent }: Autoscaling): number {
  return headroomPercent ?? defaultHeadroomPercent;
}

/** Who chooses the number of edges: the operator by clients, a HorizontalPodAutoscaler by CPU and memory, or both. */
import type { Autoscaling, AutoscalingTargets, EdgeCluster, EdgeClusterSpec } from './types.ts';

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

/** Who chooses the number of edges, for people who read a manifest; none where that number is in it. */
export function autoscalingNotes({ spec }: EdgeCluster): readonly string[] {
  const { autoscaling, replicas } = spec;
  if (autoscaling === undefined) return [];
  if (replicas === 0) return ['no edge runs while replicas is 0: autoscaling stands still until somebody raises it'];
  const { minReplicas, maxReplicas, targets } = autoscaling;
  const bounds = `the number of edges, ${minReplicas} to ${maxReplicas}`;
  if (!scalesByClients(spec)) return [`a HorizontalPodAutoscaler chooses ${bounds}`];
  const clients = CLIENT_TARGETS.filter((target) => targets[target] !== undefined);
  const more = scalesByUtilization(spec) ? '; a HorizontalPodAutoscaler may ask for more' : '';
  return [`the operator chooses ${bounds}, by ${clients.join(', ')}${more}`];
}

export function headroomPercentOf({ headroomPercent }: Autoscaling): number {
  return headroomPercent ?? defaultHeadroomPercent;
}

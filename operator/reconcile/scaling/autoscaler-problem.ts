/** What a HorizontalPodAutoscaler says that keeps it from its work. */

import type { V2HorizontalPodAutoscaler } from '@kubernetes/client-node';

export interface AutoscalerProblem {
  readonly reason: 'MetricMissing' | 'LimitReached';
  /** Its own words. */
  readonly message: string;
}

/** Pods that have just started have no metrics yet. */
const graceMs = 180_000;

/** @param nowMs since the epoch */
export function autoscalerProblem(
  autoscaler: V2HorizontalPodAutoscaler | undefined,
  nowMs: number,
): AutoscalerProblem | undefined {
  const active = conditionOf(autoscaler, 'ScalingActive');
  if (isMissing(active) && graceEndsAtMs(active) <= nowMs)
    return { reason: 'MetricMissing', message: active.message ?? active.reason ?? '' };
  const limited = conditionOf(autoscaler, 'ScalingLimited');
  if (limited?.status === 'True' && limited.reason === 'TooManyReplicas')
    return { reason: 'LimitReached', message: limited.message ?? limited.reason };
  return undefined;
}

/** Milliseconds until what it says becomes a problem; undefined: it will not. @param nowMs since the epoch */
export function problemDueInMs(autoscaler: V2HorizontalPodAutoscaler | undefined, nowMs: number): number | undefined {
  const active = conditionOf(autoscaler, 'ScalingActive');
  return isMissing(active) && graceEndsAtMs(active) > nowMs ? graceEndsAtMs(active) - nowMs : undefined;
}

type Condition = NonNullable<NonNullable<V2HorizontalPodAutoscaler['status']>['conditions']>[number];

function conditionOf(autoscaler: V2HorizontalPodAutoscaler | undefined, wanted: string): Condition | undefined {
  return autoscaler?.status?.conditions?.find(({ type }) => type === wanted);
}

/** While there are to be no edges it is not active either. */
function isMissing(active: Condition | undefined): active is Condition {
  return active?.status === 'False' && active.reason !== 'ScalingDisabled';
}

/** Times are text unless a client has parsed them. */
function graceEndsAtMs({ lastTransitionTime }: Condition): number {
  return lastTransitionTime === undefined ? 0 : new Date(lastTransitionTime).getTime() + graceMs;
}

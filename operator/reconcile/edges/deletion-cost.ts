/**
 * Which pods need another `controller.kubernetes.io/pod-deletion-cost`: Kubernetes takes pods of the least cost first
 * when it scales in, so the emptiest goes.
 */

import type { PodView } from '../observe/views.ts';
import { isSignificant } from './quarter-rule.ts';
import { type EdgeState, lastReport } from './report.ts';

export const deletionCostAnnotation = 'controller.kubernetes.io/pod-deletion-cost';

/** A publisher cut off is all its viewers cut off. */
const publisherWeight = 10;

export interface CostChange {
  readonly pod: PodView;
  readonly cost: number;
}

/**
 * The writes that are due. Small changes wait, unless `exact` asks for all of them because pods are about to be taken.
 */
export function costChanges(
  pods: readonly PodView[],
  edge: (uid: string) => EdgeState,
  { exact }: { readonly exact: boolean },
): CostChange[] {
  return pods.flatMap((pod): CostChange[] => {
    // A pod that ends is taken already; of one that never answered nothing is known.
    const report = pod.ending ? undefined : lastReport(edge(pod.metadata.uid));
    if (report === undefined) return [];
    const cost = Math.min(report.figures.players + publisherWeight * report.figures.publishers, 2 ** 31 - 1);
    const before = writtenCost(pod);
    return cost !== before && (exact || isSignificant(before, cost)) ? [{ pod, cost }] : [];
  });
}

/** Without the annotation a pod costs 0. */
function writtenCost(pod: PodView): number {
  const cost = Number(pod.metadata.annotations?.[deletionCostAnnotation] ?? 0);
  return Number.isInteger(cost) ? cost : 0;
}

/**
 * Which pods need marks, or need them no more, by which the cluster autoscaler and Karpenter leave a node alone whose edge
 * has clients (`spec.availability.keepNodesWithClients`).
 */

import { NODE_KEPT } from '../../api/labels.ts';
import type { PodView } from '../observe/views.ts';
import { type EdgeState, lastReport } from './report.ts';

/** What is set on a pod together; by the first one we know that the others are ours to take away. */
const marks: Readonly<Record<string, string>> = {
  [NODE_KEPT]: 'true',
  'cluster-autoscaler.kubernetes.io/safe-to-evict': 'false',
  'karpenter.sh/do-not-disrupt': 'true',
};
const noMarks: Readonly<Record<string, null>> = Object.fromEntries(Object.keys(marks).map((name) => [name, null]));

export interface MarkChange {
  readonly pod: PodView;
  /** As in a merge patch: null takes away. */
  readonly annotations: Readonly<Record<string, string | null>>;
}

/** The writes that are due. @param keep whether nodes are to be kept at all */
export function markChanges(
  pods: readonly PodView[],
  edge: (uid: string) => EdgeState,
  keep: boolean,
): readonly MarkChange[] {
  return pods.flatMap((pod): MarkChange[] => {
    const isMarked = pod.metadata.annotations?.[NODE_KEPT] !== undefined;
    if (!keep) return isMarked ? [{ pod, annotations: noMarks }] : [];
    // A pod that ends is taken already; of one that never answered nothing is known.
    const figures = pod.ending ? undefined : lastReport(edge(pod.metadata.uid))?.figures;
    if (figures === undefined) return [];
    const hasClients = figures.players + figures.publishers > 0;
    if (hasClients === isMarked) return [];
    return [{ pod, annotations: hasClients ? marks : noMarks }];
  });
}

/**
 * Which pods are to be told that their configuration has changed. The kubelet looks at a ConfigMap's volume about once
 * a minute, and at once when the pod itself changes: an annotation is enough.
 */

import { CONFIG_HASH } from '../api/labels.ts';
import type { EdgeState } from './edge-report.ts';
import type { PodView } from './views.ts';

/**
 * Pods that need the annotation CONFIG_HASH with this hash. Not those whose edge has the configuration already, as a
 * pod that started after the change, nor those that nobody has asked yet.
 */
export function podsToRefresh(
  pods: readonly PodView[],
  configHash: string,
  edge: (uid: string) => EdgeState,
): PodView[] {
  return pods.filter((pod) => {
    if (pod.ending || pod.phase !== 'Running' || pod.metadata.annotations?.[CONFIG_HASH] === configHash) return false;
    const known = edge(pod.metadata.uid);
    return known.state === 'silent' || (known.state === 'answering' && known.report.config.hash !== configHash);
  });
}

/** The PodDisruptionBudget: how many edges a drained node may take away at a time. */
import type { V1PodDisruptionBudget } from '@kubernetes/client-node';
import { matchLabelsOf } from '../api/labels.ts';
import type { EdgeCluster } from '../api/types.ts';
import { metadataOf, type Owned } from './metadata.ts';

export function podDisruptionBudget(cluster: EdgeCluster): Owned<V1PodDisruptionBudget> | undefined {
  const { enabled, minAvailable, maxUnavailable } = cluster.spec.availability.podDisruptionBudget;
  if (!enabled) return undefined;
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: metadataOf(cluster),
    spec: {
      ...(minAvailable === undefined ? { maxUnavailable: maxUnavailable ?? 1 } : { minAvailable }),
      selector: { matchLabels: matchLabelsOf(cluster) },
      // An edge that is not ready serves nobody new: it must not keep a node from being emptied.
      unhealthyPodEvictionPolicy: 'AlwaysAllow',
    },
  };
}

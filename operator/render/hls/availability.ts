/** How many caches there are by load, and how many a drained node may take away at a time. */
import type { V1PodDisruptionBudget, V2HorizontalPodAutoscaler } from '@kubernetes/client-node';
import type { EdgeCluster, Hls } from '../../api/types.ts';
import { metadataOf, type Owned } from '../metadata.ts';
import { hlsMatchLabelsOf, hlsNameOf } from './names.ts';

/** It is there where that of the edges is. */
export function hlsDisruptionBudget(cluster: EdgeCluster): Owned<V1PodDisruptionBudget> | undefined {
  if (!cluster.spec.availability.podDisruptionBudget.enabled) return undefined;
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: metadataOf(cluster, { name: hlsNameOf(cluster) }),
    spec: {
      maxUnavailable: 1,
      selector: { matchLabels: hlsMatchLabelsOf(cluster) },
      unhealthyPodEvictionPolicy: 'AlwaysAllow',
    },
  };
}

/** It drives the Deployment itself: the operator leaves the number alone. */
export function hlsAutoscaler(
  cluster: EdgeCluster,
  { autoscaling, replicas }: Hls,
): Owned<V2HorizontalPodAutoscaler> | undefined {
  if (autoscaling === undefined) return undefined;
  const { maxReplicas, cpuUtilizationPercent } = autoscaling;
  return {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: metadataOf(cluster, { name: hlsNameOf(cluster) }),
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: hlsNameOf(cluster) },
      // An autoscaler knows no 0.
      minReplicas: Math.max(1, replicas),
      maxReplicas,
      metrics: [
        {
          type: 'ContainerResource',
          containerResource: {
            name: 'cpu',
            container: 'cache',
            target: { type: 'Utilization', averageUtilization: cpuUtilizationPercent },
          },
        },
      ],
    },
  };
}

/** Tells a Prometheus operator to read the metrics of every cache, where it is told to read those of the edges. */
import { nameOf } from '../../api/labels.ts';
import type { EdgeCluster } from '../../api/types.ts';
import { metadataOf } from '../metadata.ts';
import type { PodMonitor } from '../pod-monitor.ts';
import { hlsMatchLabelsOf, hlsNameOf } from './names.ts';

export function hlsPodMonitor(cluster: EdgeCluster): PodMonitor | undefined {
  const { enabled, intervalSeconds, labels } = cluster.spec.monitoring.podMonitor;
  if (!enabled) return undefined;
  return {
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'PodMonitor',
    metadata: metadataOf(cluster, { name: hlsNameOf(cluster), labels }),
    spec: {
      selector: { matchLabels: hlsMatchLabelsOf(cluster) },
      podMetricsEndpoints: [
        {
          port: 'metrics',
          path: '/metrics',
          interval: `${intervalSeconds}s`,
          relabelings: [{ targetLabel: 'name', replacement: nameOf(cluster) }],
        },
      ],
    },
  };
}

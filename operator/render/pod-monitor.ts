/** The PodMonitor: tells a Prometheus operator to read the exporter of every edge. */
import { matchLabelsOf, nameOf } from '../api/labels.ts';
import type { EdgeCluster } from '../api/types.ts';
import { metadataOf, type OwnedObject } from './metadata.ts';

/** As far as we use it; its CRD is the Prometheus operator's. */
export interface PodMonitor extends OwnedObject {
  readonly spec: {
    readonly selector: { readonly matchLabels: Readonly<Record<string, string>> };
    readonly podMetricsEndpoints: readonly {
      readonly port: string;
      readonly path: string;
      readonly interval: string;
      readonly relabelings: readonly { readonly targetLabel: string; readonly replacement: string }[];
    }[];
  };
}

/** None without an exporter to read. Whether the CRD exists is for the caller to know. */
export function podMonitor(cluster: EdgeCluster): PodMonitor | undefined {
  const { monitoring, listeners } = cluster.spec;
  const { enabled, intervalSeconds, labels } = monitoring.podMonitor;
  if (!enabled || !listeners.exporter.enabled) return undefined;
  return {
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'PodMonitor',
    metadata: metadataOf(cluster, { labels }),
    spec: {
      selector: { matchLabels: matchLabelsOf(cluster) },
      podMetricsEndpoints: [
        {
          port: 'exporter',
          path: '/metrics',
          interval: `${intervalSeconds}s`,
          // With the label `namespace`, which every pod's figures have: what the operator tells has the same two.
          relabelings: [{ targetLabel: 'name', replacement: nameOf(cluster) }],
        },
      ],
    },
  };
}

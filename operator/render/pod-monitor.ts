/** The PodMonitor: tells a Prometheus operator to read the exporter of every edge. */
import { apiSecretNameOf, METRICS_PASSWORD_KEY, METRICS_USERNAME_KEY, matchLabelsOf, nameOf } from '../api/labels.ts';
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
      readonly basicAuth?: { readonly username: SecretKey; readonly password: SecretKey };
      readonly relabelings: readonly { readonly targetLabel: string; readonly replacement: string }[];
    }[];
  };
}

/** In the namespace of the PodMonitor. */
interface SecretKey {
  readonly name: string;
  readonly key: string;
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
          ...(listeners.exporter.requireCredentials && { basicAuth: basicAuthOf(cluster) }),
          // With the label `namespace`, which every pod's figures have: what the operator tells has the same two.
          relabelings: [{ targetLabel: 'name', replacement: nameOf(cluster) }],
        },
      ],
    },
  };
}

function basicAuthOf(cluster: EdgeCluster): { readonly username: SecretKey; readonly password: SecretKey } {
  const name = apiSecretNameOf(cluster);
  return { username: { name, key: METRICS_USERNAME_KEY }, password: { name, key: METRICS_PASSWORD_KEY } };
}

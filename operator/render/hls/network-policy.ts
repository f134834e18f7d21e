/** The NetworkPolicy of the caches: as that of the edges, for other pods and ports. */
import type { V1NetworkPolicy } from '@kubernetes/client-node';
import type { EdgeCluster, Hls } from '../../api/types.ts';
import { metadataOf, type Owned } from '../metadata.ts';
import { hlsMatchLabelsOf, hlsNameOf } from './names.ts';

export function hlsNetworkPolicy(cluster: EdgeCluster, { listeners }: Hls): Owned<V1NetworkPolicy> | undefined {
  const { enabled, clients, monitoring = [{ namespaceSelector: {} }] } = cluster.spec.networkPolicy;
  if (!enabled) return undefined;
  const { http, https, metrics } = listeners;
  const open = [http.port, ...(https === undefined ? [] : [https.port])];
  const policyPort = (port: number) => ({ protocol: 'TCP', port });
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: metadataOf(cluster, { name: hlsNameOf(cluster) }),
    spec: {
      podSelector: { matchLabels: hlsMatchLabelsOf(cluster) },
      policyTypes: ['Ingress'],
      ingress: [
        { ...(clients && { from: [...clients] }), ports: open.map(policyPort) },
        { from: [...monitoring], ports: [policyPort(metrics.port)] },
      ],
    },
  };
}

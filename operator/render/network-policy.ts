/** The NetworkPolicy: who may reach the edges. What they reach themselves stays open. */
import type { V1NetworkPolicy, V1NetworkPolicyPeer, V1NetworkPolicyPort } from '@kubernetes/client-node';
import { matchLabelsOf } from '../api/labels.ts';
import type { EdgeCluster } from '../api/types.ts';
import { metadataOf, type Owned } from './metadata.ts';
import { clientPorts, monitoringPorts, type Port } from './ports.ts';

/** Every pod in the cluster, the operator's among them. */
const everyPod: readonly V1NetworkPolicyPeer[] = [{ namespaceSelector: {} }];

export function networkPolicy(cluster: EdgeCluster): Owned<V1NetworkPolicy> | undefined {
  const { enabled, clients, monitoring = everyPod } = cluster.spec.networkPolicy;
  if (!enabled) return undefined;
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: metadataOf(cluster),
    spec: {
      podSelector: { matchLabels: matchLabelsOf(cluster) },
      policyTypes: ['Ingress'],
      ingress: [
        // Without "from": everybody.
        { ...(clients && { from: [...clients] }), ports: clientPorts(cluster).map(policyPort) },
        { from: [...monitoring], ports: monitoringPorts(cluster).map(policyPort) },
      ],
    },
  };
}

function policyPort({ port }: Port): V1NetworkPolicyPort {
  return { protocol: 'TCP', port };
}

/**
 * The headless Service that names every ready edge: for edges behind these, and for who wants to choose by himself.
 */
import type { V1Service } from '@kubernetes/client-node';
import { headlessNameOf, matchLabelsOf, ORIGINS_FOR } from '../api/labels.ts';
import type { EdgeCluster } from '../api/types.ts';
import { metadataOf, type Owned } from './metadata.ts';
import { clientPorts, monitoringPorts } from './ports.ts';

export function headlessService(cluster: EdgeCluster): Owned<V1Service> {
  const ports = [...clientPorts(cluster).filter(({ name }) => name === 'rtmp'), ...monitoringPorts(cluster)];
  // Tiers of other namespaces follow this one, too.
  const consent = cluster.spec.service.annotations?.[ORIGINS_FOR];
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: metadataOf(cluster, {
      name: headlessNameOf(cluster),
      ...(consent !== undefined && { annotations: { [ORIGINS_FOR]: consent } }),
    }),
    spec: {
      type: 'ClusterIP',
      clusterIP: 'None',
      selector: matchLabelsOf(cluster),
      ports: ports.map(({ name, port }) => ({ name, port, protocol: 'TCP', targetPort: name })),
    },
  };
}

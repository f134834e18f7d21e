/**
 * The headless Service that names every ready edge: for edges behind these, and for who wants to choose by himself.
 */
import type { V1Service } from '@kubernetes/client-node';
import { headlessNameOf, matchLabelsOf, ORIGINS_FOR } from '../api/labels.ts';
import type { EdgeCluster } from '../api/types.ts';
import { metadataOf, type Owned } from './metadata.ts';
import { clientPorts, monitoringPorts } from './ports.ts';
import { networkOf } from './service-network.ts';

export function headlessService(cluster: EdgeCluster): Owned<V1Service> {
  const { labels, annotations } = cluster.spec.service.headless ?? {};
  // Tiers of other namespaces follow this one, too.
  const consent = cluster.spec.service.annotations?.[ORIGINS_FOR];
  // Tiers below pull by RTMP or RTMPS.
  const towardsTiers = clientPorts(cluster).filter(({ name }) => name === 'rtmp' || name === 'rtmps');
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: metadataOf(cluster, {
      name: headlessNameOf(cluster),
      labels,
      annotations: { ...annotations, ...(consent !== undefined && { [ORIGINS_FOR]: consent }) },
    }),
    spec: {
      type: 'ClusterIP',
      clusterIP: 'None',
      selector: matchLabelsOf(cluster),
      ports: [...towardsTiers, ...monitoringPorts(cluster)].map(({ name, port }) => ({
        name,
        port,
        protocol: 'TCP',
        targetPort: name,
      })),
      ...networkOf(cluster),
    },
  };
}

/** The Service for players of HLS. */
import type { V1Service } from '@kubernetes/client-node';
import { ORIGINS_FOR } from '../../api/labels.ts';
import type { EdgeCluster, Hls } from '../../api/types.ts';
import { metadataOf, type Owned } from '../metadata.ts';
import { networkOf } from '../service-network.ts';
import { hlsMatchLabelsOf, hlsNameOf } from './names.ts';

export function hlsService(cluster: EdgeCluster, { service, listeners }: Hls): Owned<V1Service> {
  const { labels, type } = service;
  // Tiers of other namespaces that may follow the edges may follow the caches, too.
  const consent = cluster.spec.service.annotations?.[ORIGINS_FOR];
  const annotations = { ...(consent !== undefined && { [ORIGINS_FOR]: consent }), ...service.annotations };
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: metadataOf(cluster, { name: hlsNameOf(cluster), labels, annotations }),
    spec: {
      type,
      selector: hlsMatchLabelsOf(cluster),
      ports: (['http', 'https'] as const).flatMap((name) => {
        const listener = listeners[name];
        return listener === undefined ? [] : [{ name, port: listener.servicePort, protocol: 'TCP', targetPort: name }];
      }),
      ...networkOf(cluster),
    },
  };
}

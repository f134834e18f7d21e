/** The Service for players and publishers. The API has refused what does not fit its type. */
import type { V1Service, V1ServicePort } from '@kubernetes/client-node';
import { matchLabelsOf } from '../api/labels.ts';
import type { EdgeCluster } from '../api/types.ts';
import { metadataOf, type Owned } from './metadata.ts';
import { clientPorts } from './ports.ts';
import { networkOf } from './service-network.ts';

export function service(cluster: EdgeCluster): Owned<V1Service> {
  const { service: settings } = cluster.spec;
  const { labels, annotations, externalTrafficPolicy, loadBalancerClass, loadBalancerSourceRanges } = settings;
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: metadataOf(cluster, { labels, annotations }),
    spec: {
      type: settings.type,
      selector: matchLabelsOf(cluster),
      ports: clientPorts(cluster).map(({ name, servicePort }): V1ServicePort => {
        const nodePort = settings.nodePorts?.[name];
        return {
          name,
          port: servicePort,
          protocol: 'TCP',
          targetPort: name,
          ...(nodePort !== undefined && { nodePort }),
        };
      }),
      sessionAffinity: settings.sessionAffinity,
      ...(externalTrafficPolicy !== undefined && { externalTrafficPolicy }),
      ...networkOf(cluster),
      ...(loadBalancerClass !== undefined && { loadBalancerClass }),
      ...(loadBalancerSourceRanges && { loadBalancerSourceRanges: [...loadBalancerSourceRanges] }),
    },
  };
}

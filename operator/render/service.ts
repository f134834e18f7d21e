/** The Service for players and publishers. */
import type { V1Service, V1ServicePort, V1ServiceSpec } from '@kubernetes/client-node';
import { matchLabelsOf } from '../api/labels.ts';
import type { EdgeCluster } from '../api/types.ts';
import { metadataOf, type Owned } from './metadata.ts';
import { clientPorts } from './ports.ts';

export function service(cluster: EdgeCluster): Owned<V1Service> {
  const { service: settings } = cluster.spec;
  const { labels, annotations, ipFamilyPolicy } = settings;
  const isExternal = settings.type !== 'ClusterIP';
  const spec: V1ServiceSpec = {
    type: settings.type,
    selector: matchLabelsOf(cluster),
    ports: clientPorts(cluster).map(({ name, servicePort }): V1ServicePort => {
      const nodePort = isExternal ? settings.nodePorts?.[name] : undefined;
      return {
        name,
        port: servicePort,
        protocol: 'TCP',
        targetPort: name,
        ...(nodePort !== undefined && { nodePort }),
      };
    }),
    sessionAffinity: settings.sessionAffinity,
    ...(ipFamilyPolicy !== undefined && { ipFamilyPolicy }),
    // The API server refuses these for other types.
    ...(isExternal && externalOf(settings)),
    ...(settings.type === 'LoadBalancer' && loadBalancerOf(settings)),
  };
  return { apiVersion: 'v1', kind: 'Service', metadata: metadataOf(cluster, { labels, annotations }), spec };
}

function externalOf({ externalTrafficPolicy }: EdgeCluster['spec']['service']): Partial<V1ServiceSpec> {
  return externalTrafficPolicy === undefined ? {} : { externalTrafficPolicy };
}

function loadBalancerOf(settings: EdgeCluster['spec']['service']): Partial<V1ServiceSpec> {
  const { loadBalancerClass, loadBalancerSourceRanges: ranges } = settings;
  return {
    ...(loadBalancerClass !== undefined && { loadBalancerClass }),
    ...(ranges !== undefined && ranges.length > 0 && { loadBalancerSourceRanges: [...ranges] }),
  };
}

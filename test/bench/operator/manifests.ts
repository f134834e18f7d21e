/** What the benchmark puts into the API: EdgeClusters of several sorts, all with the origins of one Service. */
import type { V1EndpointSlice, V1ObjectMeta, V1Service } from '@kubernetes/client-node';

export const originNamespace = 'media';
export const operatorUser = `system:serviceaccount:${originNamespace}:operator`;

export function namespaceNames(count: number): readonly string[] {
  return Array.from({ length: count }, (_, i) => `tenant-${i}`);
}

export function originService(): V1Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'origins', annotations: { 'edgecluster.io/origins-for': '*' } },
    spec: { ports: [{ name: 'rtmp', port: 1935 }] },
  };
}

export function endpointSlice(addresses: readonly string[]): V1EndpointSlice {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'origins', labels: { 'kubernetes.io/service-name': 'origins' } },
    addressType: 'IPv4',
    ports: [{ name: 'rtmp', port: 1935, protocol: 'TCP' }],
    endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })),
  };
}

export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: V1ObjectMeta;
  readonly spec: unknown;
}

/** One in four is scaled automatically, one has a network policy, one has several vhosts, one is the smallest. */
export function clusterManifests(count: number, namespaces: number): readonly Manifest[] {
  const names = namespaceNames(namespaces);
  const origins = [{ name: 'main', service: { name: 'origins', namespace: originNamespace, port: 'rtmp' } }];
  const sorts = [
    { origins },
    { origins, autoscaling: { minReplicas: 2, maxReplicas: 12, targets: { cpuUtilizationPercent: 60 } } },
    { origins, networkPolicy: { enabled: true } },
    { origins, vhosts: [{ name: 'up.example.com' }, { name: 'down.example.com', tokenTraverse: true }] },
  ];
  return Array.from({ length: count }, (_, i) => ({
    apiVersion: 'edgecluster.io/v1alpha1',
    kind: 'EdgeCluster',
    metadata: { name: `edges-${i}`, namespace: names[i % names.length] ?? '' },
    spec: sorts[i % sorts.length],
  }));
}

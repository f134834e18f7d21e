/** A Service of origins in the namespace of the tests, and the pods behind it. */

import type { KubernetesObject, V1EndpointSlice, V1Service } from '@kubernetes/client-node';
import { namespace } from './operator-scene.ts';

export function originService(name: string): KubernetesObject & V1Service {
  const ports = [{ name: 'rtmp', port: 1935, protocol: 'TCP' }];
  return { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace }, spec: { ports } };
}

/** Named `SERVICE-abc`; all addresses are ready. */
export function originSlice(service: string, addresses: readonly string[]): KubernetesObject & V1EndpointSlice {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: `${service}-abc`, namespace, labels: { 'kubernetes.io/service-name': service } },
    addressType: 'IPv4',
    endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })),
    ports: [{ name: 'rtmp', port: 1935, protocol: 'TCP' }],
  };
}

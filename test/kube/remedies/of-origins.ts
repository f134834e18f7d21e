/** Origins that cannot be found. */

import type { Place, Remedy } from './remedy.ts';

const byService = (service: object) => ({ origins: [{ name: 'main', service: { name: 'origin', ...service } }] });
const rtmp = { name: 'rtmp', port: 1935 };
const serviceOf = (spec: object = {}) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'origin' },
  spec: { ports: [rtmp], ...spec },
});
const endpointsOf = (ready: boolean) => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name: 'origin-1', labels: { 'kubernetes.io/service-name': 'origin' } },
  addressType: 'IPv4',
  ports: [{ name: 'rtmp', port: 1935 }],
  endpoints: [{ addresses: ['10.9.9.9'], conditions: { ready, serving: ready } }],
});

/** A Service whose endpoints are known. */
async function origin(place: Place, ready = true): Promise<void> {
  await place.apply(serviceOf());
  await place.apply(endpointsOf(ready));
}

export const ofOrigins: readonly Remedy[] = [
  {
    name: "another namespace's Service that does not consent",
    rows: ['OriginsReachable RefNotPermitted', 'Degraded OriginsNotFound'],
    produce: async (place) => {
      const there = (object: object) =>
        place.kubernetes.kubectl(['-n', place.elsewhere, 'apply', '-f', '-'], { input: JSON.stringify(object) });
      await there(serviceOf());
      await there(endpointsOf(true));
      await place.create(byService({ namespace: place.elsewhere }));
    },
    remedy: ({ kubernetes, namespace, elsewhere }) =>
      kubernetes.kubectl(['annotate', 'service', '-n', elsewhere, 'origin', `edgecluster.io/origins-for=${namespace}`]),
  },
  {
    name: "another namespace's EdgeCluster that does not consent",
    rows: ['OriginsReachable RefNotPermitted'],
    produce: async (place) => {
      const above = {
        apiVersion: 'edgecluster.io/v1alpha1',
        kind: 'EdgeCluster',
        metadata: { name: 'above' },
        spec: { origins: [{ name: 'main', servers: ['origin-a.media:1935'] }] },
      };
      await place.kubernetes.kubectl(['-n', place.elsewhere, 'apply', '-f', '-'], { input: JSON.stringify(above) });
      await place.create({ origins: [{ name: 'main', edgeCluster: { name: 'above', namespace: place.elsewhere } }] });
    },
    remedy: ({ kubernetes, namespace, elsewhere }) => {
      const service = { annotations: { 'edgecluster.io/origins-for': namespace } };
      const patch = JSON.stringify({ spec: { service } });
      return kubernetes.kubectl(['-n', elsewhere, 'patch', 'ec/above', '--type=merge', '-p', patch]);
    },
  },
  {
    name: 'a Service that is not there',
    rows: ['OriginsReachable ServiceNotFound', 'Degraded OriginsNotFound'],
    produce: (place) => place.create(byService({})),
    remedy: (place) => origin(place),
  },
  {
    name: 'a Service of another name',
    rows: ['OriginsReachable ServiceNotFound'],
    produce: async (place) => {
      await origin(place);
      await place.create(byService({ name: 'origim' }));
    },
    remedy: (place) => place.change(byService({})),
  },
  {
    name: 'a port that the Service has not',
    rows: ['OriginsReachable ServicePortNotFound'],
    produce: async (place) => {
      await origin(place);
      await place.create(byService({ port: 'rtmpx' }));
    },
    remedy: (place) => place.change(byService({ port: 'rtmp' })),
  },
  {
    name: 'endpoints of which none is ready',
    rows: ['OriginsReachable NoEndpoints'],
    produce: async (place) => {
      await origin(place, false);
      await place.create(byService({}));
    },
    // The origin's pod is mended.
    remedy: (place) => place.apply(endpointsOf(true)),
  },
  {
    name: 'an EdgeCluster above that is not there',
    rows: ['OriginsReachable ParentNotFound'],
    produce: (place) => place.create({ origins: [{ name: 'main', edgeCluster: { name: 'above' } }] }),
    remedy: (place) => place.create({}, 'above'),
  },
];

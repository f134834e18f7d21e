/** What somebody has written in the manifest. */

import type { Remedy } from './remedy.ts';

export const ofSpecs: readonly Remedy[] = [
  {
    name: 'a directive that there is not, in the first manifest',
    rows: [
      'ConfigValid InvalidDirectives',
      'Degraded ConfigInvalid',
      'Ready ConfigInvalid',
      'Available ConfigInvalid',
      'Progressing Blocked',
      'Stalled Blocked',
    ],
    produce: (place) => place.create({ extraDirectives: 'no_such_directive on;' }),
    remedy: (place) => place.change({ extraDirectives: null }),
  },
  {
    name: 'a URL that none is',
    rows: ['ConfigValid InvalidConfig', 'Degraded ConfigInvalid'],
    produce: (place) => place.create({ vhosts: [{ name: 'tv.example', hooks: { onPlay: ['http://[::x'] } }] }),
    remedy: (place) =>
      place.change({ vhosts: [{ name: 'tv.example', hooks: { onPlay: ['http://hooks.example/play'] } }] }),
  },
  {
    name: 'edges that are to pull from themselves',
    rows: ['ConfigValid ParentLoop', 'Degraded ConfigInvalid'],
    produce: (place) => place.create({ origins: [{ name: 'main', servers: ['live-edges:1935'] }] }),
    remedy: (place) => place.change({ origins: [{ name: 'main', servers: ['origin-a.media:1935'] }] }),
  },
  {
    name: "EdgeClusters that are each other's origins",
    rows: ['ConfigValid ParentLoop'],
    produce: async (place) => {
      await place.create({ origins: [{ name: 'above', edgeCluster: { name: 'other' } }] }, 'other-child');
      await place.create({ origins: [{ name: 'above', edgeCluster: { name: 'live' } }] }, 'other');
      await place.create({ origins: [{ name: 'above', edgeCluster: { name: 'other' } }] });
    },
    remedy: (place) => place.change({ origins: [{ name: 'above', servers: ['origin-a.media:1935'] }] }, 'other'),
  },
  {
    name: 'no edges wanted',
    rows: ['Ready ScaledToZero', 'Available ScaledToZero'],
    produce: (place) => place.create({ replicas: 0 }),
    remedy: (place) => place.kubectl('scale', 'ec/live', '--replicas=2'),
  },
  {
    name: 'no edges wanted, with autoscaling',
    rows: ['Scaling ScaledToZero'],
    produce: (place) => place.create({ replicas: 0, autoscaling }),
    remedy: (place) => place.kubectl('scale', 'ec/live', '--replicas=2'),
  },
  {
    name: 'paused, and changed meanwhile',
    rows: ['Progressing Paused', 'Ready Paused', 'Scaling Paused'],
    produce: async (place) => {
      await place.create({ autoscaling });
      await place.until(({ status }) => status?.configHash !== undefined);
      await place.kubectl('annotate', 'ec/live', 'edgecluster.io/paused=yes');
      await place.change({ maxConnections: 4321 });
    },
    remedy: (place) => place.kubectl('annotate', 'ec/live', 'edgecluster.io/paused-'),
  },
  {
    name: 'paused in the manifest',
    rows: ['Progressing Paused'],
    produce: (place) => place.create({ paused: true }),
    remedy: (place) => place.change({ paused: false }),
  },
  {
    name: 'no caches of HLS wanted',
    rows: ['HlsReady ScaledToZero'],
    produce: (place) => place.create({ hls: { ...hls, replicas: 0 } }),
    remedy: (place) => place.change({ hls: { replicas: 1 } }),
  },
  {
    name: 'no caches of HLS wanted, and so none',
    rows: ['HlsReady ScaledToZero'],
    produce: (place) => place.create({ hls: { ...hls, replicas: 0 } }),
    remedy: (place) => place.change({ hls: null }),
  },
];

const autoscaling = { minReplicas: 2, maxReplicas: 4, targets: { playersPerPod: 100 } };
const hls = { image: 'nginx:test' };

/** What stands in the way of the objects that an EdgeCluster needs. */

import { createCertificate } from './certificate.ts';
import type { Remedy } from './remedy.ts';

export const ofObjects: readonly Remedy[] = [
  {
    name: "somebody else's Service of its name",
    rows: ['Degraded NameTaken', 'Ready Blocked'],
    produce: async (place) => {
      await place.kubectl('create', 'service', 'clusterip', 'live', '--tcp=80');
      await place.create();
    },
    remedy: (place) => place.kubectl('delete', 'service', 'live'),
  },
  {
    name: "somebody else's ConfigMap of the caches' name",
    rows: ['HlsReady Blocked', 'Degraded NameTaken'],
    produce: async (place) => {
      await place.kubectl('create', 'configmap', 'live-hls');
      await place.create({ hls: { image: 'nginx:test' } });
    },
    remedy: (place) => place.kubectl('delete', 'configmap', 'live-hls'),
  },
  {
    name: 'a quota that allows no Service',
    rows: ['Degraded ApplyRefused', 'Ready Blocked'],
    produce: async (place) => {
      await place.kubectl('create', 'quota', 'none', '--hard=count/services=0');
      await place.create();
    },
    remedy: (place) => place.kubectl('delete', 'quota', 'none'),
  },
  {
    name: 'a quota that allows no pods',
    rows: ['Degraded PodsFailing', 'Progressing PodsFailing', 'Available NoEdgesReady'],
    produce: async (place) => {
      await place.kubectl('create', 'quota', 'none', '--hard=pods=0');
      await place.create();
    },
    remedy: (place) => place.kubectl('delete', 'quota', 'none'),
  },
  {
    name: 'a listener whose Secret is not there',
    rows: ['Degraded SecretNotFound'],
    produce: (place) => place.create({ listeners: { rtmps: { port: 1443, secretName: 'certificate' } } }),
    remedy: createCertificate,
  },
  {
    name: 'a listener whose Secret has no certificate',
    rows: ['Degraded SecretNotFound'],
    produce: async (place) => {
      await place.kubectl('create', 'secret', 'generic', 'certificate', '--from-literal=some=thing');
      await place.create({ listeners: { rtmps: { port: 1443, secretName: 'certificate' } } });
    },
    remedy: async (place) => {
      await place.kubectl('delete', 'secret', 'certificate');
      await createCertificate(place);
    },
  },
];

/** What edges say, or why they do not come to say anything. */

import { originManifest } from '../../support/origin-manifest.ts';
import { createCertificate } from './certificate.ts';
import { has, type Place, type Remedy } from './remedy.ts';

const rtmps = { listeners: { rtmps: { port: 1443, secretName: 'certificate' } } };
const groupOf = (...names: readonly string[]) => [{ name: 'main', servers: names.map((name) => `${name}.media:1935`) }];
const startOrigin = ({ kubernetes }: Place, name: string): Promise<string> =>
  kubernetes.kubectl(['apply', '-f', '-'], { input: JSON.stringify(originManifest(name)) });

export const ofEdges: readonly Remedy[] = [
  {
    name: 'one of two origins is not there',
    rows: ['OriginsReachable SomeUnreachable', 'Degraded OriginDown'],
    produce: async (place) => {
      await startOrigin(place, 'origin-a');
      await place.create({ replicas: 1, origins: groupOf('origin-a', 'origin-b') });
    },
    remedy: (place) => startOrigin(place, 'origin-b'),
  },
  {
    name: 'the only origin is not there',
    rows: ['OriginsReachable NoneReachable', 'Degraded OriginDown'],
    produce: (place) => place.create({ replicas: 1, origins: groupOf('origin-c') }),
    remedy: (place) => startOrigin(place, 'origin-c'),
  },
  {
    name: 'pods that wait for the Secret of a listener',
    rows: ['Progressing EdgesStarting', 'Available WaitingForEdges', 'Ready EdgesNotReady'],
    produce: (place) => place.create({ replicas: 1, ...rtmps }),
    remedy: createCertificate,
  },
  {
    name: 'pods that end at once: the certificate of a listener is none',
    rows: ['Degraded PodsFailing'],
    produce: async (place) => {
      const none = ['--from-literal=tls.crt=none', '--from-literal=tls.key=none'];
      await place.kubectl('create', 'secret', 'generic', 'certificate', '--type=kubernetes.io/tls', ...none);
      await place.create({ replicas: 1, ...rtmps });
    },
    remedy: async (place) => {
      await place.kubectl('delete', 'secret', 'certificate');
      await createCertificate(place);
    },
  },
  {
    name: 'a configuration that is tried for long',
    rows: ['Progressing ConfigCanary', 'Ready ApplyingConfig'],
    produce: async (place) => {
      await place.create({ configRollout: { watchSeconds: 600 } });
      await place.until((live) => has(live, 'Ready AllEdgesReady'));
      await place.change({ maxConnections: 77 });
    },
    remedy: (place) => place.change({ configRollout: { strategy: 'Immediate' } }),
  },
  {
    name: 'a vhost that the EdgeCluster above has not',
    rows: ['OriginsReachable ParentVhostMissing', 'Degraded OriginsNotFound'],
    produce: async (place) => {
      await place.create({ replicas: 1, vhosts: [{ name: 'tv.example' }] }, 'above');
      const origins = [{ name: 'main', edgeCluster: { name: 'above' } }];
      await place.create({ replicas: 1, origins, vhosts: [{ name: 'radio.example' }] });
    },
    remedy: (place) => place.change({ vhosts: [{ name: 'tv.example' }, { name: 'radio.example' }] }, 'above'),
  },
];

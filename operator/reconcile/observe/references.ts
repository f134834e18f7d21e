/** What an EdgeCluster refers to: Services of origins, Secrets of TLS listeners. */

import { httpServiceOf } from '../../api/http-port.ts';
import { namespaceOf } from '../../api/labels.ts';
import { followedService } from '../../api/origin-groups.ts';
import type { EdgeCluster } from '../../api/types.ts';

/** What an EdgeCluster refers to, as `namespace/name`: a change of one of them concerns it. */
export interface References {
  readonly services: readonly string[];
  readonly secrets: readonly string[];
}

/** As much of an EdgeCluster as says what it refers to. */
export interface Referrer {
  readonly metadata: Pick<EdgeCluster['metadata'], 'namespace'>;
  readonly spec: Pick<EdgeCluster['spec'], 'origins' | 'listeners' | 'hls'>;
}

export function referencesOf(cluster: Referrer): References {
  const namespace = namespaceOf(cluster);
  const services = cluster.spec.origins.flatMap((group) => {
    const followed = [followedService(group), cluster.spec.hls && httpServiceOf(group)];
    return followed.flatMap((service) =>
      service === undefined ? [] : [`${service.namespace ?? namespace}/${service.name}`],
    );
  });
  const secrets = tlsSecrets(cluster).map(({ name }) => `${namespace}/${name}`);
  return { services: [...new Set(services)], secrets: [...new Set(secrets)] };
}

/** Secrets that listeners name, and the fields that name them. */
export function tlsSecrets({ spec }: Pick<Referrer, 'spec'>): { readonly name: string; readonly place: string }[] {
  const { listeners, hls } = spec;
  const secrets = [
    { name: listeners.rtmps?.secretName, place: 'spec.listeners.rtmps' },
    { name: listeners.https?.secretName, place: 'spec.listeners.https' },
    { name: hls?.listeners.https?.secretName, place: 'spec.hls.listeners.https' },
  ];
  return secrets.flatMap(({ name, place }) => (name === undefined ? [] : [{ name, place }]));
}

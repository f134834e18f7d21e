/** What an EdgeCluster refers to: Services of origins, Secrets of TLS listeners. */

import type { EdgeCluster } from '../../api/types.ts';

/** What an EdgeCluster refers to, as `namespace/name`: a change of one of them concerns it. */
export interface References {
  readonly services: readonly string[];
  readonly secrets: readonly string[];
}

export function referencesOf(cluster: EdgeCluster): References {
  const namespace = namespaceOf(cluster);
  const services = cluster.spec.origins.flatMap(({ service }) =>
    service === undefined ? [] : [`${service.namespace ?? namespace}/${service.name}`],
  );
  const secrets = tlsSecrets(cluster).map(({ name }) => `${namespace}/${name}`);
  return { services: [...new Set(services)], secrets: [...new Set(secrets)] };
}

/** Secrets that listeners name, and the fields that name them. */
export function tlsSecrets({ spec }: EdgeCluster): { readonly name: string; readonly place: string }[] {
  return (['rtmps', 'https'] as const).flatMap((listener) => {
    const name = spec.listeners[listener]?.secretName;
    return name === undefined ? [] : [{ name, place: `spec.listeners.${listener}` }];
  });
}

/** References without a namespace mean the EdgeCluster's own. */
export function namespaceOf({ metadata }: EdgeCluster): string {
  return metadata.namespace ?? 'default';
}

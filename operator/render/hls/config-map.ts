/** The ConfigMap of the caches: nginx.conf, the origins for their agents, and authorities of origins by HTTPS. */
import type { V1ConfigMap } from '@kubernetes/client-node';
import type { EdgeCluster, Hls } from '../../api/types.ts';
import type { Origins } from '../edge-config.ts';
import { metadataOf, type Owned } from '../metadata.ts';
import {
  ACCESS_PORT,
  CACHE_DIRECTORY,
  HLS_DIRECTORY,
  HLS_TLS_DIRECTORY,
  hlsNameOf,
  NGINX_CONF,
  ORIGINS_FILE,
  RUN_DIRECTORY,
} from './names.ts';
import { httpCaKey, type Place, renderNginxConf } from './nginx-conf.ts';
import { hlsGroupsOf } from './upstreams.ts';

/** In a pod. */
function placeOf({ listeners: { http, https } }: Hls): Place {
  return {
    http: String(http.port),
    ...(https && {
      https: {
        listen: String(https.port),
        certFile: `${HLS_TLS_DIRECTORY}/tls.crt`,
        keyFile: `${HLS_TLS_DIRECTORY}/tls.key`,
      },
    }),
    accessLog: `127.0.0.1:${ACCESS_PORT}`,
    configDirectory: HLS_DIRECTORY,
    runDirectory: RUN_DIRECTORY,
    cacheDirectory: CACHE_DIRECTORY,
  };
}

export function hlsConfigMap(cluster: EdgeCluster, hls: Hls, httpOrigins: Origins): Owned<V1ConfigMap> {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: metadataOf(cluster, { name: hlsNameOf(cluster) }),
    data: {
      [NGINX_CONF]: renderNginxConf(cluster, hls, placeOf(hls)),
      [ORIGINS_FILE]: `${JSON.stringify({ groups: hlsGroupsOf(cluster, httpOrigins) }, undefined, 2)}\n`,
      ...caBundles(cluster),
    },
  };
}

/** Authorities of the groups that have their own, by the file's name. */
export function caBundles({ spec }: EdgeCluster): Readonly<Record<string, string>> {
  return Object.fromEntries(
    spec.origins.flatMap(({ name, http }) =>
      http?.tls?.caBundle === undefined ? [] : [[httpCaKey(name), http.tls.caBundle] as const],
    ),
  );
}

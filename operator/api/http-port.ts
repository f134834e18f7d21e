/** Where the HTTP servers of a group are that have its HLS. */
import type { OriginGroup, OriginService } from './types.ts';

/** SRS's own. */
export const DEFAULT_HTTP_PORT = 8080;

/** A number, or the name of a port of the group's Service. */
export function httpPortOf({ http, edgeCluster }: OriginGroup): number | string {
  const ofCaches = http?.tls === undefined ? 'http' : 'https';
  return http?.port ?? (edgeCluster === undefined ? DEFAULT_HTTP_PORT : ofCaches);
}

/** The Service in front of them: of a parent that of its caches. Undefined: the group lists servers. */
export function httpServiceOf(group: OriginGroup): OriginService | undefined {
  const { service, edgeCluster } = group;
  const port = httpPortOf(group);
  if (edgeCluster === undefined) return service && { ...service, port };
  return { ...edgeCluster, name: `${edgeCluster.name}-hls`, port };
}

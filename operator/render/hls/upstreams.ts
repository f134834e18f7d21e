/**
 * Where nginx asks for HLS: an `upstream` for each group of origins, with the addresses that they have now. The
 * operator lists the groups, and the agent beside each nginx writes the file whenever an address changes. Pure.
 */
import { httpServiceOf } from '../../api/http-port.ts';
import type { EdgeCluster, OriginGroup } from '../../api/types.ts';
import type { Origins } from '../edge-config.ts';

/** One group as the operator tells it to the agents. */
export interface HlsGroup {
  readonly name: string;
  /** `hash`: a stream is asked for at the same origin by all caches. `failover`: in the order given. */
  readonly order: 'hash' | 'failover';
  /** `host:port`; IPv6 in brackets. */
  readonly servers: readonly string[];
  /** `host:port` to look up when none of the servers can be reached: the DNS name of the Service. */
  readonly lastResort?: string;
}

/** @param httpOrigins `host:port` of the HTTP servers of each group */
export function hlsGroupsOf({ metadata, spec }: EdgeCluster, httpOrigins: Origins): HlsGroup[] {
  return spec.origins.map((group) => {
    const { name, balance } = group;
    const service = httpServiceOf(group);
    return {
      name,
      order: balance === 'Failover' ? 'failover' : 'hash',
      servers: httpOrigins.get(name) ?? [],
      ...(service !== undefined &&
        typeof service.port === 'number' && {
          lastResort: `${service.name}.${service.namespace ?? metadata.namespace ?? 'default'}.svc:${service.port}`,
        }),
    };
  });
}

/** The name that the certificates of a group's origins are checked for. */
export function serverNameOf(group: OriginGroup, namespace: string): string {
  const [first = ''] = group.servers ?? [];
  const service = httpServiceOf(group);
  const host =
    service === undefined ? first.replace(/:\d+$/, '') : `${service.name}.${service.namespace ?? namespace}.svc`;
  return group.http?.tls?.serverName ?? host.replace(/^\[|\]$/g, '');
}

/** What is in a group without any address: nobody answers there, so that nginx starts all the same. */
const nobody = '127.0.0.1:1';

/** A server that has failed is asked again after so long. */
const setAsideSeconds = 10;

const keepaliveConnections = 32;

/**
 * The file. @param addresses `address:port` of each group; names would be looked up once, when nginx starts
 */
export function renderUpstreams(groups: readonly Pick<HlsGroup, 'name' | 'order'>[], addresses: Origins): string {
  return groups.map(({ name, order }) => upstream(name, order, addresses.get(name) ?? [])).join('\n');
}

function upstream(name: string, order: HlsGroup['order'], addresses: readonly string[]): string {
  const servers = addresses.length === 0 ? [nobody] : addresses;
  const lines = servers.map((address, index) => {
    const standIn = order === 'failover' && index > 0 ? ` backup weight=${weightOf(index)}` : '';
    return `    server ${address} max_fails=1 fail_timeout=${setAsideSeconds}s${standIn};`;
  });
  return [
    `upstream ${upstreamOf(name)} {`,
    `    zone ${upstreamOf(name)} 128k;`,
    // Before the servers: nginx refuses "backup" where hash comes first, and wants the method before keepalive.
    ...(order === 'hash' ? ['    hash $hls_stream consistent;'] : []),
    ...lines,
    `    keepalive ${keepaliveConnections};`,
    '}',
    '',
  ].join('\n');
}

/** No group can have the name of a host. */
export function upstreamOf(group: string): string {
  return `origins_${group}`;
}

/** nginx takes turns among stand-ins by their weight: with these the first that works gets nearly all. */
function weightOf(index: number): number {
  return Math.max(1, 10 ** (8 - 2 * index));
}

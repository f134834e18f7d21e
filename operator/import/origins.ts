/** The origins of a vhost as an origin group of an EdgeCluster. */
import { defaultVhost, RTMP_PORT, RTMPS_PORT } from '../../edge/conf/defaults.ts';
import type { OriginAddress, RemoteCluster, VhostConfig } from '../../edge/conf/model.ts';
import type { Fields } from './listeners.ts';

const balance = { round_robin: 'RoundRobin', hash: 'StreamHash', failover: 'Failover' } as const;

/** What a URL without a port means. */
const webPorts = { http: 80, https: 443 } as const;

/** @param notes what the group does not say, or says otherwise, is added here */
export function groupOf(vhost: VhostConfig, cluster: RemoteCluster, notes: string[]): Fields {
  const { edge } = vhost;
  const standard = defaultVhost().edge;
  const note = (text: string): number => notes.push(`vhost ${vhost.name}: ${text}`);
  const { origins, isTls, pull } = originsOf(vhost, cluster, note);
  for (const origin of origins.filter(({ host }) => isHere(host))) {
    note(`origin ${written(origin)} is this machine, which pods do not reach there; write its address`);
  }
  if (edge.originTlsCaFile !== '') {
    note(`put the content of ${edge.originTlsCaFile} into tls.caBundle of its origin group`);
  }
  const keysSecretName = edge.originKeysFile === '' ? undefined : secretNameOf(edge.originKeysFile);
  if (keysSecretName !== undefined) {
    note(
      `the key for its origins comes from a Secret: kubectl create secret generic ${keysSecretName} --from-file=keys=${edge.originKeysFile}`,
    );
  }
  return {
    servers: [...new Set(origins.map(written))],
    ...(keysSecretName !== undefined && { keysSecretName }),
    ...(isTls && {
      tls: {
        ...(!edge.originTlsVerify && { insecureSkipVerify: true }),
        ...(edge.originTlsName !== '' && { serverName: edge.originTlsName }),
      },
    }),
    ...(pull !== undefined && { pull }),
    ...(edge.balance !== 'round_robin' && { balance: balance[edge.balance] }),
    ...(edge.locateUrl !== '' && { locate: locateOf(edge) }),
    timeouts: {
      connectMs: edge.connectTimeoutMs,
      requestMs: edge.requestTimeoutMs,
      firstFrameMs: edge.firstFrameTimeoutMs,
      locateIntervalMs: edge.locateIntervalMs,
      ...(edge.locateParallel !== standard.locateParallel && { locateParallel: edge.locateParallel }),
      stallMs: edge.stallTimeoutMs,
      retryMinMs: edge.retryMinMs,
      retryMaxMs: edge.retryMaxMs,
    },
  };
}

/** After the path of its file: `/etc/edge/keys` becomes `etc-edge-keys`. */
function secretNameOf(file: string): string {
  const name = file.toLowerCase().replace(/[^a-z0-9]+/g, '-');
  return name.slice(-200).replace(/^-+|-+$/g, '') || 'origin-keys';
}

/** What the servers of a group are connected to by, and at which ports: those of servers are RTMP's in a manifest. */
interface GroupOrigins {
  readonly origins: readonly OriginAddress[];
  readonly isTls: boolean;
  /** Undefined where streams are pulled by RTMP. */
  readonly pull: Fields | undefined;
}

function originsOf({ edge }: VhostConfig, cluster: RemoteCluster, note: (text: string) => void): GroupOrigins {
  const { protocol, followClient } = cluster;
  const isHttp = protocol === 'flv' || protocol === 'flvs';
  const listed = oneKind(cluster, note);
  const speaksTls = protocol === 'rtmps' || listed[0]?.scheme === 'rtmps';
  const isTls = protocol === 'flvs' || speaksTls;
  if (!isHttp && !followClient) {
    const unused = { origin_http_port: edge.originHttpPort, origin_https_port: edge.originHttpsPort };
    for (const [directive, port] of Object.entries(unused)) {
      if (port !== undefined) note(`edge.${directive}: nothing is pulled by HTTP here; left out`);
    }
    return { origins: listed.map((origin) => byRtmp(origin, isTls)), isTls, pull: undefined };
  }
  // A manifest has one `tls`, for RTMP and HTTP.
  if (protocol === 'flv' && isTls) {
    note('cluster.protocol: an EdgeCluster pulls from rtmps:// origins by HTTPS, not by HTTP, since tls is for both');
  } else if (protocol === 'flvs' && !speaksTls) {
    note('cluster.protocol: an EdgeCluster that pulls by HTTPS pushes publishers by RTMPS, since tls is for both');
  }
  const { origins, port, isRtmpPort } = portsOf(listed, protocol, edge, note);
  const usualOnly = !isRtmpPort || isTls !== speaksTls;
  return {
    origins: origins.map((origin) => byRtmp(usualOnly ? { ...origin, usualPort: true } : origin, isTls)),
    isTls,
    pull: {
      ...(isHttp && { protocol: 'HttpFlv' }),
      ...(followClient && { followClient }),
      ...((followClient || !isTls) && { httpPort: port.http }),
      ...((followClient || isTls) && { httpsPort: port.https }),
    },
  };
}

/** As in SRS the port in `origin` is that of what is pulled by, unless that has a directive of its own. */
function portsOf(
  listed: readonly OriginAddress[],
  protocol: RemoteCluster['protocol'],
  { originHttpPort, originHttpsPort }: VhostConfig['edge'],
  note: (text: string) => void,
) {
  const port = { http: originHttpPort ?? webPorts.http, https: originHttpsPort ?? webPorts.https };
  const scheme = protocol === 'flv' ? 'http' : 'https';
  const isGiven = (protocol === 'flv' ? originHttpPort : originHttpsPort) !== undefined;
  if ((protocol !== 'flv' && protocol !== 'flvs') || isGiven) return { origins: listed, port, isRtmpPort: true };
  const portOf = (origin: OriginAddress): number => (origin.usualPort ? webPorts[scheme] : origin.port);
  const [first] = listed.map(portOf);
  const others = listed.filter((origin) => portOf(origin) !== first);
  if (others.length > 0) {
    note(
      `a group of origins has one port for ${scheme.toUpperCase()}, so ${others.map(written).join(', ')} is left out`,
    );
  }
  return {
    origins: listed.filter((origin) => !others.includes(origin)),
    port: { ...port, [scheme]: first ?? webPorts[scheme] },
    isRtmpPort: false,
  };
}

/** A group speaks TLS or does not: the origins that are as the first one. */
function oneKind({ origins, protocol }: RemoteCluster, note: (text: string) => void): readonly OriginAddress[] {
  if (protocol === 'rtmps') return origins;
  const others = origins.filter(({ scheme }) => scheme !== origins[0]?.scheme);
  if (others.length > 0) {
    note(`a group of origins speaks RTMP or RTMPS, so ${others.map(written).join(', ')} is left out`);
  }
  return origins.filter((origin) => !others.includes(origin));
}

function byRtmp(origin: OriginAddress, isTls: boolean): OriginAddress {
  return origin.usualPort ? { ...origin, port: isTls ? RTMPS_PORT : RTMP_PORT } : origin;
}

function locateOf({ locateUrl, locateTimeoutMs, locateTtlMs }: VhostConfig['edge']): Fields {
  const standard = defaultVhost().edge;
  return {
    url: locateUrl,
    ...(locateTimeoutMs !== standard.locateTimeoutMs && { timeoutMs: locateTimeoutMs }),
    ...(locateTtlMs !== standard.locateTtlMs && { ttlMs: locateTtlMs }),
  };
}

/** Whether a host is the machine that the file was written for. */
export function isHere(host: string): boolean {
  return /^(localhost$|127\.|\[?::1\]?$)/.test(host);
}

function written({ host, port }: OriginAddress): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** The spec of an EdgeCluster in the words of the edge: a model of its configuration, before `extraDirectives`. */
import { createHash } from 'node:crypto';
import { originAddresses, originNames } from '../../edge/conf/address-values.ts';
import { defaultConfig, defaultVhost } from '../../edge/conf/defaults.ts';
import type { EdgeConfig, ListenAddress, OriginAddress, TlsListen, VhostConfig } from '../../edge/conf/model.ts';
import {
  API_CREDENTIALS_DIRECTORY,
  CONFIG_DIRECTORY,
  headlessNameOf,
  METRICS_CREDENTIALS_KEY,
  nameOf,
} from '../api/labels.ts';
import { balanceOf, followedService } from '../api/origin-groups.ts';
import type { EdgeCluster, Hooks, OriginGroup, TlsListener, Vhost } from '../api/types.ts';
import { accessOf, networkOf, tokenKeysFile } from './access.ts';
import { RenderError } from './error.ts';

/** Servers of each origin group: `host:port`, at least one. */
export type Origins = ReadonlyMap<string, readonly string[]>;

/** `name:port`s that edges look up when no origin of the group works; none for a group that is not in it. */
export type OriginLookups = ReadonlyMap<string, readonly string[]>;

const balance = { RoundRobin: 'round_robin', StreamHash: 'hash', Failover: 'failover' } as const;
const timeJitter = { Full: 'full', Zero: 'zero', Off: 'off' } as const;
const logLevel = { Trace: 'trace', Debug: 'debug', Info: 'info', Warn: 'warn', Error: 'error' } as const;

/** Where the Secret of a TLS listener is mounted. */
export function tlsDirectory(listener: 'rtmps' | 'https'): string {
  return `/etc/edge-tls/${listener}`;
}

/** Whether clients reach a listener by TLS. */
export function hasTls({ spec: { listeners } }: EdgeCluster): boolean {
  return listeners.rtmps !== undefined || (listeners.http.enabled && listeners.https !== undefined);
}

/**
 * Key of the ConfigMap that holds the authorities of an origin group. It is named after its content, so that other
 * authorities are another edge.conf, which edges take at once and together with the file.
 */
export function caBundleKey(group: string, caBundle: string): string {
  return `origin-${group}-${createHash('sha256').update(caBundle).digest('hex').slice(0, 8)}.pem`;
}

/** The group that a vhost pulls from and pushes to. Throws RenderError for a name that no group has. */
function originGroupOf(cluster: EdgeCluster, vhost: Vhost): OriginGroup {
  const { origins } = cluster.spec;
  const group = vhost.origin === undefined ? origins[0] : origins.find(({ name }) => name === vhost.origin);
  if (group !== undefined) return group;
  const known = origins.map(({ name }) => name).join(', ');
  const place = `spec.vhosts[${cluster.spec.vhosts.indexOf(vhost)}].origin`;
  throw new RenderError('InvalidConfig', [`${place}: there is no origin group "${vhost.origin}"; expected: ${known}`]);
}

/**
 * Edges must not pull from themselves. The API server cannot tell where a namespace is given: its rules do not see the
 * EdgeCluster's own.
 */
function refuseItself(cluster: EdgeCluster): void {
  const { namespace = 'default' } = cluster.metadata;
  const services = [nameOf(cluster), headlessNameOf(cluster)];
  const hosts = new Set(
    services.flatMap((name) =>
      ['', `.${namespace}`, `.${namespace}.svc`, `.${namespace}.svc.cluster.local`].map((rest) => `${name}${rest}`),
    ),
  );
  const isItself = (group: OriginGroup): boolean => {
    const service = followedService(group);
    return (
      (service !== undefined && (service.namespace ?? namespace) === namespace && services.includes(service.name)) ||
      (group.servers ?? []).some((server) => hosts.has(server.replace(/:\d+$/, '').replace(/\.$/, '').toLowerCase()))
    );
  };
  const problems = cluster.spec.origins.flatMap((group, index) =>
    isItself(group)
      ? [
          `spec.origins[${index}]: these are the EdgeCluster's own edges, so that they would pull from themselves; name the origins`,
        ]
      : [],
  );
  if (problems.length > 0) throw new RenderError('InvalidConfig', problems);
}

/** Origins cannot judge what clients show where edges sign in their place. */
function refuseTraverseWithKeys(cluster: EdgeCluster): void {
  const problems = cluster.spec.vhosts.flatMap((vhost, index) => {
    const { name, keysSecretName } = originGroupOf(cluster, vhost);
    if (!vhost.tokenTraverse || keysSecretName === undefined) return [];
    return [
      `spec.vhosts[${index}].tokenTraverse: the origins "${name}" have keysSecretName, so what clients show does not go on and cannot be judged there; leave tokenTraverse out, and let the vhost's token or callbacks judge clients`,
    ];
  });
  if (problems.length > 0) throw new RenderError('InvalidConfig', problems);
}

/** The whole configuration, without `extraDirectives`. Throws RenderError for origins that are none, or the edges themselves. */
export function edgeConfigOf(cluster: EdgeCluster, origins: Origins, lookups: OriginLookups): EdgeConfig {
  refuseItself(cluster);
  refuseTraverseWithKeys(cluster);
  const { spec } = cluster;
  const { rtmp, rtmps, http, https, api, exporter } = spec.listeners;
  return defaultConfig({
    listen: at(rtmp.port),
    ...(rtmps && { rtmps: tls('rtmps', rtmps) }),
    maxConnections: spec.maxConnections,
    log: { level: logLevel[spec.logLevel] },
    httpApi: { enabled: true, listen: at(api.port) },
    httpServer: http.enabled
      ? { enabled: true, listen: at(http.port), ...(https && { https: tls('https', https) }) }
      : {},
    exporter: exporter.enabled
      ? {
          enabled: true,
          listen: at(exporter.port),
          streams: exporter.streams,
          ...(exporter.requireCredentials && {
            credentialsFile: `${API_CREDENTIALS_DIRECTORY}/${METRICS_CREDENTIALS_KEY}`,
          }),
        }
      : {},
    edge: {
      ...(spec.proxies && {
        trustedProxies: spec.proxies.trusted.map((each, index) => networkOf(each, `spec.proxies.trusted[${index}]`)),
        proxyProtocol: spec.proxies.proxyProtocol,
      }),
    },
    vhosts: spec.vhosts.map((vhost, index) => ({
      ...vhostOf(vhost, originGroupOf(cluster, vhost), origins, lookups, http.enabled),
      access: accessOf(vhost, `spec.vhosts[${index}]`),
    })),
  });
}

function vhostOf(
  vhost: Vhost,
  group: OriginGroup,
  origins: Origins,
  lookups: OriginLookups,
  http: boolean,
): VhostConfig {
  const { play, publish, httpFlv, hooks, failover } = vhost;
  const { timeouts, locate } = group;
  return defaultVhost({
    name: vhost.name,
    minLatency: vhost.minLatency,
    tcpNodelay: vhost.tcpNodelay,
    chunkSize: vhost.chunkSize,
    cluster: {
      mode: 'remote',
      origins: parsed(group, origins.get(group.name) ?? [], originAddresses),
      tokenTraverse: vhost.tokenTraverse,
      vhost: vhost.transform ?? '[vhost]',
      debugSrsUpnode: vhost.debugSrsUpnode,
      protocol: pullProtocol(group),
      followClient: group.pull?.followClient ?? false,
    },
    play: {
      gopCache: play.gopCache,
      gopCacheMaxFrames: play.gopCacheMaxFrames,
      queueLengthSeconds: play.queueLengthSeconds,
      timeJitter: timeJitter[play.timeJitter],
      ...(play.mwLatencyMs !== undefined && { mwLatencyMs: play.mwLatencyMs }),
      ...(play.mwMsgs !== undefined && { mwMsgs: play.mwMsgs }),
      sendMinIntervalMs: play.sendMinIntervalMs,
      reduceSequenceHeader: play.reduceSequenceHeader,
    },
    publish: {
      mr: publish.mr,
      mrLatencyMs: publish.mrLatencyMs,
      firstPacketTimeoutMs: publish.firstPacketTimeoutMs,
      normalTimeoutMs: publish.normalTimeoutMs,
      kickoffForIdleSeconds: publish.kickoffForIdleSeconds,
      override: publish.override,
    },
    httpRemux: {
      enabled: httpFlv.enabled && http,
      mount: httpFlv.mount,
      hasAudio: httpFlv.hasAudio,
      hasVideo: httpFlv.hasVideo,
      guessHasAv: httpFlv.guessHasAv,
      dropIfNotMatch: httpFlv.dropIfNotMatch,
    },
    ...(hooks && { httpHooks: hooksOf(hooks) }),
    edge: {
      balance: balance[balanceOf(group)],
      ...(lookups.has(group.name) && { originLookup: parsed(group, lookups.get(group.name) ?? [], originNames) }),
      connectTimeoutMs: timeouts.connectMs,
      requestTimeoutMs: timeouts.requestMs,
      firstFrameTimeoutMs: timeouts.firstFrameMs,
      locateIntervalMs: timeouts.locateIntervalMs,
      ...locateParallel(group),
      ...(locate && { locateUrl: locate.url, locateTimeoutMs: locate.timeoutMs, locateTtlMs: locate.ttlMs }),
      stallTimeoutMs: timeouts.stallMs,
      retryMinMs: timeouts.retryMinMs,
      retryMaxMs: timeouts.retryMaxMs,
      holdTimeoutMs: failover.holdTimeoutMs,
      lingerMs: failover.lingerMs,
      absentTtlMs: failover.absentTtlMs,
      tokenTtlMs: failover.tokenTtlMs,
      publishTimeoutMs: failover.publishTimeoutMs,
      httpFirstFrameTimeoutMs: failover.httpFirstFrameTimeoutMs,
      writeTimeoutMs: failover.writeTimeoutMs,
      redirectMax: failover.redirectMax,
      gopCacheMaxBytes: failover.gopCacheMaxBytes,
      pushQueueMaxBytes: failover.pushQueueMaxBytes,
      readIntervalMs: publish.readIntervalMs,
      ...(hooks && {
        hookTimeoutMs: hooks.timeoutMs,
        hookFailure: hookFailure[hooks.onFailure],
        onConnectAt: onConnectAt[hooks.onConnectAt],
        onUsage: hooks.onUsage ?? [],
        usageIntervalMs: hooks.usageIntervalMs,
      }),
      ...httpPorts(group),
      ...(group.tls?.insecureSkipVerify && { originTlsVerify: false }),
      ...(group.tls?.serverName !== undefined && { originTlsName: group.tls.serverName }),
      ...(group.tls?.caBundle !== undefined && {
        originTlsCaFile: `${CONFIG_DIRECTORY}/${caBundleKey(group.name, group.tls.caBundle)}`,
      }),
      ...(group.keysSecretName !== undefined && { originKeysFile: tokenKeysFile(group.keysSecretName) }),
    },
  });
}

function parsed(
  group: OriginGroup,
  servers: readonly string[],
  type: typeof originAddresses,
): readonly OriginAddress[] {
  const scheme = group.tls === undefined ? '' : 'rtmps://';
  const result = type.parse(servers.map((server) => `${scheme}${server}`));
  // Here the port is RTMP's, whatever streams are pulled by: it is written always.
  if (result.ok) return result.value.map(({ usualPort: _, ...origin }) => origin);
  const what = `origin group "${group.name}": ${result.what}; expected ${type.expected}`;
  throw new RenderError('InvalidConfig', [`spec.origins: ${what}`]);
}

/** RTMPS is the scheme of each origin. */
function pullProtocol({ pull, tls }: OriginGroup): 'rtmp' | 'flv' | 'flvs' {
  if (pull?.protocol !== 'HttpFlv') return 'rtmp';
  return tls === undefined ? 'flv' : 'flvs';
}

/** Those that something is pulled from. */
function httpPorts(group: OriginGroup): Partial<Pick<VhostConfig['edge'], 'originHttpPort' | 'originHttpsPort'>> {
  const { pull } = group;
  if (pull === undefined) return {};
  const protocol = pullProtocol(group);
  return {
    ...((pull.followClient || protocol === 'flv') && { originHttpPort: pull.httpPort }),
    ...((pull.followClient || protocol === 'flvs') && { originHttpsPort: pull.httpsPort }),
  };
}

/** Any edge above has the stream, if it is given time to fetch it: to ask two of them costs the origin two connections. */
function locateParallel({ edgeCluster, timeouts }: OriginGroup): { readonly locateParallel?: number } {
  const count = timeouts.locateParallel ?? (edgeCluster === undefined ? undefined : 1);
  return count === undefined ? {} : { locateParallel: count };
}

const onConnectAt = { Stream: 'stream', Connect: 'connect' } as const;
const hookFailure = { Refuse: 'refuse', Admit: 'admit' } as const;

function hooksOf(hooks: Hooks): VhostConfig['httpHooks'] {
  return {
    enabled: true,
    onConnect: hooks.onConnect ?? [],
    onClose: hooks.onClose ?? [],
    onPublish: hooks.onPublish ?? [],
    onUnpublish: hooks.onUnpublish ?? [],
    onPlay: hooks.onPlay ?? [],
    onStop: hooks.onStop ?? [],
  };
}

function tls(name: 'rtmps' | 'https', { port }: TlsListener): TlsListen {
  const directory = tlsDirectory(name);
  return { enabled: true, listen: at(port), keyFile: `${directory}/tls.key`, certFile: `${directory}/tls.crt` };
}

/** All addresses of the pod. */
function at(port: number): readonly ListenAddress[] {
  return [{ host: undefined, port }];
}

/**
 * Settings (values by the names of directives) ⇄ the typed model. Pure; a field forgotten on either side is a type error.
 * What only has another name is in `field-names.ts`; here is the rest.
 */

import { fromAccess, toAccess } from './convert-access.ts';
import { CLUSTER, defaultMergedWrite, defaultUnadmittedPerAddress } from './defaults.ts';
import type { RootSettings, VhostSettings } from './directives/root.ts';
import {
  heartbeatNames,
  httpHooksNames,
  httpRemuxNames,
  playNames,
  processEdgeNames,
  publishNames,
  remoteClusterNames,
  tlsNames,
  vhostEdgeNames,
} from './field-names.ts';
import type { ClusterConfig, EdgeConfig, ExporterConfig, TlsListen, VhostConfig } from './model.ts';
import { fromFields, toFields } from './renaming.ts';
import type { Named } from './schema.ts';

/** Settings that have been checked → model. */
export function toConfig(s: RootSettings): EdgeConfig {
  const api = s.http_api;
  return {
    serverId: s.server_id,
    listen: s.listen,
    rtmps: toTls(s.rtmps),
    maxConnections: s.max_connections,
    chunkSize: s.chunk_size,
    pidFile: s.pid,
    log: { tank: s.srs_log_tank, level: s.srs_log_level_v2 ?? s.srs_log_level, file: s.srs_log_file },
    graceStartWaitMs: s.grace_start_wait,
    graceFinalWaitMs: s.grace_final_wait,
    autoReload: s.inotify_auto_reload,
    httpApi: {
      enabled: api.enabled,
      listen: api.listen,
      crossdomain: api.crossdomain,
      rawApiEnabled: api.raw_api.enabled,
      allowReload: api.raw_api.allow_reload,
      auth: api.auth.enabled ? { username: api.auth.username, password: api.auth.password } : undefined,
      https: toTls(api.https),
    },
    httpServer: { ...s.http_server, https: toTls(s.http_server.https) },
    exporter: toExporter(s.exporter),
    heartbeat: toFields(s.heartbeat, heartbeatNames),
    edge: {
      ...toFields(s.edge, processEdgeNames),
      unadmittedPerAddress: s.edge.unadmitted_per_address ?? defaultUnadmittedPerAddress(s.max_connections),
    },
    vhosts: s.vhost.map((vhost) => toVhost(vhost, s)),
  };
}

function toVhost({ name, body: s }: Named<VhostSettings>, root: RootSettings): VhostConfig {
  const mergedWrite = defaultMergedWrite(s.min_latency);
  return {
    name,
    enabled: s.enabled,
    minLatency: s.min_latency,
    tcpNodelay: s.tcp_nodelay,
    chunkSize: s.chunk_size ?? root.chunk_size,
    inAckSize: s.in_ack_size,
    outAckSize: s.out_ack_size,
    cluster: toCluster(s.cluster),
    play: {
      ...toFields(s.play, playNames),
      timeJitter: s.play.atc ? 'off' : s.play.time_jitter,
      mwLatencyMs: s.play.mw_latency ?? mergedWrite.mwLatencyMs,
      mwMsgs: s.play.mw_msgs ?? mergedWrite.mwMsgs,
    },
    publish: toFields(s.publish, publishNames),
    httpRemux: toFields(s.http_remux, httpRemuxNames),
    httpHooks: toFields(s.http_hooks, httpHooksNames),
    access: toAccess(s),
    edge: {
      ...toFields(s.edge, vhostEdgeNames),
      drainTimeoutMs: s.edge.drain_timeout ?? root.edge.drain_timeout,
    },
  };
}

function toCluster(s: VhostSettings['cluster']): ClusterConfig {
  if (s.mode === 'local') return { mode: 'local' };
  return { mode: 'remote', origins: s.origin, ...toFields(s, remoteClusterNames) };
}

function toExporter({ credentials_file, ...same }: RootSettings['exporter']): ExporterConfig {
  return { ...same, credentialsFile: credentials_file };
}

function fromExporter({ credentialsFile, ...same }: ExporterConfig): RootSettings['exporter'] {
  return { ...same, credentials_file: credentialsFile };
}

function toTls(s: RootSettings['rtmps']): TlsListen {
  return toFields(s, tlsNames);
}

/** Model → settings, every value spelled out (nothing inherited): what two configurations are compared by. */
export function toSettings(c: EdgeConfig): RootSettings {
  const api = c.httpApi;
  return {
    server_id: c.serverId,
    listen: c.listen,
    rtmps: fromTls(c.rtmps),
    max_connections: c.maxConnections,
    chunk_size: c.chunkSize,
    pid: c.pidFile,
    daemon: false,
    srs_log_tank: c.log.tank,
    srs_log_level: 'info',
    srs_log_level_v2: c.log.level,
    srs_log_file: c.log.file,
    grace_start_wait: c.graceStartWaitMs,
    grace_final_wait: c.graceFinalWaitMs,
    inotify_auto_reload: c.autoReload,
    http_api: {
      enabled: api.enabled,
      listen: api.listen,
      crossdomain: api.crossdomain,
      raw_api: { enabled: api.rawApiEnabled, allow_reload: api.allowReload },
      auth: {
        enabled: api.auth !== undefined,
        username: api.auth?.username ?? '',
        password: api.auth?.password ?? '',
      },
      https: fromTls(api.https),
    },
    http_server: { ...c.httpServer, https: fromTls(c.httpServer.https) },
    exporter: fromExporter(c.exporter),
    heartbeat: fromFields(c.heartbeat, heartbeatNames),
    edge: fromFields(c.edge, processEdgeNames),
    vhost: c.vhosts.map((vhost) => ({ name: vhost.name, body: fromVhost(vhost) })),
  };
}

function fromVhost(v: VhostConfig): VhostSettings {
  const access = fromAccess(v.access);
  return {
    ...access,
    enabled: v.enabled,
    min_latency: v.minLatency,
    tcp_nodelay: v.tcpNodelay,
    chunk_size: v.chunkSize,
    in_ack_size: v.inAckSize,
    out_ack_size: v.outAckSize,
    cluster: fromCluster(v.cluster),
    play: { ...fromFields(v.play, playNames), atc: false },
    publish: fromFields(v.publish, publishNames),
    http_remux: fromFields(v.httpRemux, httpRemuxNames),
    http_hooks: fromFields(v.httpHooks, httpHooksNames),
    edge: { ...fromFields(v.edge, vhostEdgeNames), ...access.edge },
  };
}

function fromCluster(c: ClusterConfig): VhostSettings['cluster'] {
  const remote = c.mode === 'remote' ? c : CLUSTER;
  return { mode: c.mode, origin: c.mode === 'remote' ? c.origins : [], ...fromFields(remote, remoteClusterNames) };
}

function fromTls(t: TlsListen): RootSettings['rtmps'] {
  return fromFields(t, tlsNames);
}

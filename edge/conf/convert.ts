/** Settings (values by the names of directives) ⇄ the typed model. Pure; a field forgotten on either side is a type error. */

import { fromAccess, toAccess } from './convert-access.ts';
import { CLUSTER, defaultMergedWrite, defaultUnadmittedPerAddress } from './defaults.ts';
import type { RootSettings, VhostSettings } from './directives/root.ts';
import type { ClusterConfig, EdgeConfig, ExporterConfig, TlsListen, VhostConfig } from './model.ts';
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
    httpServer: {
      enabled: s.http_server.enabled,
      listen: s.http_server.listen,
      crossdomain: s.http_server.crossdomain,
      dir: s.http_server.dir,
      https: toTls(s.http_server.https),
    },
    exporter: toExporter(s.exporter),
    heartbeat: {
      enabled: s.heartbeat.enabled,
      intervalMs: s.heartbeat.interval,
      url: s.heartbeat.url,
      deviceId: s.heartbeat.device_id,
      summaries: s.heartbeat.summaries,
      ports: s.heartbeat.ports,
    },
    edge: {
      clientTimeoutMs: s.edge.client_timeout,
      handshakeTimeoutMs: s.edge.handshake_timeout,
      unadmittedPerAddress: s.edge.unadmitted_per_address ?? defaultUnadmittedPerAddress(s.max_connections),
      mediaMemoryMaxBytes: s.edge.media_memory_max_bytes,
      unfinishedMaxBytes: s.edge.unfinished_max_bytes,
      keepaliveMs: s.edge.keepalive,
      probeMinMs: s.edge.probe_min,
      probeMaxMs: s.edge.probe_max,
      originCheckIntervalMs: s.edge.origin_check_interval,
      locateRate: s.edge.locate_rate,
      drainTimeoutMs: s.edge.drain_timeout,
      drainAskSpreadMs: s.edge.drain_ask_spread,
      drainEndSpreadMs: s.edge.drain_end_spread,
      apiCredentialsFile: s.edge.api_credentials_file,
      apiTrustedOrigins: s.edge.api_trusted_origins,
      page: s.edge.page,
      pageFigures: s.edge.page_figures,
      trustedProxies: s.edge.trusted_proxies,
      proxyProtocol: s.edge.proxy_protocol,
      nameServers: s.edge.name_servers,
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
      gopCache: s.play.gop_cache,
      gopCacheMaxFrames: s.play.gop_cache_max_frames,
      queueLengthSeconds: s.play.queue_length,
      timeJitter: s.play.atc ? 'off' : s.play.time_jitter,
      mwLatencyMs: s.play.mw_latency ?? mergedWrite.mwLatencyMs,
      mwMsgs: s.play.mw_msgs ?? mergedWrite.mwMsgs,
      sendMinIntervalMs: s.play.send_min_interval,
      reduceSequenceHeader: s.play.reduce_sequence_header,
    },
    publish: {
      mr: s.publish.mr,
      mrLatencyMs: s.publish.mr_latency,
      firstPacketTimeoutMs: s.publish.firstpkt_timeout,
      normalTimeoutMs: s.publish.normal_timeout,
      kickoffForIdleSeconds: s.publish.kickoff_for_idle,
      override: s.publish.override,
    },
    httpRemux: {
      enabled: s.http_remux.enabled,
      mount: s.http_remux.mount,
      hasAudio: s.http_remux.has_audio,
      hasVideo: s.http_remux.has_video,
      guessHasAv: s.http_remux.guess_has_av,
      dropIfNotMatch: s.http_remux.drop_if_not_match,
    },
    httpHooks: {
      enabled: s.http_hooks.enabled,
      onConnect: s.http_hooks.on_connect,
      onClose: s.http_hooks.on_close,
      onPublish: s.http_hooks.on_publish,
      onUnpublish: s.http_hooks.on_unpublish,
      onPlay: s.http_hooks.on_play,
      onStop: s.http_hooks.on_stop,
    },
    access: toAccess(s),
    edge: {
      balance: s.edge.balance,
      originLookup: s.edge.origin_lookup,
      connectTimeoutMs: s.edge.connect_timeout,
      requestTimeoutMs: s.edge.request_timeout,
      firstFrameTimeoutMs: s.edge.first_frame_timeout,
      locateIntervalMs: s.edge.locate_interval,
      locateParallel: s.edge.locate_parallel,
      locateUrl: s.edge.locate_url,
      locateTimeoutMs: s.edge.locate_timeout,
      locateTtlMs: s.edge.locate_ttl,
      stallTimeoutMs: s.edge.stall_timeout,
      holdTimeoutMs: s.edge.hold_timeout,
      retryMinMs: s.edge.retry_min,
      retryMaxMs: s.edge.retry_max,
      lingerMs: s.edge.linger,
      absentTtlMs: s.edge.absent_ttl,
      tokenTtlMs: s.edge.token_ttl,
      publishTimeoutMs: s.edge.publish_timeout,
      gopCacheMaxBytes: s.edge.gop_cache_max_bytes,
      playQueueMaxBytes: s.edge.play_queue_max_bytes,
      pushQueueMaxBytes: s.edge.push_queue_max_bytes,
      writeTimeoutMs: s.edge.write_timeout,
      httpFirstFrameTimeoutMs: s.edge.http_first_frame_timeout,
      drainTimeoutMs: s.edge.drain_timeout ?? root.edge.drain_timeout,
      hookTimeoutMs: s.edge.hook_timeout,
      hookFailure: s.edge.hook_failure,
      onConnectAt: s.edge.on_connect_at,
      onUsage: s.edge.on_usage,
      usageIntervalMs: s.edge.usage_interval,
      readIntervalMs: s.edge.read_interval,
      redirectMax: s.edge.redirect_max,
      originHttpPort: s.edge.origin_http_port,
      originHttpsPort: s.edge.origin_https_port,
      originTlsVerify: s.edge.origin_tls_verify,
      originTlsCaFile: s.edge.origin_tls_ca_file,
      originTlsName: s.edge.origin_tls_name,
      originKeysFile: s.edge.origin_keys_file,
    },
  };
}

function toCluster(s: VhostSettings['cluster']): ClusterConfig {
  if (s.mode === 'local') return { mode: 'local' };
  return {
    mode: 'remote',
    origins: s.origin,
    tokenTraverse: s.token_traverse,
    vhost: s.vhost,
    debugSrsUpnode: s.debug_srs_upnode,
    protocol: s.protocol,
    followClient: s.follow_client,
  };
}

function toExporter({ credentials_file, ...same }: RootSettings['exporter']): ExporterConfig {
  return { ...same, credentialsFile: credentials_file };
}

function fromExporter({ credentialsFile, ...same }: ExporterConfig): RootSettings['exporter'] {
  return { ...same, credentials_file: credentialsFile };
}

function toTls(s: RootSettings['rtmps']): TlsListen {
  return { enabled: s.enabled, listen: s.listen, keyFile: s.key, certFile: s.cert };
}

/** Model → settings, every value spelled out (nothing inherited): what two configurations are compared by. */
export function toSettings(c: EdgeConfig): RootSettings {
  const { httpApi: api, httpServer: server } = c;
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
    http_server: {
      enabled: server.enabled,
      listen: server.listen,
      crossdomain: server.crossdomain,
      dir: server.dir,
      https: fromTls(server.https),
    },
    exporter: fromExporter(c.exporter),
    heartbeat: {
      enabled: c.heartbeat.enabled,
      interval: c.heartbeat.intervalMs,
      url: c.heartbeat.url,
      device_id: c.heartbeat.deviceId,
      summaries: c.heartbeat.summaries,
      ports: c.heartbeat.ports,
    },
    edge: {
      client_timeout: c.edge.clientTimeoutMs,
      handshake_timeout: c.edge.handshakeTimeoutMs,
      unadmitted_per_address: c.edge.unadmittedPerAddress,
      media_memory_max_bytes: c.edge.mediaMemoryMaxBytes,
      unfinished_max_bytes: c.edge.unfinishedMaxBytes,
      keepalive: c.edge.keepaliveMs,
      probe_min: c.edge.probeMinMs,
      probe_max: c.edge.probeMaxMs,
      origin_check_interval: c.edge.originCheckIntervalMs,
      locate_rate: c.edge.locateRate,
      drain_timeout: c.edge.drainTimeoutMs,
      drain_ask_spread: c.edge.drainAskSpreadMs,
      drain_end_spread: c.edge.drainEndSpreadMs,
      api_credentials_file: c.edge.apiCredentialsFile,
      api_trusted_origins: c.edge.apiTrustedOrigins,
      page: c.edge.page,
      page_figures: c.edge.pageFigures,
      trusted_proxies: c.edge.trustedProxies,
      proxy_protocol: c.edge.proxyProtocol,
      name_servers: c.edge.nameServers,
    },
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
    play: {
      gop_cache: v.play.gopCache,
      gop_cache_max_frames: v.play.gopCacheMaxFrames,
      queue_length: v.play.queueLengthSeconds,
      time_jitter: v.play.timeJitter,
      atc: false,
      mw_latency: v.play.mwLatencyMs,
      mw_msgs: v.play.mwMsgs,
      send_min_interval: v.play.sendMinIntervalMs,
      reduce_sequence_header: v.play.reduceSequenceHeader,
    },
    publish: {
      mr: v.publish.mr,
      mr_latency: v.publish.mrLatencyMs,
      firstpkt_timeout: v.publish.firstPacketTimeoutMs,
      normal_timeout: v.publish.normalTimeoutMs,
      kickoff_for_idle: v.publish.kickoffForIdleSeconds,
      override: v.publish.override,
    },
    http_remux: {
      enabled: v.httpRemux.enabled,
      mount: v.httpRemux.mount,
      has_audio: v.httpRemux.hasAudio,
      has_video: v.httpRemux.hasVideo,
      guess_has_av: v.httpRemux.guessHasAv,
      drop_if_not_match: v.httpRemux.dropIfNotMatch,
    },
    http_hooks: {
      enabled: v.httpHooks.enabled,
      on_connect: v.httpHooks.onConnect,
      on_close: v.httpHooks.onClose,
      on_publish: v.httpHooks.onPublish,
      on_unpublish: v.httpHooks.onUnpublish,
      on_play: v.httpHooks.onPlay,
      on_stop: v.httpHooks.onStop,
    },
    edge: {
      balance: v.edge.balance,
      origin_lookup: v.edge.originLookup,
      connect_timeout: v.edge.connectTimeoutMs,
      request_timeout: v.edge.requestTimeoutMs,
      first_frame_timeout: v.edge.firstFrameTimeoutMs,
      locate_interval: v.edge.locateIntervalMs,
      locate_parallel: v.edge.locateParallel,
      locate_url: v.edge.locateUrl,
      locate_timeout: v.edge.locateTimeoutMs,
      locate_ttl: v.edge.locateTtlMs,
      stall_timeout: v.edge.stallTimeoutMs,
      hold_timeout: v.edge.holdTimeoutMs,
      retry_min: v.edge.retryMinMs,
      retry_max: v.edge.retryMaxMs,
      linger: v.edge.lingerMs,
      absent_ttl: v.edge.absentTtlMs,
      token_ttl: v.edge.tokenTtlMs,
      publish_timeout: v.edge.publishTimeoutMs,
      gop_cache_max_bytes: v.edge.gopCacheMaxBytes,
      play_queue_max_bytes: v.edge.playQueueMaxBytes,
      push_queue_max_bytes: v.edge.pushQueueMaxBytes,
      write_timeout: v.edge.writeTimeoutMs,
      http_first_frame_timeout: v.edge.httpFirstFrameTimeoutMs,
      drain_timeout: v.edge.drainTimeoutMs,
      hook_timeout: v.edge.hookTimeoutMs,
      hook_failure: v.edge.hookFailure,
      on_connect_at: v.edge.onConnectAt,
      on_usage: v.edge.onUsage,
      usage_interval: v.edge.usageIntervalMs,
      read_interval: v.edge.readIntervalMs,
      redirect_max: v.edge.redirectMax,
      origin_http_port: v.edge.originHttpPort,
      origin_https_port: v.edge.originHttpsPort,
      origin_tls_verify: v.edge.originTlsVerify,
      origin_tls_ca_file: v.edge.originTlsCaFile,
      origin_tls_name: v.edge.originTlsName,
      origin_keys_file: v.edge.originKeysFile,
      ...access.edge,
    },
  };
}

function fromCluster(c: ClusterConfig): VhostSettings['cluster'] {
  const remote = c.mode === 'remote' ? c : CLUSTER;
  return {
    mode: c.mode,
    origin: c.mode === 'remote' ? c.origins : [],
    token_traverse: remote.tokenTraverse,
    vhost: remote.vhost,
    debug_srs_upnode: remote.debugSrsUpnode,
    protocol: remote.protocol,
    follow_client: remote.followClient,
  };
}

function fromTls(t: TlsListen): RootSettings['rtmps'] {
  return { enabled: t.enabled, listen: t.listen, key: t.keyFile, cert: t.certFile };
}

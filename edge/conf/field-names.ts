/** The names of directives, and of the fields that hold them, block for block. */

/** `heartbeat { }`. */
export const heartbeatNames = {
  enabled: 'enabled',
  interval: 'intervalMs',
  url: 'url',
  device_id: 'deviceId',
  summaries: 'summaries',
  ports: 'ports',
} as const;

/** `edge { }` of the process. */
export const processEdgeNames = {
  client_timeout: 'clientTimeoutMs',
  handshake_timeout: 'handshakeTimeoutMs',
  unadmitted_per_address: 'unadmittedPerAddress',
  media_memory_max_bytes: 'mediaMemoryMaxBytes',
  unfinished_max_bytes: 'unfinishedMaxBytes',
  keepalive: 'keepaliveMs',
  probe_min: 'probeMinMs',
  probe_max: 'probeMaxMs',
  origin_check_interval: 'originCheckIntervalMs',
  locate_rate: 'locateRate',
  drain_timeout: 'drainTimeoutMs',
  drain_ask_spread: 'drainAskSpreadMs',
  drain_end_spread: 'drainEndSpreadMs',
  api_credentials_file: 'apiCredentialsFile',
  api_trusted_origins: 'apiTrustedOrigins',
  page: 'page',
  page_figures: 'pageFigures',
  trusted_proxies: 'trustedProxies',
  proxy_protocol: 'proxyProtocol',
  name_servers: 'nameServers',
  tls_ticket_keys_file: 'tlsTicketKeysFile',
} as const;

/** `play { }`; `atc` has no field. */
export const playNames = {
  gop_cache: 'gopCache',
  gop_cache_max_frames: 'gopCacheMaxFrames',
  queue_length: 'queueLengthSeconds',
  time_jitter: 'timeJitter',
  mw_latency: 'mwLatencyMs',
  mw_msgs: 'mwMsgs',
  send_min_interval: 'sendMinIntervalMs',
  reduce_sequence_header: 'reduceSequenceHeader',
} as const;

/** `publish { }`. */
export const publishNames = {
  mr: 'mr',
  mr_latency: 'mrLatencyMs',
  firstpkt_timeout: 'firstPacketTimeoutMs',
  normal_timeout: 'normalTimeoutMs',
  kickoff_for_idle: 'kickoffForIdleSeconds',
  override: 'override',
} as const;

/** `http_remux { }`. */
export const httpRemuxNames = {
  enabled: 'enabled',
  mount: 'mount',
  has_audio: 'hasAudio',
  has_video: 'hasVideo',
  guess_has_av: 'guessHasAv',
  drop_if_not_match: 'dropIfNotMatch',
} as const;

/** `http_hooks { }`. */
export const httpHooksNames = {
  enabled: 'enabled',
  on_connect: 'onConnect',
  on_close: 'onClose',
  on_publish: 'onPublish',
  on_unpublish: 'onUnpublish',
  on_play: 'onPlay',
  on_stop: 'onStop',
} as const;

/** `edge { }` of a vhost; what says who may come in has a table of its own. */
export const vhostEdgeNames = {
  balance: 'balance',
  origin_lookup: 'originLookup',
  connect_timeout: 'connectTimeoutMs',
  request_timeout: 'requestTimeoutMs',
  first_frame_timeout: 'firstFrameTimeoutMs',
  locate_interval: 'locateIntervalMs',
  locate_parallel: 'locateParallel',
  locate_url: 'locateUrl',
  locate_timeout: 'locateTimeoutMs',
  locate_ttl: 'locateTtlMs',
  stall_timeout: 'stallTimeoutMs',
  hold_timeout: 'holdTimeoutMs',
  retry_min: 'retryMinMs',
  retry_max: 'retryMaxMs',
  linger: 'lingerMs',
  absent_ttl: 'absentTtlMs',
  token_ttl: 'tokenTtlMs',
  publish_timeout: 'publishTimeoutMs',
  gop_cache_max_bytes: 'gopCacheMaxBytes',
  play_queue_max_bytes: 'playQueueMaxBytes',
  push_queue_max_bytes: 'pushQueueMaxBytes',
  write_timeout: 'writeTimeoutMs',
  http_first_frame_timeout: 'httpFirstFrameTimeoutMs',
  drain_timeout: 'drainTimeoutMs',
  hook_timeout: 'hookTimeoutMs',
  hook_failure: 'hookFailure',
  on_connect_at: 'onConnectAt',
  on_usage: 'onUsage',
  usage_interval: 'usageIntervalMs',
  read_interval: 'readIntervalMs',
  redirect_max: 'redirectMax',
  origin_http_port: 'originHttpPort',
  origin_https_port: 'originHttpsPort',
  origin_tls_verify: 'originTlsVerify',
  origin_tls_ca_file: 'originTlsCaFile',
  origin_tls_name: 'originTlsName',
  origin_keys_file: 'originKeysFile',
} as const;

/** `cluster { }` with `mode remote`. */
export const remoteClusterNames = {
  token_traverse: 'tokenTraverse',
  vhost: 'vhost',
  debug_srs_upnode: 'debugSrsUpnode',
  protocol: 'protocol',
  follow_client: 'followClient',
} as const;

/** `rtmps { }`, and the blocks `https { }`. */
export const tlsNames = { enabled: 'enabled', listen: 'listen', key: 'keyFile', cert: 'certFile' } as const;

/** `edge { limits { } }` of a vhost. */
export const limitsNames = {
  players_per_stream: 'playersPerStream',
  streams: 'streams',
  publishers: 'publishers',
  publisher_kbps: 'publisherKbps',
  clients_per_address: 'clientsPerAddress',
} as const;

/** `edge { token { } }` of a vhost. */
export const tokenNames = {
  play: 'play',
  publish: 'publish',
  keys_file: 'keysFile',
  jwks_file: 'jwksFile',
  jwks_url: 'jwksUrl',
  issuer: 'issuer',
  audience: 'audience',
} as const;

/**
 * The one home of every default, limit and time-out of the configuration: value, unit and reason.
 * Where SRS has the directive its default is taken (`trunk/conf/full.conf`) unless the comment says why not.
 * Builders at the end make whole configurations from them.
 */
import type { AccessConfig } from './access-model.ts';
import type {
  EdgeConfig,
  EdgeTuning,
  HttpHooksConfig,
  HttpRemuxConfig,
  ListenAddress,
  PlayConfig,
  ProcessTuning,
  PublishConfig,
  TlsListen,
  VhostConfig,
} from './model.ts';

/** The vhost that takes every host name that has none of its own. */
export const DEFAULT_VHOST_NAME = '__defaultVhost__';

export const RTMP_PORT = 1935;
/** Registered for HTTPS; `rtmps://` clients assume it, as Adobe's did. */
export const RTMPS_PORT = 443;

/** Chunk sizes SRS accepts. 128 is what every peer starts from; a message is at most 24 bits long. */
export const CHUNK_SIZE_MIN = 128;
export const CHUNK_SIZE_MAX = 65_536;

/** `setTimeout` holds 31 bits: 24.8 days. */
export const TIME_MAX_MS = 2_147_483_647;

/** Depth of blocks in blocks. SRS itself needs five; more is a mistake or an attack on the stack. */
export const BLOCK_DEPTH_MAX = 32;
/** Files one configuration may read through `include`, counted with repetition. */
export const INCLUDE_FILES_MAX = 256;
/** Syntax errors after which a file is not read further: it probably is no configuration at all. */
export const SYNTAX_PROBLEMS_MAX = 20;

function port(number: number): readonly ListenAddress[] {
  return [{ host: undefined, port: number }];
}

function tlsOff(listen: number): TlsListen {
  // SRS falls back to a key that is public on GitHub; here the files must be named.
  return { enabled: false, listen: port(listen), keyFile: '', certFile: '' };
}

/** Most messages SRS ever merges into one write. */
export const MW_MSGS_MAX = 128;

/**
 * What `mw_latency` and `mw_msgs` are where they are not given. With `min_latency on` every message is written
 * at once. (SRS lowers only `mw_msgs` by itself and leaves `mw_latency` to the user, which defeats the purpose.)
 */
export function defaultMergedWrite(minLatency: boolean): { readonly mwLatencyMs: number; readonly mwMsgs: number } {
  return minLatency ? { mwLatencyMs: 0, mwMsgs: 0 } : { mwLatencyMs: 350, mwMsgs: 8 };
}

export const PLAY: PlayConfig = {
  gopCache: true,
  // A GOP without end (a stream without key frames) must not grow for ever.
  gopCacheMaxFrames: 2500,
  queueLengthSeconds: 30,
  timeJitter: 'full',
  ...defaultMergedWrite(false),
  sendMinIntervalMs: 0,
  reduceSequenceHeader: false,
};

export const PUBLISH: PublishConfig = {
  mr: false,
  mrLatencyMs: 350,
  // Encoders may take a while between `publish` and their first frame.
  firstPacketTimeoutMs: 20_000,
  normalTimeoutMs: 5_000,
  kickoffForIdleSeconds: 0,
  override: false,
};

export const HTTP_REMUX: HttpRemuxConfig = {
  enabled: false,
  mount: '[vhost]/[app]/[stream].flv',
  hasAudio: true,
  hasVideo: true,
  guessHasAv: true,
  dropIfNotMatch: true,
};

export const HTTP_HOOKS: HttpHooksConfig = {
  enabled: false,
  onConnect: [],
  onClose: [],
  onPublish: [],
  onUnpublish: [],
  onPlay: [],
  onStop: [],
};

export const ACCESS: AccessConfig = {
  security: { enabled: false, allow: [], deny: [] },
  refer: { enabled: false, all: [], publish: [], play: [] },
  limits: { playersPerStream: 0, streams: 0, publishers: 0, publisherKbps: 0, clientsPerAddress: 0 },
  token: { play: false, publish: false, keysFile: '', jwksFile: '', jwksUrl: '', issuer: '', audience: '' },
};

export const CLUSTER = {
  tokenTraverse: false,
  vhost: '[vhost]',
  debugSrsUpnode: true,
  protocol: 'rtmp',
  followClient: false,
} as const;

export const EDGE: EdgeTuning = {
  balance: 'round_robin',
  originLookup: [],
  // Three SYNs (0, 1 and 3 s) on a lossy path, no more: the next origin is waiting.
  connectTimeoutMs: 3_000,
  // Longer than connecting: an origin may ask its own callbacks before it answers.
  requestTimeoutMs: 5_000,
  firstFrameTimeoutMs: 3_000,
  // An origin that has the stream sends its first frame within some round trips. The sixth is asked after a second.
  locateIntervalMs: 200,
  locateParallel: 8,
  locateUrl: '',
  // What a player would hardly notice: the listed origins are asked after it.
  locateTimeoutMs: 500,
  locateTtlMs: 10_000,
  // Short enough that a player's buffer covers it, long enough for one lost and retransmitted burst.
  stallTimeoutMs: 2_000,
  holdTimeoutMs: 60_000,
  retryMinMs: 100,
  retryMaxMs: 2_000,
  // A viewer who reloads the page finds the pull still there.
  lingerMs: 10_000,
  absentTtlMs: 3_000,
  // Short beside the life of a token, long beside the time in which a player tries again.
  tokenTtlMs: 5_000,
  publishTimeoutMs: 10_000,
  // 10 s of GOP at 12 Mb/s.
  gopCacheMaxBytes: 16 * 1024 * 1024,
  // queue_length is 30 s: this is the tighter bound from 4.5 Mb/s on. Slow players of one stream share these bytes.
  playQueueMaxBytes: 16 * 1024 * 1024,
  pushQueueMaxBytes: 16 * 1024 * 1024,
  writeTimeoutMs: 30_000,
  httpFirstFrameTimeoutMs: 10_000,
  // What Kubernetes gives a pod by default before it kills it; the process's where a vhost doesn't say.
  drainTimeoutMs: 30_000,
  // SRS's own time-out of a callback.
  hookTimeoutMs: 30_000,
  hookFailure: 'refuse',
  onConnectAt: 'stream',
  onUsage: [],
  usageIntervalMs: 60_000,
  // Latency that hardly shows beside `mw_latency`, for a fraction of the reads and writes.
  readIntervalMs: 200,
  redirectMax: 3,
  originHttpPort: undefined,
  originHttpsPort: undefined,
  originTlsVerify: true,
  originTlsCaFile: '',
  originTlsName: '',
  originKeysFile: '',
};

/**
 * `unadmitted_per_address` where it is not given. Clients that come through a load balancer may all have its address,
 * and all come back at once: a quarter of them may be on their way in at a time.
 */
export function defaultUnadmittedPerAddress(maxConnections: number): number {
  return Math.max(100, Math.floor(maxConnections / 4));
}

/** As SRS's. */
const MAX_CONNECTIONS = 1_000;

const PROCESS: ProcessTuning = {
  clientTimeoutMs: 10_000,
  // A round trip of TCP, two of TLS and one and a half of RTMP: half a second far away, and packets may be lost.
  handshakeTimeoutMs: 5_000,
  unadmittedPerAddress: defaultUnadmittedPerAddress(MAX_CONNECTIONS),
  // 300 publishers whose key frames of 200 KB arrive at the same moment.
  // A thousand streams of 0.5 Mb/s with 2 s GOPs. With the rest of the process that stays below 400 MB.
  mediaMemoryMaxBytes: 128 * 1024 * 1024,
  unfinishedMaxBytes: 64 * 1024 * 1024,
  keepaliveMs: 30_000,
  probeMinMs: 500,
  probeMaxMs: 30_000,
  // A connection every 30 s from each edge costs an origin nothing, and a dead one is known before it is needed.
  originCheckIntervalMs: 30_000,
  locateRate: 50,
  drainTimeoutMs: EDGE.drainTimeoutMs,
  drainAskSpreadMs: 60_000,
  drainEndSpreadMs: 60_000,
  apiCredentialsFile: '',
  apiTrustedOrigins: [],
  page: true,
  // They name every stream, and a stream name is often the publisher's secret.
  pageFigures: false,
  trustedProxies: [],
  proxyProtocol: false,
  nameServers: [],
  tlsTicketKeysFile: '',
};

const VHOST: VhostConfig = {
  name: DEFAULT_VHOST_NAME,
  enabled: true,
  minLatency: false,
  tcpNodelay: false,
  // The global one where a vhost doesn't say.
  chunkSize: 60_000,
  // 0: what the peer announces.
  inAckSize: 0,
  outAckSize: 2_500_000,
  cluster: { mode: 'local' },
  play: PLAY,
  publish: PUBLISH,
  httpRemux: HTTP_REMUX,
  httpHooks: HTTP_HOOKS,
  access: ACCESS,
  edge: EDGE,
};

const CONFIG: EdgeConfig = {
  serverId: '',
  listen: port(RTMP_PORT),
  rtmps: tlsOff(1443),
  maxConnections: MAX_CONNECTIONS,
  chunkSize: 60_000,
  // SRS writes ./objs/srs.pid; a container's file system is often read-only and nobody looks there.
  pidFile: '',
  // SRS logs to a file by default; in a pod logs belong on standard output.
  log: { tank: 'console', level: 'info', file: './objs/srs.log' },
  // Kubernetes removes a pod from its Services while it tells it to stop: connections still come for a moment.
  graceStartWaitMs: 2_300,
  graceFinalWaitMs: 3_200,
  // SRS: off outside Docker, on inside it. A ConfigMap that changes is the normal case here.
  autoReload: true,
  httpApi: {
    enabled: false,
    listen: port(1985),
    crossdomain: true,
    rawApiEnabled: false,
    allowReload: false,
    auth: undefined,
    https: tlsOff(1990),
  },
  httpServer: {
    enabled: false,
    listen: port(8080),
    crossdomain: true,
    dir: './objs/nginx/html',
    https: tlsOff(8088),
  },
  exporter: { enabled: false, listen: port(9972), label: '', tag: '', streams: 0, credentialsFile: '' },
  heartbeat: {
    enabled: false,
    // What SRS's code says; its full.conf says 9.9.
    intervalMs: 10_000,
    url: 'http://127.0.0.1:8085/api/v1/servers',
    deviceId: '',
    summaries: false,
    ports: false,
  },
  edge: PROCESS,
  vhosts: [],
};

/** Overrides for a builder: sections may be partial, everything else is replaced whole. */
export type Overrides<T, Sections extends keyof T> = Partial<Omit<T, Sections>> & {
  readonly [K in Sections]?: Partial<T[K]>;
};

export type VhostOverrides = Overrides<VhostConfig, 'play' | 'publish' | 'httpRemux' | 'httpHooks' | 'access' | 'edge'>;
export type ConfigOverrides = Overrides<
  EdgeConfig,
  'rtmps' | 'log' | 'httpApi' | 'httpServer' | 'exporter' | 'heartbeat' | 'edge'
>;

/**
 * A vhost as an empty `vhost NAME { }` gives it, with overrides. `minLatency` lowers `mwLatencyMs` and `mwMsgs`
 * as it does in a file. The global chunk size and drain time aren't known here: give them where they differ.
 */
export function defaultVhost(overrides: VhostOverrides = {}): VhostConfig {
  const mergedWrite = defaultMergedWrite(overrides.minLatency ?? VHOST.minLatency);
  return {
    ...VHOST,
    ...overrides,
    play: { ...PLAY, ...mergedWrite, ...overrides.play },
    publish: { ...PUBLISH, ...overrides.publish },
    httpRemux: { ...HTTP_REMUX, ...overrides.httpRemux },
    httpHooks: { ...HTTP_HOOKS, ...overrides.httpHooks },
    access: { ...ACCESS, ...overrides.access },
    edge: { ...EDGE, ...overrides.edge },
  };
}

/** A configuration as `listen 1935;` alone gives it (no vhost), with overrides. */
export function defaultConfig(overrides: ConfigOverrides = {}): EdgeConfig {
  const unadmittedPerAddress = defaultUnadmittedPerAddress(overrides.maxConnections ?? CONFIG.maxConnections);
  return {
    ...CONFIG,
    ...overrides,
    rtmps: { ...CONFIG.rtmps, ...overrides.rtmps },
    log: { ...CONFIG.log, ...overrides.log },
    httpApi: { ...CONFIG.httpApi, ...overrides.httpApi },
    httpServer: { ...CONFIG.httpServer, ...overrides.httpServer },
    exporter: { ...CONFIG.exporter, ...overrides.exporter },
    heartbeat: { ...CONFIG.heartbeat, ...overrides.heartbeat },
    edge: { ...CONFIG.edge, unadmittedPerAddress, ...overrides.edge },
  };
}

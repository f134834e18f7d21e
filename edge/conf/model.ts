/**
 * The typed configuration of an edge: what the SRS-style text means once it has been parsed and checked.
 * Everything behind this boundary trusts it. Times are milliseconds unless the name says otherwise.
 *
 * Directive names and meanings are SRS's (`trunk/conf/full.conf`); `EdgeTuning` and `ProcessTuning`
 * are our own `edge { … }` blocks.
 */
import type { AccessConfig } from './access-model.ts';

/** A listening address. `host` is undefined for "all addresses" (IPv4 and IPv6). */
export interface ListenAddress {
  readonly host: string | undefined;
  readonly port: number;
}

/** A TLS listener; the files are read again when they change. */
export interface TlsListen {
  readonly enabled: boolean;
  readonly listen: readonly ListenAddress[];
  readonly keyFile: string;
  readonly certFile: string;
}

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error';

export interface LogConfig {
  readonly tank: 'console' | 'file';
  readonly level: LogLevel;
  readonly file: string;
}

export interface HttpApiConfig {
  readonly enabled: boolean;
  readonly listen: readonly ListenAddress[];
  readonly crossdomain: boolean;
  /** `raw_api { enabled; allow_reload; }`: whether `GET /api/v1/raw?rpc=reload` is served. */
  readonly rawApiEnabled: boolean;
  readonly allowReload: boolean;
  /** Basic authentication, or undefined when off. */
  readonly auth: { readonly username: string; readonly password: string } | undefined;
  readonly https: TlsListen;
}

export interface HttpServerConfig {
  readonly enabled: boolean;
  readonly listen: readonly ListenAddress[];
  readonly crossdomain: boolean;
  /** Static files are served from here where the directory exists. */
  readonly dir: string;
  readonly https: TlsListen;
}

export interface ExporterConfig {
  readonly enabled: boolean;
  readonly listen: readonly ListenAddress[];
  readonly label: string;
  readonly tag: string;
  /** Streams that have metrics of their own, at most; 0 for none. */
  readonly streams: number;
  /** File of `username:password` lines; empty: whoever reaches the port may read. */
  readonly credentialsFile: string;
}

/** `heartbeat { }`: a server of the operator's own is told again and again that this edge is there. */
export interface HeartbeatConfig {
  readonly enabled: boolean;
  readonly intervalMs: number;
  readonly url: string;
  /** Whatever the server knows this edge by. */
  readonly deviceId: string;
  /** Tell what `/api/v1/summaries` answers. */
  readonly summaries: boolean;
  /** Tell what is listened at. */
  readonly ports: boolean;
}

/** Process-wide knobs of ours: the top-level `edge { … }` block. */
export interface ProcessTuning {
  /** A client must have finished handshake, connect and publish/play within this time. */
  readonly clientTimeoutMs: number;
  /** Each step of a client before `connect`: the TLS handshake, then the first byte and the RTMP handshake. */
  readonly handshakeTimeoutMs: number;
  /** Connections of one address that neither play nor publish. */
  readonly unadmittedPerAddress: number;
  /** What GOP caches and the queues of slow players and origins may hold together. */
  readonly mediaMemoryMaxBytes: number;
  /** What unfinished messages of all clients together may hold. */
  readonly unfinishedMaxBytes: number;
  /** TCP keep-alive probes start after this much silence on a client's socket. */
  readonly keepaliveMs: number;
  /** First and greatest delay between probes of an origin that was set aside. */
  readonly probeMinMs: number;
  readonly probeMaxMs: number;
  /** An origin that nobody uses is checked about this often; 0: never. */
  readonly originCheckIntervalMs: number;
  /** `EdgeTuning.drainTimeoutMs` of vhosts that don't say. */
  readonly drainTimeoutMs: number;
  /** While draining: asking clients to reconnect, and ending the rest, are spread over as much time at most. */
  readonly drainAskSpreadMs: number;
  readonly drainEndSpreadMs: number;
  /** Requests to one origin in a second, at most, for streams that nobody knows; 0: no bound. */
  readonly locateRate: number;
  /** File of `username:password` lines for the HTTP API; empty for none. */
  readonly apiCredentialsFile: string;
  /** Pages of these origins (`https://console.example.com`) may act through the API; others may only read. */
  readonly apiTrustedOrigins: readonly string[];
  /** Whether the listeners for streams serve the page with its player, and its figures if they are on; the API’s do, too. */
  readonly page: boolean;
  /** Whether `/edge/status.json` answers on the listeners for streams. */
  readonly pageFigures: boolean;
  /** Proxies that are believed when they name the client's address. */
  readonly trustedProxies: readonly Network[];
  /** Whether connections of clients begin with a PROXY header of such a proxy. */
  readonly proxyProtocol: boolean;
  /** DNS servers for `EdgeTuning.originLookup`; empty for the system's. */
  readonly nameServers: readonly NameServer[];
  /** File of the secret that keys of TLS session tickets derive from; empty: the process makes its own. */
  readonly tlsTicketKeysFile: string;
}

/** A DNS server. */
export interface NameServer {
  /** IPv4 or IPv6 address. */
  readonly host: string;
  readonly port: number;
}

/** A range of addresses in CIDR notation; a single address has the longest prefix. */
export interface Network {
  readonly address: string;
  readonly prefix: number;
}

/** What origins are connected to by; `flv` and `flvs` are HTTP-FLV, by HTTP and by HTTPS. */
export type UpstreamProtocol = 'rtmp' | 'rtmps' | 'flv' | 'flvs';

/**
 * An upstream server as written in `origin`, `[rtmp://|rtmps://]host[:port]`, or where it is connected to: for HTTP-FLV
 * that is another address.
 */
export interface OriginAddress {
  readonly scheme: 'rtmp' | 'rtmps' | 'http' | 'https';
  readonly host: string;
  readonly port: number;
  /** No port was written: `port` is the usual one of the scheme. */
  readonly usualPort?: true;
  /** The name that its certificate must hold, where that is not `host`. */
  readonly tlsName?: string;
  /** Which connection to this address is meant, from 1 on: behind a Service's one address each may meet another origin. */
  readonly door?: number;
}

export interface LocalCluster {
  readonly mode: 'local';
}

export interface RemoteCluster {
  readonly mode: 'remote';
  /** At least one. */
  readonly origins: readonly OriginAddress[];
  readonly tokenTraverse: boolean;
  /** The vhost at the origin; the variable `[vhost]` stands for the client's. */
  readonly vhost: string;
  readonly debugSrsUpnode: boolean;
  /** What streams are pulled by; they are pushed by RTMP or RTMPS. */
  readonly protocol: UpstreamProtocol;
  /** A stream whose first player came by HTTP or HTTPS is pulled by that. */
  readonly followClient: boolean;
}

export type ClusterConfig = LocalCluster | RemoteCluster;

export interface PlayConfig {
  readonly gopCache: boolean;
  /** Counts all messages of the cached GOP, as in SRS. */
  readonly gopCacheMaxFrames: number;
  /** Seconds of media a slow player may lag before whole GOPs are dropped for it. */
  readonly queueLengthSeconds: number;
  readonly timeJitter: 'full' | 'zero' | 'off';
  readonly mwLatencyMs: number;
  readonly mwMsgs: number;
  readonly sendMinIntervalMs: number;
  readonly reduceSequenceHeader: boolean;
}

export interface PublishConfig {
  readonly mr: boolean;
  readonly mrLatencyMs: number;
  readonly firstPacketTimeoutMs: number;
  readonly normalTimeoutMs: number;
  /** A publisher whose stream nobody plays on this edge for so long is disconnected; 0: never. */
  readonly kickoffForIdleSeconds: number;
  /** A newer publisher may take the stream over. */
  readonly override: boolean;
}

export interface HttpRemuxConfig {
  readonly enabled: boolean;
  /** e.g. `[vhost]/[app]/[stream].flv` */
  readonly mount: string;
  readonly hasAudio: boolean;
  readonly hasVideo: boolean;
  readonly guessHasAv: boolean;
  readonly dropIfNotMatch: boolean;
}

/** URLs to call; every one of them is called, and every one must agree. */
export interface HttpHooksConfig {
  readonly enabled: boolean;
  readonly onConnect: readonly string[];
  readonly onClose: readonly string[];
  readonly onPublish: readonly string[];
  readonly onUnpublish: readonly string[];
  readonly onPlay: readonly string[];
  readonly onStop: readonly string[];
}

/** Our knobs of a vhost: its `edge { … }` block. */
export interface EdgeTuning {
  /** How an origin is chosen for a stream that no origin is remembered for. */
  readonly balance: 'round_robin' | 'hash' | 'failover';
  /** Where to look when no listed origin works: each `host` is a name, and its addresses are origins. */
  readonly originLookup: readonly OriginAddress[];
  /** TCP (and TLS) connect to an origin, name resolution included. */
  readonly connectTimeoutMs: number;
  /** RTMP handshake, `connect`, `createStream` and `play`/`publish` at an origin, together; or one answer by HTTP. */
  readonly requestTimeoutMs: number;
  /** No first frame from an origin in this time: the stream is looked for at the next one. */
  readonly firstFrameTimeoutMs: number;
  /** Another origin is asked for the stream beside those asked before, each time this passes without a frame. */
  readonly locateIntervalMs: number;
  /** Origins asked at a time for one stream. */
  readonly locateParallel: number;
  /** Asked where a stream is; empty for none. */
  readonly locateUrl: string;
  /** Its answer; without one by then, the listed origins are asked. */
  readonly locateTimeoutMs: number;
  /** How long an answer counts. */
  readonly locateTtlMs: number;
  /** An origin that owes bytes and sends none for this long is taken for dead. */
  readonly stallTimeoutMs: number;
  /** How long players and publishers are kept while no origin can be reached. */
  readonly holdTimeoutMs: number;
  /** Delay before trying again when every origin has just failed: first and greatest. */
  readonly retryMinMs: number;
  readonly retryMaxMs: number;
  /** How long the pull goes on after its last player left. */
  readonly lingerMs: number;
  /** How long a stream that no origin has is remembered as absent. */
  readonly absentTtlMs: number;
  /** How long what an origin said about a client's parameters holds. */
  readonly tokenTtlMs: number;
  /** How long a publisher waits for the first origin to accept it. */
  readonly publishTimeoutMs: number;
  /** Bytes of media kept for new players (GOP cache) and for a new origin (the pusher's GOP). */
  readonly gopCacheMaxBytes: number;
  /** Bytes that may wait for a slow player before frames are dropped for it. */
  readonly playQueueMaxBytes: number;
  /** Bytes that may wait for a slow origin before whole GOPs are dropped. */
  readonly pushQueueMaxBytes: number;
  /** A client that accepts no byte for this long is disconnected. */
  readonly writeTimeoutMs: number;
  /** HTTP-FLV: 404 if no first frame has come by then. */
  readonly httpFirstFrameTimeoutMs: number;
  /** How long a stopping edge lets present clients of the vhost finish. */
  readonly drainTimeoutMs: number;
  /** One answer of an HTTP callback. */
  readonly hookTimeoutMs: number;
  /** What becomes of a client when a callback fails: not when it refuses. */
  readonly hookFailure: 'refuse' | 'admit';
  /** When `on_connect` is called for RTMP clients: when they name a stream, or before their `connect` is answered. */
  readonly onConnectAt: 'stream' | 'connect';
  /** URLs that are told what clients have used. */
  readonly onUsage: readonly string[];
  readonly usageIntervalMs: number;
  /** With neither `min_latency` nor `mr`, publishers' sockets are read at most this often; 0 reads at once. */
  readonly readIntervalMs: number;
  /** Redirections followed in a row: RTMP 302, and those of HTTP. */
  readonly redirectMax: number;
  /** Ports of origins for `flv` and `flvs`; undefined: see `endpointOf`. */
  readonly originHttpPort: number | undefined;
  readonly originHttpsPort: number | undefined;
  /** Verify the certificates of origins, for RTMPS and HTTPS. */
  readonly originTlsVerify: boolean;
  /** PEM file of the authorities to trust for them; empty for the system's. */
  readonly originTlsCaFile: string;
  /** The name that their certificates are for, whatever their addresses are; empty for the host of each. */
  readonly originTlsName: string;
  /** File of the key that signs what is asked of origins; empty: nothing is signed. */
  readonly originKeysFile: string;
}

export interface VhostConfig {
  readonly name: string;
  readonly enabled: boolean;
  readonly minLatency: boolean;
  readonly tcpNodelay: boolean;
  readonly chunkSize: number;
  readonly inAckSize: number;
  readonly outAckSize: number;
  readonly cluster: ClusterConfig;
  readonly play: PlayConfig;
  readonly publish: PublishConfig;
  readonly httpRemux: HttpRemuxConfig;
  readonly httpHooks: HttpHooksConfig;
  /** Who may come in. */
  readonly access: AccessConfig;
  readonly edge: EdgeTuning;
}

export interface EdgeConfig {
  /** Identifies this server in API answers and callbacks; empty: one is made up at start. */
  readonly serverId: string;
  readonly listen: readonly ListenAddress[];
  readonly rtmps: TlsListen;
  readonly maxConnections: number;
  readonly chunkSize: number;
  readonly pidFile: string;
  readonly log: LogConfig;
  readonly graceStartWaitMs: number;
  readonly graceFinalWaitMs: number;
  /** `inotify_auto_reload`: reload by itself when the file, or the symlink to it, changes. */
  readonly autoReload: boolean;
  readonly httpApi: HttpApiConfig;
  readonly httpServer: HttpServerConfig;
  readonly exporter: ExporterConfig;
  readonly heartbeat: HeartbeatConfig;
  readonly edge: ProcessTuning;
  /** In the order of the file; names are unique. */
  readonly vhosts: readonly VhostConfig[];
}

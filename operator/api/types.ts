/**
 * The EdgeCluster as TypeScript. Generated from crds/edgecluster.yaml by `node operator/api/generate.ts`: change that,
 * not this file. Fields with a default are always there: the API server fills them in, and so does `admit` for
 * manifests that never see one.
 */
import type {
  V1Affinity,
  V1EnvVar,
  V1LocalObjectReference,
  V1NetworkPolicyPeer,
  V1ObjectMeta,
  V1PodSecurityContext,
  V1ResourceRequirements,
  V1SecurityContext,
  V1Toleration,
  V1TopologySpreadConstraint,
} from '@kubernetes/client-node';

/**
 * A tier of RTMP edges: they pull from origins what clients play and push to them what clients publish, by RTMP, RTMPS
 * and HTTP-FLV, and keep clients through the failure of an origin. The smallest one names its origins and nothing else.
 */
export interface EdgeCluster {
  readonly apiVersion: 'edgecluster.io/v1alpha1';
  readonly kind: 'EdgeCluster';
  readonly metadata: V1ObjectMeta;
  readonly spec: EdgeClusterSpec;
  readonly status?: EdgeClusterStatus;
}

export interface EdgeClusterSpec {
  /** Named groups of origins, at least one. A vhost uses one group; the first is the one for vhosts that name none. */
  readonly origins: readonly OriginGroup[];
  /**
   * Virtual hosts, told apart by the host of a client's URL or its `vhost` parameter. Default: one, `__defaultVhost__`,
   * which serves every name from the first group.
   */
  readonly vhosts: readonly Vhost[];
  /**
   * Ports of the container, 1024 to 65535 because the edge runs without privileges, and what the Service shows for
   * them. API and exporter are for the cluster: of the two Services only the headless one has them, and the API answers
   * probes and nothing else without its credential. With pods.hostNetwork they are at the node's addresses, too.
   */
  readonly listeners: Listeners;
  /**
   * Number of edges. With `autoscaling` it is written through the scale subresource, by the operator or by the
   * HorizontalPodAutoscaler: leave it out of manifests then. 0: no edge runs, and autoscaling stands still until it is
   * raised by hand. Default 2.
   */
  readonly replicas: number;
  /**
   * Lets the number of edges follow what they have to do. By clients (playersPerPod, publishersPerPod, sentKbpsPerPod)
   * the operator chooses it, and nothing else need be installed; by CPU and memory a HorizontalPodAutoscaler does,
   * which needs metrics-server. With both the greater number counts. crds/AUTOSCALING.md says how the operator decides.
   * Default: none.
   */
  readonly autoscaling?: Autoscaling;
  /**
   * The Service by which clients reach the edges. A headless one beside it, `<name>-edges`, shows each edge by itself,
   * for a tier below.
   */
  readonly service: ServiceSettings;
  /**
   * The edges' pods. A change here replaces them, a few at a time, and each lets its clients finish first. They run as
   * non-root with a read-only root and no capabilities unless you say otherwise.
   */
  readonly pods: PodSettings;
  /** How many edges stay while nodes are drained or pods replaced. */
  readonly availability: Availability;
  /**
   * How a changed configuration reaches edges that run. A few of them (canaries) get it first and are watched; then all
   * others get it, or the canaries get the former one back and the condition Degraded says which edge said what.
   * Addresses that are discovered behind a Service reach all edges at once. A change that replaces pods goes with the
   * new pods: see availability.rollout.
   */
  readonly configRollout: ConfigRollout;
  /**
   * Players of overfull edges go to others. Connections last for hours, so edges that have just come stay empty while
   * the others are full. The operator has those with clearly more players than the mean ask some of them to connect
   * again, at the address that they came by, until the edges are about even. Only players that can are asked: RTMP
   * clients that announce it (Enhanced RTMP v2), and HTTP-FLV and WebSocket players with `?capsEx=1`, such as the
   * edge's own page. It waits while edges roll or drain, and gives up where players come back to the same edge, as they
   * do with session affinity.
   */
  readonly rebalance: {
    /** How many players are asked in a minute, of all edges together. 0 asks nobody. Default 300. */
    readonly playersPerMinute: number;
  };
  /** Who may connect to the edges' pods, where the cluster's network enforces policies. */
  readonly networkPolicy: NetworkPolicySettings;
  /** How Prometheus finds the edges. */
  readonly monitoring: Monitoring;
  /**
   * Load balancers and proxies in front of the edges that say whose connection they pass on. What they say is the
   * client's address in logs, callbacks, limits and `security`. Default: the address of the connection counts.
   */
  readonly proxies?: Proxies;
  /**
   * HLS: a tier of HTTP caches (nginx) beside the edges, in front of the HTTP servers of the same origins. Edges never
   * make HLS; origins do. `{}` will do where origins serve it at port 8080; else see origins[].http. Default: no HLS.
   */
  readonly hls?: Hls;
  /** Most clients of one edge at a time, RTMP and HTTP together; further ones are turned away. Default 10000. */
  readonly maxConnections: number;
  /** Least level that the edges log. Default Info. */
  readonly logLevel: 'Trace' | 'Debug' | 'Info' | 'Warn' | 'Error';
  /**
   * SRS directives for the top level of edge.conf, for what has no field here. They are parsed and checked like the
   * rest; a mistake in them becomes the condition ConfigValid=False, and the edges keep what they have. One that a
   * field has too overrides that field; those of listeners, vhosts and drain time are refused.
   */
  readonly extraDirectives?: string;
  /**
   * The operator leaves what it has made as it is: edges run on, and what a person edits stays. Origins that come and
   * go do not reach the edges meanwhile, nor do changes of this spec, its number of edges among them. Status is still
   * written, and Progressing says what would be applied. The annotation edgecluster.io/paused does the same. Default
   * false.
   */
  readonly paused: boolean;
}

/** One group. Its origins stand for each other; each has all its streams, or a part of them. */
export interface OriginGroup {
  /** Name of the group, for vhosts to refer to. A DNS label. */
  readonly name: string;
  /**
   * Addresses: `host`, `host:port` or `[IPv6]:port`. The port is 1935 unless given, 443 with `tls`. Names are resolved
   * at each connect. With balance Failover their order counts.
   */
  readonly servers?: readonly string[];
  /**
   * A Service whose ready endpoints are the origins. The operator follows them: an origin that comes or goes is in the
   * edges' configuration within a second or two. While none is ready, the edges keep the last known ones; where none is
   * known, the Service's DNS name is used. Where no origin that they know has a stream, edges ask DNS for the Service
   * by themselves, also without the operator and while they stop. That finds every pod of a headless Service (clusterIP
   * None), and one pod at a time behind another.
   */
  readonly service?: OriginService;
  /**
   * An EdgeCluster whose edges are the origins: the tier above. The edge for a stream is chosen by a hash of the
   * stream's name (StreamHash): all edges of this tier meet at the same one, and the origin sees the stream once. The
   * operator follows the headless Service of that EdgeCluster. When an edge comes or goes there, its share of the
   * streams moves, each at a key frame, and no other. With `tls` its RTMPS listener is used, else RTMP. A circle of
   * EdgeClusters is refused (condition ConfigValid).
   */
  readonly edgeCluster?: OriginEdgeCluster;
  /**
   * Which origin a stream is pulled from where none is known to have it. RoundRobin: in turn. StreamHash: by a hash of
   * the stream's name, so that all edges choose the same one; for tiers and caches. Failover: the first that works, in
   * the order given. Default: RoundRobin; StreamHash with edgeCluster, which takes no other.
   */
  readonly balance?: 'RoundRobin' | 'StreamHash' | 'Failover';
  /**
   * Speak TLS to these origins: RTMPS, and HTTPS where `pull` says HttpFlv; `{}` will do. Default: plain RTMP and HTTP.
   */
  readonly tls?: OriginTls;
  /**
   * Secret in the namespace of the EdgeCluster whose key `keys` has a key of signed URLs, `id:secret`, for origins that
   * want a signature, as edges with vhosts[].token do. The first line signs what the edges ask of these origins, to
   * play and to publish; what clients have shown does not go on. Pods start when it is there; a changed key is taken
   * without a restart, a minute or so later. To name another Secret replaces the pods. Default: what a client shows
   * goes on, and nothing else.
   */
  readonly keysSecretName?: string;
  /** When an origin is taken for failed, and when it is tried again. */
  readonly timeouts: OriginTimeouts;
  /**
   * What streams are pulled by. What is published goes to the origins by RTMP always, by RTMPS with `tls`. Default:
   * RTMP.
   */
  readonly pull?: {
    /**
     * Rtmp, or HttpFlv: from `/APP/STREAM.flv` of each origin's HTTP server. With `tls` that is RTMPS or HTTPS. Default
     * Rtmp.
     */
    readonly protocol: 'Rtmp' | 'HttpFlv';
    /**
     * A stream whose first player came by HTTP-FLV is pulled by HTTP, by HTTPS if it came by HTTPS; for RTMP players
     * `protocol` counts. For signatures that differ between protocols. Default false.
     */
    readonly followClient: boolean;
    /**
     * Port of the origins for HTTP-FLV by HTTP, at the addresses of RTMP: with `service` and `edgeCluster` that of the
     * pods. Default 8080.
     */
    readonly httpPort: number;
    /** The same by HTTPS. Default 8088. */
    readonly httpsPort: number;
  };
  /**
   * A server of your own that knows where streams are. It is asked for each stream, and the origins that it names are
   * tried before those of the group, to play and to publish; they need not be in the group. Question and answer are in
   * the edge's reference (locate_url). Default: nobody is asked.
   */
  readonly locate?: {
    /** URL that is asked by POST; http:// or https://. */
    readonly url: string;
    /** Time for an answer, in milliseconds. When it is over, the origins of the group are tried. Default 500. */
    readonly timeoutMs: number;
    /** How long an answer counts for its stream, in milliseconds, whoever asks for it. Default 10000. */
    readonly ttlMs: number;
  };
  /**
   * The HTTP server of these origins, which has their HLS. Read with spec.hls alone. Default: plain HTTP at port 8080.
   */
  readonly http?: OriginHttp;
}

export interface OriginService {
  /** Name of the Service. */
  readonly name: string;
  /**
   * Namespace of the Service. The operator must be allowed to read there, and the Service's annotation
   * edgecluster.io/origins-for must name the EdgeCluster's namespace. Default: that of the EdgeCluster.
   */
  readonly namespace?: string;
  /** Number or name of the Service's port. Default 1935. */
  readonly port: number | string;
}

export interface OriginEdgeCluster {
  /** Name of the EdgeCluster. */
  readonly name: string;
  /**
   * Namespace of the EdgeCluster. The operator must be allowed to read there, and the annotation
   * edgecluster.io/origins-for in that EdgeCluster's spec.service.annotations must name the namespace of this one.
   * Default: that of this one.
   */
  readonly namespace?: string;
}

export interface OriginTls {
  /**
   * The name that the certificates of these origins are for. Give it with `service` and `edgeCluster`, whose origins
   * are reached at the addresses of pods, which are seldom in certificates. Default: the host of each origin.
   */
  readonly serverName?: string;
  /** PEM certificates of the authorities to trust for these origins. Default: those of the edge's image. */
  readonly caBundle?: string;
  /** Believe any certificate, which makes TLS worthless against an attacker on the path. Default false. */
  readonly insecureSkipVerify: boolean;
}

export interface OriginTimeouts {
  /** Name, TCP and TLS of a connection to an origin, together, in milliseconds. Default 3000. */
  readonly connectMs: number;
  /**
   * RTMP handshake, connect, createStream and play or publish at an origin, together, in milliseconds. Default 5000.
   */
  readonly requestMs: number;
  /** An origin that has sent no frame of a stream by then does not have it; in milliseconds. Default 3000. */
  readonly firstFrameMs: number;
  /**
   * A stream is looked for at the likeliest origin first. Each time this passes without a frame, another origin is
   * asked beside those asked before; in milliseconds. Default 200.
   */
  readonly locateIntervalMs: number;
  /**
   * Origins that are asked for one stream at a time. Default: 8; 1 with edgeCluster, where any edge has the stream if
   * it is given time.
   */
  readonly locateParallel?: number;
  /** An origin that owes bytes and is silent for this long is taken for dead, in milliseconds. Default 2000. */
  readonly stallMs: number;
  /**
   * When all origins have just failed they are tried again after this, in milliseconds; the time doubles with each
   * failure. Default 100.
   */
  readonly retryMinMs: number;
  /** The longest time between two such tries, in milliseconds. Default 2000. */
  readonly retryMaxMs: number;
}

export interface OriginHttp {
  /**
   * Its port, at the hosts of `servers`; with `service` the number or name of the Service's port; with `edgeCluster`
   * that of the Service of its caches, NAME-hls. Default: 8080; of an EdgeCluster http, or https with tls.
   */
  readonly port?: number | string;
  /** Speak HTTPS to it; `{}` will do. Default: plain HTTP. */
  readonly tls?: {
    /**
     * The name that the certificates of these origins are for. Default: the host of the first server, or the DNS name
     * of the Service.
     */
    readonly serverName?: string;
    /** PEM certificates of the authorities to trust for these origins. Default: those of the image of the caches. */
    readonly caBundle?: string;
    /** Believe any certificate, which makes TLS worthless against an attacker on the path. Default false. */
    readonly insecureSkipVerify: boolean;
  };
}

/** One virtual host. */
export interface Vhost {
  /**
   * The host name clients use, in upper or lower case, or `__defaultVhost__` for all names that have no vhost of their
   * own.
   */
  readonly name: string;
  /** Name of the origin group that has the streams. Default: the first group. */
  readonly origin?: string;
  /**
   * The vhost to ask origins for; `[vhost]` in it stands for the client's. So up.example.com and down.example.com can
   * be one vhost at the origins. Default: the client's.
   */
  readonly transform?: string;
  /**
   * Origins accept or refuse each client: an RTMP client's own connect request is shown to one, and each player's
   * parameters, by RTMP or HTTP, before it gets anything. Default false.
   */
  readonly tokenTraverse: boolean;
  /** Tell origins who we are when connecting, as SRS does, and log what an SRS origin tells of itself. Default true. */
  readonly debugSrsUpnode: boolean;
  /**
   * Pass every frame on at once, at a higher cost: play.mwLatencyMs and play.mwMsgs are then 0 unless given, and
   * publishers are read at once. Default false.
   */
  readonly minLatency: boolean;
  /** Turn off Nagle's algorithm on the sockets of clients. Default false. */
  readonly tcpNodelay: boolean;
  /** RTMP chunk size to send with, in bytes. Default 60000. */
  readonly chunkSize: number;
  /** Players. */
  readonly play: Play;
  /** Publishers. */
  readonly publish: Publish;
  /** HTTP-FLV, also by WebSocket at the same path, at the http and https listeners. */
  readonly httpFlv: HttpFlv;
  /**
   * Callbacks: each URL is sent a JSON body by POST, as SRS does, and any other answer than 0 refuses the client.
   * Default: none.
   */
  readonly hooks?: Hooks;
  /**
   * Which addresses may play and publish, by RTMP and by HTTP. Who is denied is refused, whatever is allowed. Where
   * `allow` is given, all others are refused, publishers and players. The addresses are those that edges see: see
   * `proxies`, and service.externalTrafficPolicy. Default: everybody may.
   */
  readonly security?: Security;
  /**
   * Which web pages clients may come from: `pageUrl` of RTMP, the header Referer of HTTP. A client that names none is
   * refused. Clients can write there what they like, so it keeps other people's pages away and nobody else. Default:
   * not checked.
   */
  readonly refer?: Refer;
  /**
   * Players and publishers need a signature in their URL, or a JSON Web Token: see edge/docs/signed-urls.md. Callbacks
   * are asked after that, where there are some. Default: nobody needs one.
   */
  readonly token?: Token;
  /**
   * What clients of the vhost may have on each edge. Whoever would be one too many is refused. Lowering a limit
   * disconnects nobody. Default: no limits but maxConnections.
   */
  readonly limits?: Limits;
  /** How long clients are kept while something fails, and what is kept for them. */
  readonly failover: Failover;
  /**
   * SRS directives for this vhost, as in a file, for what has no field here. They are parsed and checked like the rest;
   * a mistake in them becomes the condition ConfigValid=False, and the edges keep what they have. One that a field has
   * too overrides that field; those of origins and drain time are refused.
   */
  readonly extraDirectives?: string;
}

export interface Play {
  /**
   * Begin with the last key frame, so that a new player shows a picture at once, somewhat behind the live edge. Default
   * true.
   */
  readonly gopCache: boolean;
  /**
   * Most messages kept of a stream for new players, audio and all else counted; a longer group of pictures is not kept.
   * Default 2500.
   */
  readonly gopCacheMaxFrames: number;
  /**
   * How far a slow player may fall behind before whole groups of pictures are dropped for it, in seconds. Default 30.
   */
  readonly queueLengthSeconds: number;
  /**
   * Full and Zero: an RTMP player's time begins at zero. "Off" (in quotes, or YAML takes it for false): it begins at
   * the publisher's time. It never jumps. Default Full.
   */
  readonly timeJitter: 'Full' | 'Zero' | 'Off';
  /**
   * Merged write: frames are gathered for this long, in milliseconds, and written to all players together. The greater,
   * the cheaper and the later. Default: 350, or 0 with minLatency.
   */
  readonly mwLatencyMs?: number;
  /** Merged write waits for this many messages too, up to one more mwLatencyMs. Default: 8, or 0 with minLatency. */
  readonly mwMsgs?: number;
  /**
   * Least time between two writes to a player, in milliseconds, three decimals at most. It counts where it is more than
   * mwLatencyMs. Default 0.
   */
  readonly sendMinIntervalMs: number;
  /** Leave out sequence headers that repeat the one before. Default false. */
  readonly reduceSequenceHeader: boolean;
}

export interface Publish {
  /** Merged read: read from publishers at most every mrLatencyMs, which is cheaper. Default false. */
  readonly mr: boolean;
  /** Time between two reads with `mr`, in milliseconds. Default 350. */
  readonly mrLatencyMs: number;
  /**
   * A publisher that has sent nothing for this long after its publish request is disconnected; in milliseconds. Default
   * 20000.
   */
  readonly firstPacketTimeoutMs: number;
  /** A publisher that falls silent for this long is disconnected; in milliseconds. Default 5000. */
  readonly normalTimeoutMs: number;
  /**
   * A publisher whose stream nobody plays on the same edge for so long is disconnected, in seconds; 0 never does.
   * Players of other edges do not count. Default 0.
   */
  readonly kickoffForIdleSeconds: number;
  /**
   * A publisher who comes back takes over the stream that its old connection still holds: at once with a token or where
   * a callback agrees, otherwise when that connection has been silent for a second. Set it at the origins, too, where
   * they are edges in mode local. Default false.
   */
  readonly override: boolean;
  /**
   * Publishers are read at most this often where neither minLatency nor mr is on, in milliseconds; 0 reads at once.
   * Default 200.
   */
  readonly readIntervalMs: number;
}

export interface HttpFlv {
  /** Whether streams of this vhost are played by HTTP. Default true. */
  readonly enabled: boolean;
  /**
   * Path of a stream, with the variables [vhost], [app] and [stream]; it ends in .flv. What stands before the first
   * slash is the host. Default [vhost]/[app]/[stream].flv.
   */
  readonly mount: string;
  /** Announce audio in the FLV header, where that is not guessed. Default true. */
  readonly hasAudio: boolean;
  /** Announce video in the FLV header, where that is not guessed. Default true. */
  readonly hasVideo: boolean;
  /** Fill the FLV header by what the stream has shown so far. Default true. */
  readonly guessHasAv: boolean;
  /** Leave out audio (or video) that the FLV header does not announce. Default true. */
  readonly dropIfNotMatch: boolean;
}

export interface Hooks {
  /** URLs. Called when a client connects; may refuse it. Default: none. */
  readonly onConnect?: readonly string[];
  /** URLs. Called when a client of the vhost is gone. Default: none. */
  readonly onClose?: readonly string[];
  /** URLs. Called when a client wants to publish; may refuse it. Default: none. */
  readonly onPublish?: readonly string[];
  /** URLs. Called when a client publishes no more. Default: none. */
  readonly onUnpublish?: readonly string[];
  /** URLs. Called when a client wants to play, by RTMP or HTTP; may refuse it. Default: none. */
  readonly onPlay?: readonly string[];
  /** URLs. Called when a client plays no more. Default: none. */
  readonly onStop?: readonly string[];
  /**
   * URLs. Told again and again what each client has used since it began to play or publish: bytes and seconds, up to
   * 500 clients in a callback. Default: none.
   */
  readonly onUsage?: readonly string[];
  /** Time between two such callbacks, in milliseconds. Default 60000. */
  readonly usageIntervalMs: number;
  /**
   * What becomes of a client when a callback is not there, not in time, or makes no sense: Refuse, or Admit, as if the
   * callback had agreed. A callback that refuses, refuses. Default Refuse.
   */
  readonly onFailure: 'Refuse' | 'Admit';
  /**
   * When `onConnect` is called for an RTMP client: Stream, when it asks to play or publish, with the stream and its
   * parameters, as SRS does; or Connect, before its connect is answered, when no stream is known. Default Stream.
   */
  readonly onConnectAt: 'Stream' | 'Connect';
  /** Time for the answer of one callback, in milliseconds. Default 30000. */
  readonly timeoutMs: number;
}

export interface Security {
  /** Who may come in. Default: all that `deny` does not name. */
  readonly allow?: readonly AddressRule[];
  /** Who may not. Default: nobody. */
  readonly deny?: readonly AddressRule[];
}

/** Whom a rule is about, and what they want. */
export interface AddressRule {
  /** What they want to do. */
  readonly action: 'Play' | 'Publish';
  /** A range of addresses such as 203.0.113.0/24 or 2001:db8::/32. Default: all. */
  readonly from?: string;
}

export interface Refer {
  /**
   * Domains for players and publishers, with their subdomains; one that begins with a dot means its subdomains alone.
   * Default: not checked.
   */
  readonly all?: readonly string[];
  /** Domains for publishers; `all` must agree, too. Default: not checked. */
  readonly publish?: readonly string[];
  /** Domains for players; `all` must agree, too. Default: not checked. */
  readonly play?: readonly string[];
}

export interface Token {
  /** Whether players need one. Default true. */
  readonly play: boolean;
  /** Whether publishers need one. Default true. */
  readonly publish: boolean;
  /**
   * Secret in the namespace of the EdgeCluster whose key `keys` holds the keys of signed URLs, `id:secret` in each
   * line. Pods start when it is there; changed keys are taken without a restart, a minute or so later. To name another
   * Secret replaces the pods, and those that are there go on as before until then. Default: none.
   */
  readonly keysSecretName?: string;
  /** The public keys of JSON Web Tokens, a JWK Set as JSON. Default: none. */
  readonly jwks?: string;
  /**
   * URL of the public keys of JSON Web Tokens, a JWK Set. Edges ask for it again every five minutes, and when a token
   * names a key that is not known. Default: none.
   */
  readonly jwksUrl?: string;
  /** What `iss` of a JSON Web Token must be. Default: not checked. */
  readonly issuer?: string;
  /** What `aud` of a JSON Web Token must be, or have in it. Default: not checked. */
  readonly audience?: string;
}

export interface Limits {
  /** Most players of one stream. Default: no limit. */
  readonly playersPerStream?: number;
  /** Most streams that are played or published at a time. Default: no limit. */
  readonly streams?: number;
  /** Most publishers at a time. Default: no limit. */
  readonly publishers?: number;
  /**
   * Most that a publisher may send, in kilobits per second. One that is ahead of it by more than what it may send in 5
   * seconds is disconnected. Default: no limit.
   */
  readonly publisherKbps?: number;
  /** Most players and publishers, together, of one IPv4 address or IPv6 /64 network. Default: no limit. */
  readonly clientsPerAddress?: number;
}

export interface Failover {
  /** How long players and publishers are kept while no origin can be reached, in milliseconds. Default 60000. */
  readonly holdTimeoutMs: number;
  /** How long a stream is still pulled after its last player left, in milliseconds. Default 10000. */
  readonly lingerMs: number;
  /**
   * How long a stream that no origin has is remembered as absent, in milliseconds, so that players do not burden
   * origins. Default 3000.
   */
  readonly absentTtlMs: number;
  /**
   * How long what an origin said about a client holds for players that ask for the same stream with the same
   * parameters, in milliseconds. Default 5000.
   */
  readonly tokenTtlMs: number;
  /**
   * How long a publisher waits for the first origin to accept it, in milliseconds, before it is refused. Default 10000.
   */
  readonly publishTimeoutMs: number;
  /** An HTTP player gets 404 when the stream has not begun by then; in milliseconds. Default 10000. */
  readonly httpFirstFrameTimeoutMs: number;
  /** A client that accepts no byte for this long is disconnected; in milliseconds. Default 30000. */
  readonly writeTimeoutMs: number;
  /** RTMP 302 answers of origins that are followed in a row. Default 3. */
  readonly redirectMax: number;
  /** Most media kept of a stream for new players, and of a publisher for a new origin, in bytes. Default 16777216. */
  readonly gopCacheMaxBytes: number;
  /**
   * Most media of a publisher that waits for a slow origin before whole groups of pictures are dropped, in bytes.
   * Default 16777216.
   */
  readonly pushQueueMaxBytes: number;
}

export interface Listeners {
  /** RTMP; always there. */
  readonly rtmp: Listener;
  /** RTMP over TLS. Default: none. */
  readonly rtmps?: TlsListener;
  /** HTTP-FLV and WebSocket-FLV. */
  readonly http: HttpListener;
  /** HTTP-FLV over TLS. Default: none. */
  readonly https?: TlsListener;
  /**
   * HTTP API of each edge, with its health and figures. The operator asks it with the credential in the Secret
   * NAME-api-credentials, which it makes; the kubelet's probes need none. Nobody else is answered without it, not even
   * on loopback. Always there.
   */
  readonly api: {
    /** Port of the container. Default 1985. */
    readonly port: number;
  };
  /**
   * Metrics of each edge for Prometheus, at /metrics: totals, the origins' names, and names of streams where `streams`
   * asks for them. Everybody who reaches the port may read them, unless `requireCredentials` says otherwise;
   * networkPolicy says who does, but not with pods.hostNetwork.
   */
  readonly exporter: {
    /** Whether metrics are served. Default true. */
    readonly enabled: boolean;
    /** Port of the container. Default 9972. */
    readonly port: number;
    /**
     * Streams that have metrics of their own on each edge, at most: those with most players. The rest are summed as
     * "other". Each costs Prometheus 13 series for each edge that has it. Whoever reaches the port learns the names of
     * these streams, and a name is often the publisher's secret. Default 0.
     */
    readonly streams: number;
    /**
     * Metrics are answered with a user name and a password alone. The operator makes them, in the Secret
     * NAME-api-credentials (metrics-username, metrics-password), and the PodMonitor names them; they do not open the
     * API. Default false.
     */
    readonly requireCredentials: boolean;
  };
}

export interface Listener {
  /** Port of the container. Default 1935. */
  readonly port: number;
  /** Port of the Service. Default: the same as port. */
  readonly servicePort?: number;
}

export interface TlsListener {
  /** Port of the container. Default 1443. */
  readonly port: number;
  /** Port of the Service; clients of rtmps:// assume 443. Default: the same as port. */
  readonly servicePort?: number;
  /**
   * Secret of type kubernetes.io/tls in the namespace of the EdgeCluster, as cert-manager makes it. Pods start when it
   * is there; a renewed certificate is taken without a restart.
   */
  readonly secretName: string;
}

export interface HttpListener {
  /** Whether HTTP is served; each vhost can turn it off for itself. Default true. */
  readonly enabled: boolean;
  /**
   * Whether the edges serve the console, at / and /edge/. At this port it has a player and no figures, for everybody
   * who reaches it. At the port of the API (1985) it has all of it (streams, clients, the edge), and asks for the API's
   * credentials. Needs enabled. Default false.
   */
  readonly page: boolean;
  /** Port of the container. Default 8080. */
  readonly port: number;
  /** Port of the Service; browsers assume 80. Default: the same as port. */
  readonly servicePort?: number;
}

export interface Autoscaling {
  /** Fewest edges. Default 2. */
  readonly minReplicas: number;
  /** Most edges. */
  readonly maxReplicas: number;
  /**
   * What an edge is to have on average; of several targets the one that asks for the most edges counts. Default: 60
   * percent of the requested CPU.
   */
  readonly targets: AutoscalingTargets;
  /**
   * Room for clients that come while more edges start, in percent of those that are there. When the last minute brought
   * more than that, there is room for as many again. Default: 20.
   */
  readonly headroomPercent?: number;
  /**
   * How long fewer edges must have been enough before some are taken away, in seconds. Then one goes each minute, or a
   * tenth of them, or by clients all that have none. Default 300.
   */
  readonly scaleDownStabilizationSeconds: number;
}

export interface AutoscalingTargets {
  /** CPU used, in percent of what pods request. Needs metrics-server. */
  readonly cpuUtilizationPercent?: number;
  /** Memory used, in percent of what pods request. Needs metrics-server. */
  readonly memoryUtilizationPercent?: number;
  /** Players that an edge may have. The operator counts them. */
  readonly playersPerPod?: number;
  /** Publishers that an edge may have. The operator counts them. */
  readonly publishersPerPod?: number;
  /** Kilobits per second that an edge may send, over the last 30 seconds. The operator asks the edges for it. */
  readonly sentKbpsPerPod?: number;
}

export interface ServiceSettings {
  /**
   * ClusterIP: for clients in the cluster (or behind an ingress for TCP). NodePort: at a port of every node.
   * LoadBalancer: at an address of its own from the cloud or its like. Default ClusterIP.
   */
  readonly type: 'ClusterIP' | 'NodePort' | 'LoadBalancer';
  /** Annotations for the Service; clouds take settings of load balancers there. Default: none. */
  readonly annotations?: Readonly<Record<string, string>>;
  /** Further labels for the Service. Default: none. */
  readonly labels?: Readonly<Record<string, string>>;
  /**
   * Local keeps clients' addresses and stays on the node they reached; Cluster spreads over all nodes. Needs type
   * NodePort or LoadBalancer. Default: Kubernetes' own, Cluster.
   */
  readonly externalTrafficPolicy?: 'Cluster' | 'Local';
  /** ClientIP sends all connections of an address to one edge. Default None. */
  readonly sessionAffinity: 'None' | 'ClientIP';
  /**
   * Which edges clients in the cluster are sent to: of their own zone (PreferSameZone, and PreferClose, its former
   * name) or node (PreferSameNode), as long as one is ready there; the headless Service likewise. Needs Kubernetes 1.31
   * for PreferClose, 1.34 for the others. An edge in a zone with many clients has many. Default: none is preferred.
   */
  readonly trafficDistribution?: 'PreferClose' | 'PreferSameZone' | 'PreferSameNode';
  /**
   * Whether the Services have IPv4, IPv6 or both; edges listen on whatever their pods have. Default: Kubernetes' own,
   * SingleStack.
   */
  readonly ipFamilyPolicy?: 'SingleStack' | 'PreferDualStack' | 'RequireDualStack';
  /**
   * Families of addresses of the Services, the first one first; two need ipFamilyPolicy PreferDualStack or
   * RequireDualStack. The first cannot be changed later. Default: the cluster's own.
   */
  readonly ipFamilies?: readonly ('IPv4' | 'IPv6')[];
  /**
   * The headless Service NAME-edges, which names each ready edge with RTMP, RTMPS, API and exporter. Default: without
   * annotations.
   */
  readonly headless?: {
    /**
     * Annotations for it. With pods.hostNetwork external-dns makes a name for all nodes with an edge from one such as
     * external-dns.alpha.kubernetes.io/hostname. Default: none.
     */
    readonly annotations?: Readonly<Record<string, string>>;
    /** Further labels for it. Default: none. */
    readonly labels?: Readonly<Record<string, string>>;
  };
  /**
   * Which load balancer, where there are several. Needs type LoadBalancer. It cannot be changed later. Default: the
   * cluster's default one.
   */
  readonly loadBalancerClass?: string;
  /** Addresses that may reach the load balancer, such as 203.0.113.0/24. Needs type LoadBalancer. Default: all. */
  readonly loadBalancerSourceRanges?: readonly string[];
  /**
   * Fixed ports of the nodes, usually 30000 to 32767. Needs type NodePort or LoadBalancer. Default: Kubernetes chooses.
   */
  readonly nodePorts?: {
    /** Node port of RTMP. */
    readonly rtmp?: number;
    /** Node port of RTMPS. */
    readonly rtmps?: number;
    /** Node port of HTTP. */
    readonly http?: number;
    /** Node port of HTTPS. */
    readonly https?: number;
  };
}

export interface PodSettings {
  /**
   * Image of the edge. Default: the one that the operator was given; by the chart its own, which holds both programs.
   */
  readonly image?: string;
  /** When the kubelet pulls the image. Default: Kubernetes' own, Always for the tag latest, else IfNotPresent. */
  readonly imagePullPolicy?: 'Always' | 'IfNotPresent' | 'Never';
  /** Secrets with the credentials of the registry, in the namespace of the EdgeCluster. Default: none. */
  readonly imagePullSecrets?: readonly V1LocalObjectReference[];
  /**
   * CPU and memory of the edge's container, as in any pod; what is given replaces the default whole. Default: requests
   * of 250m CPU and 192Mi memory, and a memory limit of 512Mi.
   */
  readonly resources: V1ResourceRequirements;
  /** Labels a node must have. Default: any node. */
  readonly nodeSelector?: Readonly<Record<string, string>>;
  /** Taints of nodes that the pods put up with, as in any pod. Default: none. */
  readonly tolerations?: readonly V1Toleration[];
  /**
   * Node, pod and anti-affinity, as in any pod (kubectl explain pod.spec.affinity). Default: zones with fewer edges are
   * preferred, unless podAntiAffinity or topologySpreadConstraints is set.
   */
  readonly affinity?: V1Affinity;
  /**
   * How the pods are spread, as in any pod; a constraint without labelSelector counts this EdgeCluster's pods. Default:
   * over nodes, ScheduleAnyway; for zones see affinity. `[]`: only as the cluster's scheduler does by itself.
   */
  readonly topologySpreadConstraints?: readonly V1TopologySpreadConstraint[];
  /**
   * PriorityClass of the pods. When nodes are full the scheduler makes room for pods of a higher priority by ending
   * edges, which drain first, and keeps disruption budgets only as far as it can. Give edges a class of more than 0,
   * with preemptionPolicy Never if they should not do the same to others. Default: the cluster's default one.
   */
  readonly priorityClassName?: string;
  /** RuntimeClass of the pods. Default: the nodes' own. */
  readonly runtimeClassName?: string;
  /**
   * Security context of the pods (kubectl explain pod.spec.securityContext); what is given here is laid over the
   * default. Default: runAsNonRoot, user and group 65532, seccomp RuntimeDefault.
   */
  readonly securityContext?: V1PodSecurityContext;
  /**
   * Security context of the edge's container (kubectl explain pod.spec.containers.securityContext); what is given here
   * is laid over the default. Default: a read-only root, no privilege escalation, all capabilities dropped.
   */
  readonly containerSecurityContext?: V1SecurityContext;
  /** Environment variables of the edge's container, as in any pod. Default: none. */
  readonly env?: readonly V1EnvVar[];
  /** Further labels for the pods. Default: none. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Further annotations for the pods. Default: none. */
  readonly annotations?: Readonly<Record<string, string>>;
  /**
   * ServiceAccount of the pods, in the namespace of the EdgeCluster. Default: one of its own, without rights and
   * without a token; that of the namespace for an EdgeCluster named `default`.
   */
  readonly serviceAccountName?: string;
  /**
   * How long a pod that is to end lets present clients finish, in seconds. A roll-out or scaling in may take that long
   * for each pod; no client is cut off before. Default 300.
   */
  readonly drainSeconds: number;
  /**
   * Use the node's own network: clients reach each edge at its node's address and the ports of the listeners, which
   * must be free there, so that a node has one edge at most. With as many edges as nodes set availability.rollout to
   * maxSurge 0 and maxUnavailable 1. Default false.
   */
  readonly hostNetwork: boolean;
}

export interface Availability {
  /**
   * Whether nodes are kept from being emptied to save cost while their edge has clients: the operator sets the
   * annotations cluster-autoscaler.kubernetes.io/safe-to-evict=false and karpenter.sh/do-not-disrupt=true on the pods
   * of such edges, and takes them away when the last client has left. Drains by people are not held up by it. Default
   * false.
   */
  readonly keepNodesWithClients: boolean;
  /** How many edges an eviction, such as draining a node, may take away. */
  readonly podDisruptionBudget: {
    /** Whether there is a PodDisruptionBudget. Default true. */
    readonly enabled: boolean;
    /** Fewest edges that must stay: a number, or percent such as 50%. Default: see maxUnavailable. */
    readonly minAvailable?: number | string;
    /** Most edges that may be gone: a number, or percent such as 50%. Default: 1, where minAvailable is not given. */
    readonly maxUnavailable?: number | string;
  };
  /** How pods are replaced when their template changes. */
  readonly rollout: {
    /** How many pods there may be beyond replicas: a number, or percent. Default 25%. */
    readonly maxSurge: number | string;
    /** How many pods there may be too few: a number, or percent. Default 0. */
    readonly maxUnavailable: number | string;
  };
}

export interface ConfigRollout {
  /**
   * Which changes canaries get first. Auto: those that can make edges refuse clients or leave them without a stream
   * (vhosts, origins, callbacks, limits, …); others, such as the log level and merged write, reach all edges at once.
   * Canary: all changes. Immediate: none. Default Auto.
   */
  readonly strategy: 'Auto' | 'Canary' | 'Immediate';
  /**
   * How many edges get it first: a number, or percent of those that are ready, rounded up; at least one. Default 10%.
   */
  readonly canaries: number | string;
  /**
   * How long canaries must be well before the others follow, in seconds, from when all of them run the changed
   * configuration. Default 60.
   */
  readonly watchSeconds: number;
}

export interface NetworkPolicySettings {
  /**
   * Whether there is a NetworkPolicy. Each port is safe without one; it keeps metrics and probes for those in
   * monitoring. Not with pods.hostNetwork. Default false.
   */
  readonly enabled: boolean;
  /** Who may reach RTMP, RTMPS, HTTP and HTTPS. Default: everybody. */
  readonly clients?: readonly V1NetworkPolicyPeer[];
  /** Who may reach API and metrics; the operator must be among them. Default: every pod in the cluster. */
  readonly monitoring?: readonly V1NetworkPolicyPeer[];
}

export interface Monitoring {
  /** A PodMonitor of the Prometheus operator. */
  readonly podMonitor: {
    /** Whether there is one. It is made where the cluster knows PodMonitors and the exporter is on. Default true. */
    readonly enabled: boolean;
    /** Time between two scrapes, in seconds. Default 30. */
    readonly intervalSeconds: number;
    /** Labels of the PodMonitor, by which Prometheus selects it. Default: none. */
    readonly labels?: Readonly<Record<string, string>>;
  };
}

export interface Proxies {
  /**
   * Addresses of proxies that edges believe: in X-Forwarded-For, Forwarded and X-Real-IP, and with proxyProtocol in its
   * header.
   */
  readonly trusted: readonly string[];
  /**
   * Whether connections to rtmp, rtmps, http and https begin with a header of the PROXY protocol, version 1 or 2.
   * Connections of anybody but `trusted` are closed then, those of edges of a tier below, too. Default false.
   */
  readonly proxyProtocol: boolean;
}

export interface Hls {
  /** How many caches; with autoscaling the least number of them. Default 2. */
  readonly replicas: number;
  /** A HorizontalPodAutoscaler for the caches, from `replicas` on. Default: none. */
  readonly autoscaling?: {
    /** Most caches. */
    readonly maxReplicas: number;
    /** Share of the requested CPU that caches are to use on average, in percent. Default 70. */
    readonly cpuUtilizationPercent: number;
  };
  /**
   * Target duration of the origins' playlists, in seconds. A cache keeps a playlist for half of it, rounded down, at
   * least one second. Default 4.
   */
  readonly targetDurationSeconds: number;
  /**
   * How long segments are kept before the origin is asked whether they have changed, in seconds. Longer than the live
   * window costs nothing; but an origin that numbers from 0 again after a restart gives old names to new segments,
   * which are seen this much later. Default 60.
   */
  readonly segmentSeconds: number;
  /**
   * Parameters of the URL that tell objects apart: each value is kept by itself, so that the origin sees each. All
   * others, tokens among them, are passed on when the cache asks an origin and tell nothing apart: whoever asks next
   * gets the same object without the origin being asked. Default: none.
   */
  readonly keyParameters?: readonly string[];
  /**
   * Parameters of the URL that number the players' sessions. Of these only whether one is there tells objects apart, so
   * that all sessions share one playlist. Default hls_ctx, which SRS gives.
   */
  readonly sessionParameters: readonly string[];
  /**
   * Web sites whose pages may play (CORS), such as https://www.example.com; `*`: all. An empty list: none. Default `*`.
   */
  readonly allowOrigins: readonly string[];
  /** Ports of the caches, 1024 to 65535, and what their Service, NAME-hls, shows for them. */
  readonly listeners: {
    /** HTTP; always there. */
    readonly http: {
      /** Port of the container. Default 8080. */
      readonly port: number;
      /** Port of the Service. Default 80. */
      readonly servicePort: number;
    };
    /** HTTPS. Default: none. */
    readonly https?: {
      /** Port of the container. Default 8443. */
      readonly port: number;
      /** Port of the Service. Default 443. */
      readonly servicePort: number;
      /**
       * Secret of type kubernetes.io/tls in the namespace of the EdgeCluster. Caches start when it is there; a renewed
       * certificate is taken without a restart.
       */
      readonly secretName: string;
    };
    /** Metrics for Prometheus, which the Service does not show. */
    readonly metrics: {
      /** Port of the container. Default 9972. */
      readonly port: number;
    };
  };
  /** Where caches keep objects. What is kept goes with the pod. */
  readonly cache: {
    /** How much each cache keeps, in Mi. The volume may take a quarter and 64 Mi more. Default 1024. */
    readonly sizeMi: number;
    /**
     * Disk: an emptyDir on the node's disk. Memory: in memory, which counts towards the memory limit of the container.
     * Default Disk.
     */
    readonly medium: 'Disk' | 'Memory';
  };
  /** The Service NAME-hls, by which players reach the caches. */
  readonly service: {
    /**
     * ClusterIP: for clients in the cluster, or behind an ingress. NodePort: at a port of every node. LoadBalancer: at
     * an address of its own. Default ClusterIP.
     */
    readonly type: 'ClusterIP' | 'NodePort' | 'LoadBalancer';
    /** Annotations for the Service; clouds take settings of load balancers there. Default: none. */
    readonly annotations?: Readonly<Record<string, string>>;
    /** Further labels for the Service. Default: none. */
    readonly labels?: Readonly<Record<string, string>>;
  };
  /**
   * Image of the caches: nginx 1.22 or newer, with `nginx` on its PATH. Default docker.io/library/nginx:1.28-alpine.
   */
  readonly image: string;
  /**
   * CPU and memory of the cache's container, as in any pod; what is given replaces the default whole. nginx runs a
   * worker for each CPU that it is limited to, else that it requests. Default: requests of 250m CPU and 128Mi memory,
   * and a memory limit of 512Mi.
   */
  readonly resources: V1ResourceRequirements;
}

export interface EdgeClusterStatus {
  /** metadata.generation of the EdgeCluster that this status is about. */
  readonly observedGeneration?: number;
  /** What can be said about the tier, each with a reason and a message. */
  readonly conditions?: readonly Condition[];
  /** Pods that are not ending. */
  readonly replicas?: number;
  /** Pods that take clients. */
  readonly readyReplicas?: number;
  /** Pods made from the present template. */
  readonly updatedReplicas?: number;
  /** Pods that are ending and let their clients finish. */
  readonly drainingReplicas?: number;
  /**
   * Edges that have told nothing for two polls of the operator, such as those of a node that is gone. Their clients are
   * not in the figures below.
   */
  readonly silentReplicas?: number;
  /**
   * Edges that the clients need now by spec.autoscaling.targets, with the room for those who come next. It may be
   * beyond minReplicas and maxReplicas.
   */
  readonly neededReplicas?: number;
  /** Labels of the pods, for the scale subresource. */
  readonly selector?: string;
  /**
   * Clients that play, of all edges. A change by less than a quarter, or by less than 10, may be written later where
   * there are many EdgeClusters: with 500 of them up to five minutes later.
   */
  readonly players?: number;
  /**
   * Of `players`, those that are edges of a tier below: one for each stream and edge. They are known by what they tell
   * of themselves (debugSrsUpnode).
   */
  readonly edgePlayers?: number;
  /** Clients that publish, of all edges. */
  readonly publishers?: number;
  /** Connections of all edges to origins that carry a stream. */
  readonly originConnections?: number;
  /** What the tier keeps from its origins, where each client would have a connection of its own. */
  readonly saved?: {
    /** Clients that play or publish, less originConnections. */
    readonly connections?: number;
    /** Kilobits per second sent, less those received. */
    readonly kbps?: number;
  };
  /** Streams in use, summed over the edges. */
  readonly streams?: number;
  /** Kilobits per second sent by all edges, over the last 30 seconds. */
  readonly sentKbps?: number;
  /** Kilobits per second received by all edges, over the last 30 seconds. */
  readonly receivedKbps?: number;
  /**
   * Each origin with its health as the edges see it. Of more than 50 it lists 50, those that are down first;
   * originsReachable counts all.
   */
  readonly origins?: readonly OriginStatus[];
  /** Origins that edges have reached and that are not down, of all that vhosts use, such as 2/2. */
  readonly originsReachable?: string;
  /** The caches of HLS, where spec.hls is given. */
  readonly hls?: {
    /** Caches that there are. */
    readonly replicas: number;
    /** Caches that serve players. */
    readonly readyReplicas: number;
    /** Caches made from the present template. */
    readonly updatedReplicas: number;
  };
  /** Hash of the edge.conf that the edges are to run. */
  readonly configHash?: string;
  /** Edges that run it. */
  readonly configuredReplicas?: number;
}

/** One condition. */
export interface Condition {
  /**
   * Ready: as many edges as are wanted are ready, and run the newest configuration. Available: at least one edge serves
   * clients. Progressing: something is on its way. Reconciling and Stalled: the same for tools that follow kstatus,
   * such as Flux. OriginsReachable: every origin in use can be reached. HlsReady: as many caches of HLS are ready as
   * are wanted; only with spec.hls. Degraded: something needs a person. ConfigValid: the spec could be made into an
   * edge.conf; while it is False, what was valid before goes on. Scaling: the number of edges follows what they have to
   * do; only with spec.autoscaling.
   */
  readonly type: ConditionType;
  /** Whether it holds. */
  readonly status: 'True' | 'False' | 'Unknown';
  /** One word for why, for programs and for the troubleshooting table. */
  readonly reason: string;
  /** Why, in a sentence, and what to do. */
  readonly message: string;
  /** When `status` last changed. */
  readonly lastTransitionTime: string;
  /** metadata.generation that the condition is about. */
  readonly observedGeneration: number;
}

export type ConditionType =
  | 'Ready'
  | 'Available'
  | 'Progressing'
  | 'Reconciling'
  | 'Stalled'
  | 'OriginsReachable'
  | 'HlsReady'
  | 'Degraded'
  | 'ConfigValid'
  | 'Scaling';

/** One origin. */
export interface OriginStatus {
  /** Name of its group. */
  readonly group: string;
  /** Its address, host:port. */
  readonly server: string;
  /**
   * As most edges see it. Up: it works. Suspect: it has failed and is tried again. Down: it fails again and again.
   * Untried: no edge has tried it yet.
   */
  readonly state: 'Up' | 'Suspect' | 'Down' | 'Untried';
  /** Edges that cannot reach it. */
  readonly downOn: number;
  /** Why it failed last, as an edge tells it. */
  readonly reason?: string;
}

/** The table of directives inside `vhost NAME { }`: see `schema.ts` for what it drives. Long because it is a table. */
import {
  CHUNK_SIZE_MAX,
  CHUNK_SIZE_MIN,
  CLUSTER,
  defaultVhost,
  EDGE,
  HTTP_HOOKS,
  HTTP_REMUX,
  MW_MSGS_MAX,
  PLAY,
  PUBLISH,
} from './defaults.ts';
import type { OriginAddress } from './model.ts';
import { block, leaf } from './schema.ts';
import {
  choice,
  decimalMilliseconds,
  flvMount,
  hookUrls,
  inherited,
  integer,
  milliseconds,
  onOff,
  originAddresses,
  text,
} from './values.ts';

const D = defaultVhost();

const cluster = block(
  'Where the streams of this vhost come from.',
  {
    mode: leaf({
      type: choice({ local: 'local', remote: 'remote' }),
      default: D.cluster.mode,
      effect: 'new connections',
      doc:
        '`remote`: an edge, which pulls from `origin` what is played and pushes to it what is published. ' +
        '`local`: publishers and players meet in this process. A stream that is in use at a reload stays what it is ' +
        'until nobody uses it.',
    }),
    origin: leaf({
      type: originAddresses,
      default: [] as readonly OriginAddress[],
      defaultText: 'none; needed with `mode remote`',
      effect: 'at once',
      doc:
        'The origins, several separated by blanks; the port is 1935 (443 with `rtmps://`) unless given. Names are ' +
        'resolved at each connect. On a change, streams of an origin that is gone move to another at a key frame.',
    }),
    token_traverse: leaf({
      type: onOff,
      default: CLUSTER.tokenTraverse,
      effect: 'new connections',
      doc:
        'Present each RTMP client’s own `connect` to an origin, which accepts or refuses the client. HTTP players ' +
        'have none: check them in `http_hooks { on_play; }`.',
    }),
    vhost: leaf({
      type: text('a vhost'),
      default: CLUSTER.vhost,
      effect: 'new connections',
      doc: 'The vhost to ask origins for. `[vhost]` stands for the client’s.',
    }),
    debug_srs_upnode: leaf({
      type: onOff,
      default: CLUSTER.debugSrsUpnode,
      effect: 'new connections',
      doc: 'Tell origins who we are in `connect`, as SRS does, and log what an SRS origin tells of itself.',
    }),
  },
  {
    ignored: {
      coworkers: 'a local vhost knows nothing of other origins',
      follow_client: 'origins are always connected to by RTMP',
      origin_cluster: 'a local vhost knows nothing of other origins',
      protocol: 'origins are always connected to by RTMP',
    },
  },
);

const play = block(
  'Players.',
  {
    gop_cache: leaf({
      type: onOff,
      default: PLAY.gopCache,
      effect: 'new connections',
      doc: 'Begin with the last key frame, so that a new player shows a picture at once, somewhat behind the live edge.',
    }),
    gop_cache_max_frames: leaf({
      type: integer(1, 1_000_000, 'messages'),
      default: PLAY.gopCacheMaxFrames,
      effect: 'at once',
      doc: 'Most messages kept for new players, audio and all else counted. Of a longer GOP nobody can be shown anything in step with the others: then the newest second of sound is kept, and new players see from the next key frame on. (Of a stream that sends none in 3,000 frames, and in twice its longest GOP, they get the video as it comes.) See also `gop_cache_max_bytes`.',
    }),
    queue_length: leaf({
      type: integer(1, 3_600, 's'),
      default: PLAY.queueLengthSeconds,
      effect: 'at once',
      doc: 'How far a slow player may fall behind before whole GOPs are dropped for it. Where no key frame waits for it, it goes on with sound, and with video at the next key frame.',
    }),
    time_jitter: leaf({
      type: choice({ full: 'full', zero: 'zero', off: 'off' }),
      default: PLAY.timeJitter,
      effect: 'new connections',
      doc:
        '`full` and `zero`: a player’s time begins at 0. HTTP-FLV players share bytes only if their time began with the ' +
        'same frame, so a stream has 8 such beginnings at most; who comes when all are in use joins the newest one, ' +
        'and its time begins with the age of that (less than a day). `off`: time is the publisher’s, 32 bits of it. ' +
        'With any of them the distance between audio and video is the publisher’s (60 s at most), and the time of a ' +
        'track never runs backwards.',
    }),
    atc: leaf({
      type: onOff,
      default: false,
      effect: 'new connections',
      doc: 'The publisher’s absolute time for all players: `on` means `time_jitter off`.',
    }),
    mw_latency: leaf({
      type: inherited(milliseconds(0)),
      default: undefined,
      defaultText: '`350`; `0` with `min_latency on` (SRS: always 350)',
      effect: 'at once',
      doc:
        'Merged write: frames are gathered for this long and written to all players together. ' +
        'The greater, the cheaper and the later.',
    }),
    mw_msgs: leaf({
      type: inherited(integer(0, MW_MSGS_MAX, 'messages')),
      default: undefined,
      defaultText: '`8`; `0` with `min_latency on`',
      effect: 'at once',
      doc: 'Merged write waits for this many messages too, up to one more `mw_latency`.',
    }),
    send_min_interval: leaf({
      type: decimalMilliseconds,
      default: PLAY.sendMinIntervalMs,
      effect: 'at once',
      doc: 'Least time between two writes to a player. It counts where it is more than `mw_latency`.',
    }),
    reduce_sequence_header: leaf({
      type: onOff,
      default: PLAY.reduceSequenceHeader,
      effect: 'at once',
      doc: 'Leave out sequence headers that repeat the one before.',
    }),
  },
  {
    ignored: {
      atc_auto: 'metadata does not change time_jitter; say atc on',
      mix_correct: 'the edge’s timeline keeps audio and video in order by itself',
    },
  },
);

const publish = block(
  'Publishers.',
  {
    mr: leaf({
      type: onOff,
      default: PUBLISH.mr,
      effect: 'new connections',
      doc: 'Merged read: read from publishers at most every `mr_latency`, which is cheaper. Not with `min_latency on`.',
    }),
    mr_latency: leaf({
      type: milliseconds(0),
      default: PUBLISH.mrLatencyMs,
      effect: 'new connections',
      doc: 'Time between two reads with `mr on`.',
    }),
    firstpkt_timeout: leaf({
      type: milliseconds(1),
      default: PUBLISH.firstPacketTimeoutMs,
      effect: 'new connections',
      doc: 'A publisher that has sent nothing this long after `publish` is disconnected.',
    }),
    normal_timeout: leaf({
      type: milliseconds(1),
      default: PUBLISH.normalTimeoutMs,
      effect: 'new connections',
      doc: 'A publisher that falls silent for this long is disconnected.',
    }),
  },
  {
    ignored: {
      kickoff_for_idle: 'publishers are not disconnected for want of players',
      parse_sps: 'the edge does not look into pictures',
      try_annexb_first: 'the edge does not look into pictures',
    },
  },
);

const httpRemux = block(
  'HTTP-FLV, also by WebSocket at the same path; needs `http_server`.',
  {
    enabled: leaf({
      type: onOff,
      default: HTTP_REMUX.enabled,
      effect: 'new connections',
      doc: 'Whether streams of this vhost are played by HTTP.',
    }),
    mount: leaf({
      type: flvMount,
      default: HTTP_REMUX.mount,
      effect: 'new connections',
      doc: 'The path of a stream, with `[vhost]`, `[app]` and `[stream]`. It must end in `.flv`.',
    }),
    has_audio: leaf({
      type: onOff,
      default: HTTP_REMUX.hasAudio,
      effect: 'new connections',
      doc: 'Announce audio in the FLV header, where that is not guessed.',
    }),
    has_video: leaf({
      type: onOff,
      default: HTTP_REMUX.hasVideo,
      effect: 'new connections',
      doc: 'Announce video in the FLV header, where that is not guessed.',
    }),
    guess_has_av: leaf({
      type: onOff,
      default: HTTP_REMUX.guessHasAv,
      effect: 'new connections',
      doc: 'Fill the FLV header by the tracks that have come so far. What the metadata says counts for nothing.',
    }),
    drop_if_not_match: leaf({
      type: onOff,
      default: HTTP_REMUX.dropIfNotMatch,
      effect: 'new connections',
      doc:
        'Leave out audio (or video) that the FLV header does not announce. With `guess_has_av`, not for those who ' +
        'join a stream in its first 2 s, when a track may still come.',
    }),
  },
  { ignored: { fast_cache: 'it concerns MP3 and AAC streams' } },
);

function hook(urls: readonly string[], doc: string) {
  return leaf({ type: hookUrls, default: urls, defaultText: 'none', effect: 'new connections', doc });
}

const httpHooks = block(
  'Callbacks: each URL is sent a JSON body by POST, and may refuse the client by any other answer than `0`.',
  {
    enabled: leaf({
      type: onOff,
      default: HTTP_HOOKS.enabled,
      effect: 'new connections',
      doc: 'Whether the URLs below are called.',
    }),
    on_connect: hook(HTTP_HOOKS.onConnect, 'Called when a client connects to the vhost; may refuse it.'),
    on_close: hook(HTTP_HOOKS.onClose, 'Called when a client of the vhost is gone.'),
    on_publish: hook(HTTP_HOOKS.onPublish, 'Called when a client wants to publish; may refuse it.'),
    on_unpublish: hook(HTTP_HOOKS.onUnpublish, 'Called when a client publishes no more.'),
    on_play: hook(HTTP_HOOKS.onPlay, 'Called when a client wants to play, by RTMP or HTTP; may refuse it.'),
    on_stop: hook(HTTP_HOOKS.onStop, 'Called when a client plays no more.'),
  },
  {
    ignored: {
      on_dvr: 'the edge records nothing',
      on_hls: 'the edge makes no HLS',
      on_hls_notify: 'the edge makes no HLS',
    },
  },
);

/** A time of ours: 1 ms at least. */
function time(value: number, doc: string) {
  return leaf({ type: milliseconds(1), default: value, effect: 'at once', doc });
}

const BYTES_MAX = 4 * 1024 ** 3;

const edge = block(
  'Time-outs and limits that SRS has no directive for.',
  {
    balance: leaf({
      type: choice({ round_robin: 'round_robin', hash: 'hash', failover: 'failover' }),
      default: EDGE.balance,
      effect: 'at once',
      doc:
        'How an origin is chosen for a stream that none is remembered for. `round_robin`: in turn. `hash`: by the ' +
        'stream’s name, so that many edges choose the same one. `failover`: the first of the list that is up; when a ' +
        'better one comes back, new streams take it and those that run stay where they are.',
    }),
    connect_timeout: time(EDGE.connectTimeoutMs, 'Name, TCP and TLS of a connection to an origin, together.'),
    request_timeout: time(
      EDGE.requestTimeoutMs,
      'RTMP handshake, `connect`, `createStream` and `play` or `publish` at an origin, together.',
    ),
    first_frame_timeout: time(
      EDGE.firstFrameTimeoutMs,
      'An origin that has sent no frame of a stream by then does not have it: the next one is asked.',
    ),
    stall_timeout: time(
      EDGE.stallTimeoutMs,
      'An origin that owes bytes and is silent for this long is taken for dead.',
    ),
    hold_timeout: leaf({
      type: milliseconds(0),
      default: EDGE.holdTimeoutMs,
      effect: 'at once',
      doc: 'How long players and publishers are kept while no origin can be reached.',
    }),
    retry_min: time(
      EDGE.retryMinMs,
      'When all origins have just failed, they are tried again after this; the time doubles with each failure.',
    ),
    retry_max: time(EDGE.retryMaxMs, 'The longest time between two such tries. Not below `retry_min`.'),
    linger: leaf({
      type: milliseconds(0),
      default: EDGE.lingerMs,
      effect: 'at once',
      doc: 'How long a stream is still pulled after its last player left.',
    }),
    absent_ttl: leaf({
      type: milliseconds(0),
      default: EDGE.absentTtlMs,
      effect: 'at once',
      doc: 'How long a stream that no origin has is remembered as absent, so that players do not burden origins.',
    }),
    publish_timeout: time(
      EDGE.publishTimeoutMs,
      'How long a publisher waits for the first origin to accept it before it is refused.',
    ),
    gop_cache_max_bytes: leaf({
      type: integer(0, BYTES_MAX, 'bytes'),
      default: EDGE.gopCacheMaxBytes,
      effect: 'at once',
      doc: 'Most media kept of a stream for new players, and of a publisher for a new origin.',
    }),
    play_queue_max_bytes: leaf({
      type: integer(0, BYTES_MAX, 'bytes'),
      default: EDGE.playQueueMaxBytes,
      effect: 'at once',
      since: 2,
      doc: 'Most media that waits for a slow player, whatever its time, before frames are dropped as with `queue_length`.',
    }),
    push_queue_max_bytes: leaf({
      type: integer(0, BYTES_MAX, 'bytes'),
      default: EDGE.pushQueueMaxBytes,
      effect: 'at once',
      doc: 'Most media that waits for a slow origin before whole GOPs are dropped.',
    }),
    write_timeout: leaf({
      type: milliseconds(1),
      default: EDGE.writeTimeoutMs,
      effect: 'new connections',
      doc: 'A client that accepts no byte for this long is disconnected.',
    }),
    http_first_frame_timeout: leaf({
      type: milliseconds(1),
      default: EDGE.httpFirstFrameTimeoutMs,
      effect: 'new connections',
      doc: 'An HTTP player gets 404 when the stream has not begun by then.',
    }),
    drain_timeout: leaf({
      type: inherited(milliseconds(0)),
      default: undefined,
      defaultText: 'the process’s `drain_timeout`',
      effect: 'at once',
      doc: 'How long an edge that was told to stop lets present clients of the vhost finish.',
    }),
    hook_timeout: leaf({
      type: milliseconds(1),
      default: EDGE.hookTimeoutMs,
      effect: 'new connections',
      doc: 'Time for the answer of one callback.',
    }),
    read_interval: leaf({
      type: milliseconds(0),
      default: EDGE.readIntervalMs,
      effect: 'new connections',
      doc: 'Publishers’ sockets are read at most this often where neither `min_latency` nor `mr` is on. 0 reads at once.',
    }),
    redirect_max: leaf({
      type: integer(0, 100),
      default: EDGE.redirectMax,
      effect: 'at once',
      doc: 'RTMP 302 answers followed in a row.',
    }),
    origin_tls_verify: leaf({
      type: onOff,
      default: EDGE.originTlsVerify,
      effect: 'new connections',
      doc: 'Verify the certificates of `rtmps://` origins.',
    }),
    origin_tls_ca_file: leaf({
      type: text('a path'),
      default: EDGE.originTlsCaFile,
      defaultText: 'the system’s authorities',
      effect: 'new connections',
      doc: 'PEM file of the authorities that vouch for `rtmps://` origins.',
    }),
  },
  { own: true },
);

export const VHOST = block(
  'A virtual host, named by the host of the URL or its `vhost` parameter. `__defaultVhost__` serves all other names.',
  {
    enabled: leaf({
      type: onOff,
      default: D.enabled,
      effect: 'new connections',
      doc: 'With `off`, clients of this vhost are refused.',
    }),
    min_latency: leaf({
      type: onOff,
      default: D.minLatency,
      effect: 'new connections',
      doc:
        'Pass every frame on at once: `mw_latency` and `mw_msgs` are 0 unless given, merged read and `read_interval` ' +
        'are off.',
    }),
    tcp_nodelay: leaf({
      type: onOff,
      default: D.tcpNodelay,
      effect: 'new connections',
      doc: 'Turn off Nagle’s algorithm on the sockets of clients.',
    }),
    chunk_size: leaf({
      type: inherited(integer(CHUNK_SIZE_MIN, CHUNK_SIZE_MAX, 'bytes')),
      default: undefined,
      defaultText: 'the global `chunk_size`',
      effect: 'new connections',
      doc: 'RTMP chunk size we send with.',
    }),
    in_ack_size: leaf({
      type: integer(0, 0xffff_ffff, 'bytes'),
      default: D.inAckSize,
      effect: 'new connections',
      doc: 'Acknowledge at least every so many bytes from a client. 0: as the client asks.',
    }),
    out_ack_size: leaf({
      type: integer(0, 0xffff_ffff, 'bytes'),
      default: D.outAckSize,
      effect: 'new connections',
      doc: 'Ask clients to acknowledge every so many bytes. 0 does not ask.',
    }),
    cluster,
    play,
    publish,
    http_remux: httpRemux,
    http_hooks: httpHooks,
    edge,
  },
  {
    ignored: {
      bandcheck: 'the edge measures no bandwidth',
      dash: 'the edge makes no DASH',
      dvr: 'the edge records nothing',
      exec: 'the edge starts no programs',
      forward: 'publish to origins with cluster { mode remote; }',
      hds: 'the edge makes no HDS',
      hls: 'the edge makes no HLS',
      http_static: 'static files come from http_server { dir; }',
      ingest: 'the edge fetches no files or devices',
      refer: 'referrers are NOT checked here; check them in http_hooks { on_play; }',
      rtc: 'the edge serves no WebRTC',
      security: 'addresses are NOT checked here; check them in http_hooks { on_connect; }',
      srt: 'the edge serves no SRT',
      transcode: 'the edge transcodes nothing',
    },
  },
);

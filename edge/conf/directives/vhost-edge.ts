/** The table of `vhost { edge { } }`: what SRS has no directive for. */

import { originNames } from '../address-values.ts';
import { EDGE } from '../defaults.ts';
import { block, leaf } from '../schema.ts';
import { choice, hookUrl, hookUrls, inherited, integer, milliseconds, onOff, text } from '../values.ts';
import { limits } from './limits.ts';
import { token } from './token.ts';

/** A time of ours: 1 ms at least. */
function time(value: number, doc: string) {
  return leaf({ type: milliseconds(1), default: value, effect: 'at once', doc });
}

const BYTES_MAX = 4 * 1024 ** 3;

export const vhostEdge = block(
  'Time-outs and limits that SRS has no directive for.',
  {
    balance: leaf({
      type: choice({ round_robin: 'round_robin', hash: 'hash', failover: 'failover' }),
      default: EDGE.balance,
      effect: 'at once',
      doc:
        'How an origin is chosen for a stream that none is remembered for. `round_robin`: in turn. `hash`: by the ' +
        'stream’s name, so that many edges choose the same one; a stream that is elsewhere goes back when that one has ' +
        'been well for some seconds, and none of its frames is lost. `failover`: the first of the list that is up; when a ' +
        'better one comes back, new streams take it and those that run stay where they are.',
    }),
    origin_lookup: leaf({
      type: originNames,
      default: EDGE.originLookup,
      defaultText: 'none',
      effect: 'at once',
      since: 2,
      doc:
        'Where to look when no listed origin works: the name of a Service of Kubernetes, say. Every address that DNS ' +
        'has for the name is an origin then, at this port. See ' +
        '[When no listed origin works](#when-no-listed-origin-works).',
    }),
    connect_timeout: time(EDGE.connectTimeoutMs, 'Name, TCP and TLS of a connection to an origin, together.'),
    request_timeout: time(
      EDGE.requestTimeoutMs,
      'RTMP handshake, `connect`, `createStream` and `play` or `publish` at an origin, together. By HTTP, the answer to ' +
        'the question whether an origin is well.',
    ),
    first_frame_timeout: time(
      EDGE.firstFrameTimeoutMs,
      'An origin that has sent no frame of a stream by then does not have it.',
    ),
    locate_interval: leaf({
      type: milliseconds(1),
      default: EDGE.locateIntervalMs,
      effect: 'at once',
      since: 2,
      doc:
        'A stream is looked for at the likeliest origin first. Each time this passes without a frame, another origin is ' +
        'asked beside those asked before; the first that delivers stays, and the others are let go.',
    }),
    locate_parallel: leaf({
      type: integer(1, 64),
      default: EDGE.locateParallel,
      effect: 'at once',
      since: 2,
      doc: 'Origins that are asked for one stream at a time.',
    }),
    locate_url: leaf({
      type: hookUrl,
      default: EDGE.locateUrl,
      defaultText: 'none',
      effect: 'at once',
      since: 2,
      doc:
        'URL that is asked where a stream is, for players and publishers. The origins that it answers are tried in their ' +
        'order, before the listed ones. See [When somebody knows where a stream is](#when-somebody-knows-where-a-stream-is).',
    }),
    locate_timeout: leaf({
      type: integer(1, 10_000, 'ms'),
      default: EDGE.locateTimeoutMs,
      effect: 'at once',
      since: 2,
      doc: 'Time for the answer of `locate_url`. When it is over, the listed origins are tried.',
    }),
    locate_ttl: leaf({
      type: integer(0, 3_600_000, 'ms'),
      default: EDGE.locateTtlMs,
      effect: 'at once',
      since: 2,
      doc:
        'How long an answer of `locate_url` counts for its stream, whoever asks for it. After that it is asked again when ' +
        'the stream is looked for; streams that run are left alone.',
    }),
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
    token_ttl: leaf({
      type: milliseconds(0),
      default: EDGE.tokenTtlMs,
      effect: 'at once',
      since: 2,
      doc:
        'How long what an origin said about a client holds for players that ask for the same stream with the same ' +
        'parameters: that it refuses them, or, with `token_traverse`, that it accepts them.',
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
    hook_failure: leaf({
      type: choice({ refuse: 'refuse', admit: 'admit' }),
      default: EDGE.hookFailure,
      effect: 'new connections',
      since: 2,
      doc:
        'What becomes of a client when a callback of `http_hooks` is not there, not in time, answers with a status ' +
        'from 500 on, or makes no sense. `admit` lets it in, as if the callback had agreed. A callback that refuses, refuses.',
    }),
    on_connect_at: leaf({
      type: choice({ stream: 'stream', connect: 'connect' }),
      default: EDGE.onConnectAt,
      effect: 'new connections',
      since: 2,
      doc:
        'When `on_connect` is called for an RTMP client. `stream`: when it asks to play or publish, with the stream and ' +
        'its parameters, as SRS does. `connect`: before its `connect` is answered, where that names the vhost; no ' +
        'stream is known then. `token_traverse` shows its `connect` to an origin at the same time.',
    }),
    on_usage: leaf({
      type: hookUrls,
      default: EDGE.onUsage,
      defaultText: 'none',
      effect: 'at once',
      since: 2,
      doc:
        'URLs that are told every `usage_interval` what each client has used since it began to play or publish ' +
        '(`send_bytes`, `recv_bytes`, `seconds`), up to 500 clients in a callback. `on_stop` and `on_unpublish` tell ' +
        'the last of it, so an edge that dies takes one interval along.',
    }),
    usage_interval: leaf({
      type: integer(1_000, 86_400_000, 'ms'),
      default: EDGE.usageIntervalMs,
      effect: 'at once',
      since: 2,
      doc: 'Time between two such callbacks.',
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
      doc: 'Redirections of origins followed in a row: RTMP 302, and 301, 302, 303, 307 and 308 of HTTP.',
    }),
    origin_http_port: leaf({
      type: inherited(integer(1, 65_535)),
      default: EDGE.originHttpPort,
      defaultText: 'the port in `origin` with `protocol flv`, else 80',
      effect: 'at once',
      since: 2,
      doc: 'The port of all origins for pulls by `flv`. The port in `origin` is that of RTMP then.',
    }),
    origin_https_port: leaf({
      type: inherited(integer(1, 65_535)),
      default: EDGE.originHttpsPort,
      defaultText: 'the port in `origin` with `protocol flvs`, else 443',
      effect: 'at once',
      since: 2,
      doc: 'The same for `flvs`.',
    }),
    origin_tls_verify: leaf({
      type: onOff,
      default: EDGE.originTlsVerify,
      effect: 'new connections',
      doc: 'Verify the certificates of origins, for RTMPS and HTTPS.',
    }),
    origin_tls_ca_file: leaf({
      type: text('a path'),
      default: EDGE.originTlsCaFile,
      defaultText: 'the system’s authorities',
      effect: 'new connections',
      doc: 'PEM file of the authorities that vouch for origins.',
    }),
    origin_tls_name: leaf({
      since: 2,
      type: text('a host name'),
      default: EDGE.originTlsName,
      defaultText: 'the host of each origin',
      effect: 'new connections',
      doc: 'The name that the certificates of `rtmps://` origins are for, where origins are listed by other names or by address. Origins are told it (SNI).',
    }),
    origin_keys_file: leaf({
      since: 2,
      type: text('a path'),
      default: EDGE.originKeysFile,
      defaultText: 'what a client shows goes on to origins',
      effect: 'new connections',
      doc: 'File whose first key, `id:secret`, signs what is asked of origins, to play and to publish: for origins that are edges and want signed URLs (`edge { token { } }`). What the client has shown (`kid`, `exp`, `ip`, `sig`, `jwt`) does not go on then: let this edge judge it. A changed file counts within a second; when it cannot be read, the last key is used. Not together with `token_traverse`.',
    }),
    limits,
    token,
  },
  { own: true },
);

/**
 * The table of directives outside vhosts, and with `VHOST` the whole language: see `schema.ts` for what it drives.
 * Long because it is a table.
 * Names and meanings are SRS's (`trunk/conf/full.conf`); blocks called `edge` are ours.
 */
import { CHUNK_SIZE_MAX, CHUNK_SIZE_MIN, defaultConfig } from './defaults.ts';
import type { LogConfig, LogLevel, TlsListen } from './model.ts';
import { block, leaf, named, type Settings } from './schema.ts';
import {
  choice,
  inherited,
  integer,
  listenAddresses,
  milliseconds,
  networks,
  offOnly,
  onOff,
  text,
  webOrigins,
} from './values.ts';
import { VHOST } from './vhost-directives.ts';

const D = defaultConfig();

const path = text('a path');

/** `https { }` of a listener, or `rtmps { }`. */
function tls(doc: string, defaults: TlsListen, what: string, own: boolean) {
  return block(
    doc,
    {
      enabled: leaf({
        type: onOff,
        default: defaults.enabled,
        effect: 'restart',
        doc: `Whether ${what} is served. \`key\` and \`cert\` must be given then.`,
      }),
      listen: leaf({
        type: listenAddresses,
        default: defaults.listen,
        effect: 'restart',
        doc: `Addresses for ${what}.`,
      }),
      key: leaf({
        type: path,
        default: defaults.keyFile,
        effect: 'restart',
        doc: 'PEM file of the private key. What it holds is read again when it changes; present connections stay.',
      }),
      cert: leaf({
        type: path,
        default: defaults.certFile,
        effect: 'restart',
        doc: 'PEM file of the certificate, its chain after it. What it holds is read again when it changes.',
      }),
    },
    { own },
  );
}

/** SRS's names of log levels: `trace` is what others call info, `info` what they call debug. */
const logLevelV1 = choice<LogLevel>({ verbose: 'trace', info: 'debug', trace: 'info', warn: 'warn', error: 'error' });
const logLevelV2 = choice<LogLevel>({ trace: 'trace', debug: 'debug', info: 'info', warn: 'warn', error: 'error' });

export const ROOT = block(
  'Directives at the top of the file.',
  {
    listen: leaf({
      type: listenAddresses,
      default: D.listen,
      required: true,
      effect: 'restart',
      doc:
        'Addresses for RTMP, several separated by blanks. A bare port listens on all IPv4 and IPv6 addresses; ' +
        'what a wider address of the list already covers adds nothing. Port 0 lets the system choose.',
    }),
    server_id: leaf({
      type: text('a name'),
      default: D.serverId,
      defaultText: 'a random one, made at start',
      effect: 'restart',
      doc: 'Names this server in answers of the HTTP API and in callbacks.',
    }),
    max_connections: leaf({
      type: integer(1, 1_000_000),
      default: D.maxConnections,
      effect: 'at once',
      doc:
        'Most connections at a time, from accept to close, of all listeners together. When there are so many, a ' +
        'connection that neither plays nor publishes makes room for the next; if there is none, the next is refused. ' +
        'Beyond it 32 are taken by HTTP, for probes, and 32 by the API and the exporter. Lowering it disconnects ' +
        'nobody. The edge warns at its start when the process may not have that many file descriptors.',
    }),
    chunk_size: leaf({
      type: integer(CHUNK_SIZE_MIN, CHUNK_SIZE_MAX, 'bytes'),
      default: D.chunkSize,
      effect: 'new connections',
      doc: 'RTMP chunk size we send with, where a vhost has none of its own.',
    }),
    pid: leaf({
      type: path,
      default: D.pidFile,
      defaultText: 'none is written (SRS: `./objs/srs.pid`)',
      effect: 'restart',
      doc: 'File to write the process id to.',
    }),
    daemon: leaf({
      type: offOnly,
      default: false,
      srsDefault: true,
      effect: 'restart',
      doc: 'Only `off`: the edge runs in the foreground.',
    }),
    srs_log_tank: leaf<LogConfig['tank']>({
      type: choice({ console: 'console', file: 'file' }),
      default: D.log.tank,
      srsDefault: 'file',
      effect: 'restart',
      doc: 'Where the log goes: standard output, or `srs_log_file`.',
    }),
    srs_log_level: leaf({
      type: logLevelV1,
      default: D.log.level,
      effect: 'at once',
      doc:
        'Least level that is logged, in SRS 4 names: `trace` is the usual one and means info, `info` means debug, ' +
        '`verbose` means trace.',
    }),
    srs_log_level_v2: leaf({
      type: inherited(logLevelV2),
      default: undefined,
      defaultText: '`srs_log_level` counts',
      effect: 'at once',
      doc: 'Least level that is logged, in the usual names. Overrides `srs_log_level`.',
    }),
    srs_log_file: leaf({
      type: path,
      default: D.log.file,
      effect: 'restart',
      doc: 'The log file with `srs_log_tank file`. SIGUSR1 opens it again, for logrotate.',
    }),
    grace_start_wait: leaf({
      type: milliseconds(0),
      default: D.graceStartWaitMs,
      effect: 'at once',
      doc: 'Time between the signal to stop and closing the listeners, for load balancers to look elsewhere.',
    }),
    grace_final_wait: leaf({
      type: milliseconds(0),
      default: D.graceFinalWaitMs,
      effect: 'at once',
      doc: 'Time left for cleaning up when a stop has let its clients go.',
    }),
    inotify_auto_reload: leaf({
      type: onOff,
      default: D.autoReload,
      srsDefault: false,
      effect: 'at once',
      doc:
        'Reload by itself when a file of the configuration changes, or the symbolic link to it, as in a mounted ' +
        'ConfigMap. SIGHUP reloads in any case.',
    }),

    rtmps: tls('RTMP over TLS, as SRS 7 names it.', D.rtmps, 'RTMPS', false),

    http_api: block('The HTTP API.', {
      enabled: leaf({
        type: onOff,
        default: D.httpApi.enabled,
        effect: 'restart',
        doc: 'Whether the API is served.',
      }),
      listen: leaf({
        type: listenAddresses,
        default: D.httpApi.listen,
        effect: 'restart',
        doc: 'Addresses for the API. As in SRS, one that `http_server` has too serves both.',
      }),
      crossdomain: leaf({
        type: onOff,
        default: D.httpApi.crossdomain,
        effect: 'at once',
        doc: 'Whether pages of other origins may call the API (CORS).',
      }),
      raw_api: block(
        'Commands by HTTP.',
        {
          enabled: leaf({
            type: onOff,
            default: D.httpApi.rawApiEnabled,
            effect: 'at once',
            doc: 'Whether `/api/v1/raw` answers.',
          }),
          allow_reload: leaf({
            type: onOff,
            default: D.httpApi.allowReload,
            effect: 'at once',
            doc: 'Whether `/api/v1/raw?rpc=reload` reloads the configuration.',
          }),
        },
        {
          ignored: {
            allow_query: 'SRS itself keeps this off for good',
            allow_update: 'SRS itself keeps this off for good',
          },
        },
      ),
      auth: block('Basic authentication for the API.', {
        enabled: leaf({
          type: onOff,
          default: false,
          effect: 'at once',
          doc: 'Whether a user name and password are asked for; both must be given then.',
        }),
        username: leaf({
          type: text('a user name'),
          default: '',
          defaultText: 'none',
          effect: 'at once',
          doc: 'The user name.',
        }),
        password: leaf({
          type: text('a password'),
          default: '',
          defaultText: 'none',
          secret: true,
          effect: 'at once',
          doc: 'The password. Better not in the file: set `SRS_HTTP_API_AUTH_PASSWORD`.',
        }),
      }),
      https: tls('The API over TLS.', D.httpApi.https, 'the API over TLS', false),
    }),

    http_server: block('HTTP-FLV, also by WebSocket, and static files.', {
      enabled: leaf({
        type: onOff,
        default: D.httpServer.enabled,
        effect: 'restart',
        doc: 'Whether HTTP streams are served. Each vhost turns them on for itself with `http_remux`.',
      }),
      listen: leaf({
        type: listenAddresses,
        default: D.httpServer.listen,
        effect: 'restart',
        doc: 'Addresses for HTTP streams. As in SRS, one that `http_api` has too serves both.',
      }),
      dir: leaf({
        type: path,
        default: D.httpServer.dir,
        effect: 'restart',
        doc: 'Directory of static files, served where it exists.',
      }),
      crossdomain: leaf({
        type: onOff,
        default: D.httpServer.crossdomain,
        effect: 'at once',
        doc: 'Whether pages of other origins may play (CORS).',
      }),
      https: tls('HTTP streams over TLS.', D.httpServer.https, 'HTTPS', false),
    }),

    exporter: block('Metrics for Prometheus, at `/metrics`.', {
      enabled: leaf({
        type: onOff,
        default: D.exporter.enabled,
        effect: 'restart',
        doc: 'Whether metrics are served.',
      }),
      listen: leaf({
        type: listenAddresses,
        default: D.exporter.listen,
        effect: 'restart',
        doc: 'Addresses for metrics.',
      }),
      label: leaf({
        type: text('a label'),
        default: D.exporter.label,
        defaultText: 'none',
        effect: 'restart',
        doc: 'Value of the label `label` on every metric, to tell clusters apart.',
      }),
      tag: leaf({
        type: text('a tag'),
        default: D.exporter.tag,
        defaultText: 'none',
        effect: 'restart',
        doc: 'Value of the label `tag` on every metric, to tell groups of servers apart.',
      }),
    }),

    edge: block(
      'Limits of the process that SRS has no directive for.',
      {
        client_timeout: leaf({
          type: milliseconds(1),
          default: D.edge.clientTimeoutMs,
          effect: 'at once',
          doc:
            'A client must have asked to play or publish this long after it connected. Time in which it waits for ' +
            'our answer does not count.',
        }),
        handshake_timeout: leaf({
          type: milliseconds(1),
          default: D.edge.handshakeTimeoutMs,
          effect: 'at once',
          since: 2,
          doc: 'Time for each step of a client before `connect`: the TLS handshake, then the first byte and the RTMP handshake.',
        }),
        unadmitted_per_address: leaf({
          type: inherited(integer(1, 1_000_000, 'connections')),
          default: undefined,
          defaultText: 'a quarter of `max_connections`, at least 100',
          effect: 'at once',
          since: 2,
          doc:
            'Most connections of one IPv4 address or IPv6 /64 network that neither play nor publish. One more closes ' +
            'the one of them that has shown no progress for longest.',
        }),
        media_memory_max_bytes: leaf({
          type: integer(1_048_576, 2 ** 40, 'bytes'),
          default: D.edge.mediaMemoryMaxBytes,
          effect: 'at once',
          since: 2,
          doc:
            'Most memory for GOP caches, for what waits for slow players (what several wait for counts once), and for ' +
            'what is kept for origins or waits for one. Beyond it, until a quarter is free: slow players go on at a key ' +
            'frame, slowest first; GOP caches of streams that nobody plays are emptied, greatest first; players that ' +
            'have taken nothing for 2 s are disconnected; GOP caches of other streams are emptied; what is kept for ' +
            'origins is given up. Players and publishers that keep up are not touched.',
        }),
        unfinished_max_bytes: leaf({
          type: integer(65_536, 2 ** 32, 'bytes'),
          default: D.edge.unfinishedMaxBytes,
          effect: 'at once',
          since: 2,
          doc:
            'Most memory for messages of clients that are not complete, and for what they send while a command waits ' +
            'for its answer. From half of it on, clients that hold more than an equal share are read more slowly. At ' +
            'the limit the client that has held the most of it for a second is closed, or else one that neither plays ' +
            'nor publishes; at twice as much, whoever holds the most.',
        }),
        keepalive: leaf({
          type: milliseconds(0),
          default: D.edge.keepaliveMs,
          effect: 'new connections',
          doc: 'Silence on a client’s socket before TCP probes it. 0 never does.',
        }),
        probe_min: leaf({
          type: milliseconds(1),
          default: D.edge.probeMinMs,
          effect: 'at once',
          doc: 'An origin that failed is set aside and tried again after this; the time doubles with each failure.',
        }),
        probe_max: leaf({
          type: milliseconds(1),
          default: D.edge.probeMaxMs,
          effect: 'at once',
          doc: 'The longest time between two tries. Not below `probe_min`.',
        }),
        origin_check_interval: leaf({
          type: milliseconds(0),
          default: D.edge.originCheckIntervalMs,
          effect: 'at once',
          doc:
            'An origin that nobody uses is connected to about this often, so that its health is known before it is ' +
            'needed; the first time within 3 s. 0 never does: then it is `untried` until somebody needs it.',
        }),
        drain_timeout: leaf({
          type: milliseconds(0),
          default: D.edge.drainTimeoutMs,
          effect: 'at once',
          doc: 'How long an edge that was told to stop lets present clients finish, where a vhost does not say.',
        }),
        api_credentials_file: leaf({
          type: path,
          default: D.edge.apiCredentialsFile,
          defaultText: 'none',
          effect: 'at once',
          since: 2,
          doc:
            'File with credentials for the HTTP API: one `username:password` per line, and each line is valid, so that ' +
            'the old and the new one can stand there together. Blank lines and lines that begin with `#` do not count. ' +
            'The edge reads it again when it changes (a mounted Secret, for instance). Nobody has credentials while it ' +
            'is missing, or larger than 16 KB. Loopback needs them, too.',
        }),
        api_trusted_origins: leaf({
          type: webOrigins,
          default: D.edge.apiTrustedOrigins,
          defaultText: 'none',
          effect: 'at once',
          since: 2,
          doc:
            'Web pages of these origins may act through the HTTP API (disconnect clients, reload) with credentials. ' +
            'The edge refuses this to pages of all others, whatever `http_api { crossdomain }` says.',
        }),
        page: leaf({
          type: onOff,
          default: D.edge.page,
          effect: 'at once',
          since: 2,
          doc:
            'Whether `http_server` serves the page with its player to everybody who reaches it, at `/edge/`, and at `/` ' +
            'where `dir` has no index of its own.',
        }),
        page_figures: leaf({
          type: onOff,
          default: D.edge.pageFigures,
          effect: 'at once',
          since: 2,
          doc:
            'Whether the page at `http_server` shows figures (`/edge/status.json`) to everybody who reaches it. They ' +
            'name all streams and origins.',
        }),
        metrics_streams: leaf({
          type: integer(0, 10_000),
          default: D.edge.metricsStreams,
          effect: 'at once',
          since: 2,
          doc:
            'Streams that have metrics of their own (`edge_stream_…`) in the exporter, at most: those with most clients. ' +
            'Whoever reads the exporter learns their names, and each costs Prometheus seven series.',
        }),
        trusted_proxies: leaf({
          type: networks,
          default: D.edge.trustedProxies,
          defaultText: 'none',
          effect: 'at once',
          since: 2,
          doc:
            'Proxies that the edge believes when they name the client’s address in `X-Forwarded-For`, `Forwarded` or ' +
            '`X-Real-IP`. The last address of the list that is none of these proxies is the client’s, in logs, ' +
            'callbacks, API and limits.',
        }),
      },
      { own: true },
    ),

    vhost: named(VHOST),
  },
  {
    ignored: {
      asprocess: 'the edge does not watch its parent process',
      auto_reload_for_docker: 'inotify_auto_reload alone decides',
      circuit_breaker: 'it protects SRS’s WebRTC',
      disable_daemon_for_docker: 'the edge is never a daemon',
      empty_ip_ok: 'connections without an address are never a problem here',
      ff_log_dir: 'the edge runs no FFmpeg',
      ff_log_level: 'the edge runs no FFmpeg',
      first_wait_for_qlv: 'the edge does not look for newer versions',
      force_grace_quit: 'SIGTERM and SIGQUIT both stop gracefully',
      heartbeat: 'the edge reports to nobody; monitor it by http_api or exporter',
      in_docker: 'it makes no difference here',
      is_full: 'it only marks SRS’s collection of all directives',
      pithy_print_ms: 'the edge logs events, not intervals',
      query_latest_version: 'the edge does not look for newer versions',
      rtc_server: 'the edge serves no WebRTC',
      srt_server: 'the edge serves no SRT',
      stats: 'the edge reports no disks or network devices',
      stream_caster: 'the edge takes RTMP only',
      tcmalloc_release_rate: 'the edge uses no tcmalloc',
      tencentcloud_apm: 'the edge sends nothing to Tencent Cloud',
      tencentcloud_cls: 'the edge sends nothing to Tencent Cloud',
      threads: 'the edge runs one event loop',
      utc_time: 'the log’s times are always UTC',
      work_dir: 'start the edge in the directory you want',
    },
  },
);

export type RootSettings = Settings<typeof ROOT.fields>;
export type VhostSettings = Settings<typeof VHOST.fields>;

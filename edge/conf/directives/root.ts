/**
 * The table of directives outside vhosts, and with `VHOST` the whole language: see `schema.ts` for what it drives.
 * Names and meanings are SRS's (`trunk/conf/full.conf`); blocks called `edge` are ours.
 */

import { listenAddresses } from '../address-values.ts';
import { CHUNK_SIZE_MAX, CHUNK_SIZE_MIN, defaultConfig } from '../defaults.ts';
import type { LogConfig, LogLevel } from '../model.ts';
import { block, leaf, named, type Settings } from '../schema.ts';
import { choice, inherited, integer, milliseconds, offOnly, onOff, text } from '../values.ts';
import { exporter } from './exporter.ts';
import { heartbeat } from './heartbeat.ts';
import { httpApi } from './http-api.ts';
import { httpServer } from './http-server.ts';
import { processEdge } from './process-edge.ts';
import { tls } from './tls.ts';
import { VHOST } from './vhost.ts';

const D = defaultConfig();

const path = text('a path');

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

    http_api: httpApi,
    http_server: httpServer,
    exporter,
    heartbeat,
    edge: processEdge,
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

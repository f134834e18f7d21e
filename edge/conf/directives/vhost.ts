/** The table of directives inside `vhost NAME { }`: see `schema.ts` for what it drives. */
import { CHUNK_SIZE_MAX, CHUNK_SIZE_MIN, defaultVhost } from '../defaults.ts';
import { block, leaf } from '../schema.ts';
import { inherited, integer, onOff } from '../values.ts';
import { cluster } from './cluster.ts';
import { httpHooks } from './http-hooks.ts';
import { httpRemux } from './http-remux.ts';
import { play } from './play.ts';
import { publish } from './publish.ts';
import { refer } from './refer.ts';
import { security } from './security.ts';
import { vhostEdge } from './vhost-edge.ts';

const D = defaultVhost();

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
    security,
    refer,
    edge: vhostEdge,
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
      rtc: 'the edge serves no WebRTC',
      srt: 'the edge serves no SRT',
      transcode: 'the edge transcodes nothing',
    },
  },
);

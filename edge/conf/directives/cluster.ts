/** The table of `vhost { cluster { } }`. */

import { originAddresses } from '../address-values.ts';
import { CLUSTER, defaultVhost } from '../defaults.ts';
import type { OriginAddress } from '../model.ts';
import { block, leaf } from '../schema.ts';
import { choice, onOff, text } from '../values.ts';

const D = defaultVhost();

export const cluster = block(
  'Where the streams of this vhost come from.',
  {
    mode: leaf({
      type: choice({ local: 'local', remote: 'remote' }),
      default: D.cluster.mode,
      effect: 'at once',
      doc:
        '`remote`: an edge, which pulls from `origin` what is played and pushes to it what is published. ' +
        '`local`: publishers and players meet in this process. Players stay connected when a reload changes it: pulls ' +
        'begin or end at once. A stream that is being published here stays local, or at its origins, until its publisher ends.',
    }),
    origin: leaf({
      type: originAddresses,
      default: [] as readonly OriginAddress[],
      defaultText: 'none; needed with `mode remote`',
      effect: 'at once',
      doc:
        'The origins, several separated by blanks; the port is 1935 (443 with `rtmps://`) unless given. With `protocol ' +
        'flv` or `flvs`, a given port is that of HTTP. Names are ' +
        'resolved again when the last answer is a second old; of the addresses of a name, IPv6 and IPv4 in turn, the next is ' +
        'tried where one has not answered in 250 ms. On a change, streams of an origin that is gone move to another at a key frame.',
    }),
    token_traverse: leaf({
      type: onOff,
      default: CLUSTER.tokenTraverse,
      effect: 'new connections',
      doc:
        'Origins accept or refuse each client: an RTMP client’s own `connect` is shown to one, and each player’s ' +
        'parameters, by RTMP or HTTP, before it gets anything; of a stream that is pulled already by a short `play` ' +
        'of its own. What was said holds for `edge { token_ttl; }`. Publishers are judged by the push itself.',
    }),
    vhost: leaf({
      type: text('a vhost'),
      default: CLUSTER.vhost,
      effect: 'new connections',
      doc: 'The vhost to ask origins for. `[vhost]` stands for the client’s.',
    }),
    protocol: leaf({
      type: choice({ rtmp: 'rtmp', rtmps: 'rtmps', flv: 'flv', flvs: 'flvs' }),
      default: CLUSTER.protocol,
      effect: 'at once',
      since: 2,
      doc:
        'What streams are pulled by: `rtmp`; `rtmps`, as if `rtmps://` stood before each origin; `flv` or `flvs`, ' +
        'HTTP-FLV by HTTP or HTTPS from `/APP/STREAM.flv`. Publishers are always pushed by RTMP (RTMPS with ' +
        '`rtmps://` or `rtmps`), whatever this says. See [Pulling by HTTP-FLV](#pulling-by-http-flv).',
    }),
    follow_client: leaf({
      type: onOff,
      default: CLUSTER.followClient,
      effect: 'at once',
      since: 2,
      doc:
        'A stream whose first player came by HTTP-FLV (or WebSocket) is pulled by `flv`, by HTTPS by `flvs`; for RTMP ' +
        'players `protocol` counts. A signature in the parameters then fits the protocol that it is checked by.',
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
      origin_cluster: 'a local vhost knows nothing of other origins',
    },
  },
);

/** The table of `edge { }` at the top of the file: what SRS has no directive for. */

import { nameServers, networks } from '../address-values.ts';
import { defaultConfig } from '../defaults.ts';
import { block, leaf } from '../schema.ts';
import { inherited, integer, milliseconds, onOff, text, webOrigins } from '../values.ts';

const D = defaultConfig();

const path = text('a path');

export const processEdge = block(
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
    locate_rate: leaf({
      type: integer(0, 1_000_000, 'requests'),
      default: D.edge.locateRate,
      effect: 'at once',
      since: 2,
      doc:
        'An origin is asked for streams that nobody knows at most this often in a second; client addresses take ' +
        'turns. What an origin has does not count, nor do streams that were played or published before. 0: no bound.',
    }),
    drain_timeout: leaf({
      type: milliseconds(0),
      default: D.edge.drainTimeoutMs,
      effect: 'at once',
      doc: 'How long an edge that was told to stop lets present clients finish, where a vhost does not say.',
    }),
    drain_ask_spread: leaf({
      type: milliseconds(0),
      default: D.edge.drainAskSpreadMs,
      effect: 'at once',
      since: 2,
      doc:
        'An edge that was told to stop asks clients that can to connect again, and so to go to other edges. It ' +
        'asks them one after the other over this time, half of `drain_timeout` at most, and less where it is ' +
        'enough for ten a second. Clients can that announced `capsEx` with the bit for reconnecting: RTMP clients ' +
        'in `connect`, HTTP-FLV and WebSocket players with `?capsEx=1`. Edges below can, by whatever they pull.',
    }),
    drain_end_spread: leaf({
      type: milliseconds(0),
      default: D.edge.drainEndSpreadMs,
      effect: 'at once',
      since: 2,
      doc:
        'Clients that are still there are ended one after the other over the last part of `drain_timeout`: over ' +
        'this time, half of it at most, and less where it is enough for ten a second. Players are ended at a key ' +
        'frame if one comes within 2 s, publishers after all others.',
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
        'where `dir` has no index of its own. `http_api` serves it, too: there it is a console, with streams, clients ' +
        'and the edge’s health, which it asks the API for by the API’s rules of access.',
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
    proxy_protocol: leaf({
      type: onOff,
      default: D.edge.proxyProtocol,
      effect: 'new connections',
      since: 2,
      doc:
        'Whether connections to RTMP, RTMPS and `http_server` begin with a header of the PROXY protocol (version 1 or ' +
        '2, before TLS), in which a load balancer names the client. It must come whole within `handshake_timeout`, from ' +
        'one of `trusted_proxies`; a connection of anybody else is closed. API and exporter take none.',
    }),
    name_servers: leaf({
      type: nameServers,
      default: D.edge.nameServers,
      defaultText: 'those of `/etc/resolv.conf`',
      effect: 'at once',
      since: 2,
      doc:
        'DNS servers for `origin_lookup`, asked in this order; their port is 53 unless given. Search domains do not ' +
        'count then: names are taken as they are.',
    }),
    tls_ticket_keys_file: leaf({
      type: path,
      default: D.edge.tlsTicketKeysFile,
      defaultText: 'a secret of this process',
      effect: 'at once',
      since: 2,
      doc:
        'File with the secret that keys of TLS session tickets derive from, for each day (UTC) another one: one line, ' +
        '32 characters at least (`openssl rand -base64 32`). Edges with the same file resume each other’s sessions, so ' +
        'that a client that comes to another edge of the tier needs no full TLS handshake. The edge reads it again when ' +
        'it changes; when it cannot be used, the keys in use stay.',
    }),
  },
  { own: true },
);

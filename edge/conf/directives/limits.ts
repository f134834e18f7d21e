/** The table of `vhost { edge { limits { } } }`. */
import { ACCESS } from '../defaults.ts';
import { block, leaf } from '../schema.ts';
import { integer } from '../values.ts';

const { limits: LIMITS } = ACCESS;

function limit(value: number, unit: string | undefined, doc: string) {
  return leaf({
    type: integer(0, 1_000_000_000, unit),
    default: value,
    effect: 'new connections',
    since: 2,
    doc: `${doc} 0 is no limit.`,
  });
}

export const limits = block(
  'What the clients of the vhost may have on this edge. Whoever would be one too many is refused, by HTTP with 503 (429 ' +
    'for its address), and counts in the metric `edge_access_refused_total`. Lowering a limit disconnects nobody.',
  {
    players_per_stream: limit(LIMITS.playersPerStream, undefined, 'Most players of one stream.'),
    streams: limit(LIMITS.streams, undefined, 'Most streams that are played or published at a time.'),
    publishers: limit(LIMITS.publishers, undefined, 'Most publishers at a time.'),
    publisher_kbps: limit(
      LIMITS.publisherKbps,
      'kbit/s',
      'Most that a publisher may send. One that is ahead of it by more than what it may send in 5 s is disconnected.',
    ),
    clients_per_address: limit(
      LIMITS.clientsPerAddress,
      undefined,
      'Most players and publishers, together, of one IPv4 address or IPv6 /64 network.',
    ),
  },
  { own: true },
);

/** The table of `vhost { publish { } }`. */
import { PUBLISH } from '../defaults.ts';
import { block, leaf } from '../schema.ts';
import { integer, milliseconds, onOff } from '../values.ts';

export const publish = block(
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
    kickoff_for_idle: leaf({
      type: integer(0, 2_000_000, 's'),
      default: PUBLISH.kickoffForIdleSeconds,
      effect: 'new connections',
      since: 2,
      doc:
        'A publisher whose stream nobody plays on this edge for so long is disconnected. 0 never does. As in SRS, ' +
        'players at origins and at other edges do not count.',
    }),
    override: leaf({
      type: onOff,
      default: PUBLISH.override,
      effect: 'new connections',
      since: 2,
      doc:
        'Ours, not SRS’s. A stream that is being published may be taken over by a newer publisher. See ' +
        '[A publisher who comes back](#a-publisher-who-comes-back).',
    }),
  },
  {
    ignored: {
      parse_sps: 'the edge does not look into pictures',
      try_annexb_first: 'the edge does not look into pictures',
    },
  },
);

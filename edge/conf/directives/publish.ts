/** The table of `vhost { publish { } }`. */
import { PUBLISH } from '../defaults.ts';
import { block, leaf } from '../schema.ts';
import { milliseconds, onOff } from '../values.ts';

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
  },
  {
    ignored: {
      kickoff_for_idle: 'publishers are not disconnected for want of players',
      parse_sps: 'the edge does not look into pictures',
      try_annexb_first: 'the edge does not look into pictures',
    },
  },
);

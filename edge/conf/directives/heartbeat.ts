/** The table of `heartbeat { }`. */
import { defaultConfig } from '../defaults.ts';
import { block, leaf } from '../schema.ts';
import { decimalSeconds, hookUrl, onOff, text } from '../values.ts';

const { heartbeat: D } = defaultConfig();

export const heartbeat = block(
  'A server of your own is told that this edge is there: a JSON body is sent to it by POST, at the start and then again ' +
    'and again. See [Heartbeats](#heartbeats).',
  {
    enabled: leaf({
      type: onOff,
      default: D.enabled,
      effect: 'at once',
      since: 2,
      doc: 'Whether heartbeats are sent.',
    }),
    interval: leaf({
      type: decimalSeconds(100, 86_400_000),
      default: D.intervalMs,
      effect: 'at once',
      since: 2,
      doc: 'Time between two of them. One that has no answer yet holds the next one back.',
    }),
    url: leaf({
      type: hookUrl,
      default: D.url,
      effect: 'at once',
      since: 2,
      doc: 'URL that they are sent to. What it answers counts for nothing, but a failure is logged once, and so is its end.',
    }),
    device_id: leaf({
      type: text('a name'),
      default: D.deviceId,
      defaultText: 'empty',
      effect: 'at once',
      since: 2,
      doc: 'What the server knows this edge by.',
    }),
    summaries: leaf({
      type: onOff,
      default: D.summaries,
      effect: 'at once',
      since: 2,
      doc: 'Whether they tell what `/api/v1/summaries` answers: figures of the process and its machine.',
    }),
    ports: leaf({
      type: onOff,
      default: D.ports,
      effect: 'at once',
      since: 2,
      doc: 'Whether they tell what RTMP, HTTP and the API listen at.',
    }),
  },
);

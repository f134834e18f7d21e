/** The table of `exporter { }`. */

import { listenAddresses } from '../address-values.ts';
import { defaultConfig } from '../defaults.ts';
import { block, leaf } from '../schema.ts';
import { integer, onOff, text } from '../values.ts';

const D = defaultConfig();

export const exporter = block('Metrics for Prometheus, at `/metrics`.', {
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
  streams: leaf({
    type: integer(0, 1_000),
    default: D.exporter.streams,
    effect: 'at once',
    since: 2,
    doc:
      'Streams that have metrics of their own (`edge_stream_…`), at most: those with most players. The rest are summed ' +
      'as `stream="other"`. Whoever reads the exporter learns the names of these streams, and each costs Prometheus 13 ' +
      'series.',
  }),
  credentials_file: leaf({
    type: text('a path'),
    default: D.exporter.credentialsFile,
    defaultText: 'none: whoever reaches the port may read',
    effect: 'at once',
    since: 2,
    doc:
      'File with credentials for the metrics, in the manner of `api_credentials_file`: one `username:password` per line, ' +
      'read again when it changes. Where it is given, `/metrics` answers nobody without (Basic authentication), loopback ' +
      'neither; `/healthz` and `/readyz` need none. Prometheus shows them by `basic_auth`; bearer tokens are not read. These credentials do not open the API.',
  }),
});

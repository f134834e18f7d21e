/** The table of `http_server { }`. */

import { listenAddresses } from '../address-values.ts';
import { defaultConfig } from '../defaults.ts';
import { block, leaf } from '../schema.ts';
import { onOff, text } from '../values.ts';
import { tls } from './tls.ts';

const D = defaultConfig();

const path = text('a path');

export const httpServer = block('HTTP-FLV, also by WebSocket, and static files.', {
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
});

/** The table of a listener with TLS: `rtmps { }`, and `https { }` of `http_api` and `http_server`. */

import { listenAddresses } from '../address-values.ts';
import type { TlsListen } from '../model.ts';
import { block, leaf } from '../schema.ts';
import { onOff, text } from '../values.ts';

const path = text('a path');

/** `https { }` of a listener, or `rtmps { }`. */
export function tls(doc: string, defaults: TlsListen, what: string, own: boolean) {
  return block(
    doc,
    {
      enabled: leaf({
        type: onOff,
        default: defaults.enabled,
        effect: 'restart',
        doc: `Whether ${what} is served. \`key\` and \`cert\` must be given then.`,
      }),
      listen: leaf({
        type: listenAddresses,
        default: defaults.listen,
        effect: 'restart',
        doc: `Addresses for ${what}.`,
      }),
      key: leaf({
        type: path,
        default: defaults.keyFile,
        effect: 'restart',
        doc: 'PEM file of the private key. What it holds is read again when it changes; present connections stay.',
      }),
      cert: leaf({
        type: path,
        default: defaults.certFile,
        effect: 'restart',
        doc: 'PEM file of the certificate, its chain after it. What it holds is read again when it changes.',
      }),
    },
    { own },
  );
}

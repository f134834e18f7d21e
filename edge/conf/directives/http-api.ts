/** The table of `http_api { }`. */

import { listenAddresses } from '../address-values.ts';
import { defaultConfig } from '../defaults.ts';
import { block, leaf } from '../schema.ts';
import { onOff, text } from '../values.ts';
import { tls } from './tls.ts';

const D = defaultConfig();

export const httpApi = block('The HTTP API.', {
  enabled: leaf({
    type: onOff,
    default: D.httpApi.enabled,
    effect: 'restart',
    doc: 'Whether the API is served.',
  }),
  listen: leaf({
    type: listenAddresses,
    default: D.httpApi.listen,
    effect: 'restart',
    doc: 'Addresses for the API. As in SRS, one that `http_server` has too serves both.',
  }),
  crossdomain: leaf({
    type: onOff,
    default: D.httpApi.crossdomain,
    effect: 'at once',
    doc: 'Whether pages of other origins may call the API (CORS).',
  }),
  raw_api: block(
    'Commands by HTTP.',
    {
      enabled: leaf({
        type: onOff,
        default: D.httpApi.rawApiEnabled,
        effect: 'at once',
        doc: 'Whether `/api/v1/raw` answers.',
      }),
      allow_reload: leaf({
        type: onOff,
        default: D.httpApi.allowReload,
        effect: 'at once',
        doc: 'Whether `/api/v1/raw?rpc=reload` reloads the configuration.',
      }),
    },
    {
      ignored: {
        allow_query: 'SRS itself keeps this off for good',
        allow_update: 'SRS itself keeps this off for good',
      },
    },
  ),
  auth: block('Basic authentication for the API.', {
    enabled: leaf({
      type: onOff,
      default: false,
      effect: 'at once',
      doc: 'Whether a user name and password are asked for; both must be given then.',
    }),
    username: leaf({
      type: text('a user name'),
      default: '',
      defaultText: 'none',
      effect: 'at once',
      doc: 'The user name.',
    }),
    password: leaf({
      type: text('a password'),
      default: '',
      defaultText: 'none',
      secret: true,
      effect: 'at once',
      doc: 'The password. Better not in the file: set `SRS_HTTP_API_AUTH_PASSWORD`.',
    }),
  }),
  https: tls('The API over TLS.', D.httpApi.https, 'the API over TLS', false),
});

/**
 * CORS: what browsers may let web pages of other origins do with our answers. Streams and files are for all pages, as
 * in SRS. Through the API such pages read with credentials, and act only if the configuration names them.
 */

import type { IncomingMessage } from 'node:http';
import type { EdgeConfig } from '../../conf/model.ts';
import type { Wish } from './access.ts';

type Headers = Readonly<Record<string, string>>;

/** For streams and files: the headers that SRS sends to pages of any origin, if the configuration allows it. */
export function crossOriginHeaders(request: IncomingMessage, enabled: boolean): Headers {
  if (!enabled || request.headers.origin === undefined) return {};
  return {
    'Access-Control-Allow-Origin': '*',
    'Access-Control-Allow-Methods': '*',
    'Access-Control-Allow-Headers': '*',
    'Access-Control-Expose-Headers': '*',
    'Access-Control-Allow-Credentials': 'false',
    'Access-Control-Allow-Private-Network': 'true',
  };
}

/** For the API. The wildcard for headers does not cover `Authorization`: browsers want it by name. */
export function apiCrossOriginHeaders(request: IncomingMessage, wish: Wish, { edge, httpApi }: EdgeConfig): Headers {
  const { origin } = request.headers;
  if (origin === undefined) return {};
  if (edge.apiTrustedOrigins.includes(origin)) {
    return {
      ...common,
      'Access-Control-Allow-Origin': origin,
      'Access-Control-Allow-Methods': 'GET, HEAD, DELETE',
      'Access-Control-Allow-Private-Network': 'true',
      Vary: 'Origin',
    };
  }
  if (wish === 'act' || !httpApi.crossdomain) return {};
  return { ...common, 'Access-Control-Allow-Origin': '*', 'Access-Control-Allow-Methods': 'GET, HEAD' };
}

const common: Headers = {
  'Access-Control-Allow-Headers': 'Authorization, *',
  'Access-Control-Expose-Headers': '*',
  'Access-Control-Allow-Credentials': 'false',
};

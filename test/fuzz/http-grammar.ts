/** Arbitrary HTTP requests to an edge, right in most of their parts; several may stand behind each other. */

import fc from '../support/property.ts';

const method = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('GET', 'HEAD', 'OPTIONS', 'DELETE', 'POST') },
  fc.string({ maxLength: 8 }),
);

const path = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom('/live/honest.flv', '/live/fuzz.flv', '/', '/edge/status.json', '/readyz') },
  fc.constantFrom(
    '/live/a%2Fb.flv',
    '/live/%00.flv',
    '/live/%zz.flv',
    '//live/x.flv',
    '/live/../etc/passwd',
    '/api/v1/',
  ),
  fc.webPath(),
  fc.string({ unit: 'binary', maxLength: 30 }),
);

const query = fc.oneof(
  { weight: 3, arbitrary: fc.constant('') },
  fc.constantFrom('?vhost=v', '?vhost=%2F', '?domain=', '?a=b&a=b', '?'),
  fc.webQueryParameters().map((text) => `?${text}`),
);

const header = fc.oneof(
  fc.constantFrom(
    'Host: 127.0.0.1',
    'Host: ',
    'Connection: close',
    'Connection: keep-alive, Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Protocol: a, b',
    'Content-Length: 5',
    'Content-Length: -1',
    'Transfer-Encoding: chunked',
    'Expect: 100-continue',
    'Origin: http://elsewhere.example',
    'Authorization: Basic eDp5',
    'Authorization: Basic \u0000',
    'X-Forwarded-For: 1.2.3.4, , ::1',
    'Range: bytes=0-1',
  ),
  fc.tuple(fc.string({ maxLength: 12 }), fc.string({ maxLength: 30 })).map(([name, value]) => `${name}: ${value}`),
);

const request = fc
  .tuple(
    method,
    path,
    query,
    fc.constantFrom(' HTTP/1.1', ' HTTP/1.1', ' HTTP/1.1', ' HTTP/1.0', '', ' HTTP/9'),
    fc.array(header, { maxLength: 8 }),
    fc.oneof(fc.constant(''), fc.string({ unit: 'binary', maxLength: 60 })),
  )
  .map(([method, path, query, version, headers, body]) =>
    Buffer.from([`${method} ${path}${query}${version}`, ...headers, '', body].join('\r\n'), 'latin1'),
  );

/** Bytes of one connection. */
export const requests: fc.Arbitrary<Buffer> = fc
  .array(request, { minLength: 1, maxLength: 3 })
  .map((each) => Buffer.concat(each));

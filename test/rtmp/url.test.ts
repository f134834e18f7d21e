import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RtmpError } from '../../edge/rtmp/errors.ts';
import { buildTcUrl, parseRtmpUrl, resolveStreamUrl, type StreamUrl } from '../../edge/rtmp/url.ts';

/** tcUrl, stream, and what SRS makes of them: vhost, app, stream, param. */
const urls: [string, string | undefined, [string, string, string, string]][] = [
  ['rtmp://a.com/live', 's', ['a.com', 'live', 's', '']],
  ['rtmp://127.0.0.1/live', 's', ['127.0.0.1', 'live', 's', '']],
  ['rtmp://__defaultVhost__/live', 's', ['__defaultVhost__', 'live', 's', '']],
  ['rtmp://a.com/live', '/s', ['a.com', 'live', 's', '']],
  ['rtmp://a.com/live/', 's', ['a.com', 'live', 's', '']],
  ['rtmp://a.com/', 's', ['a.com', '__defaultApp__', 's', '']],
  ['rtmp://a.com', 's', ['a.com', '__defaultApp__', 's', '']],
  ['rtmp://a.com/app/app2', 's', ['a.com', 'app/app2', 's', '']],
  ['rtmp://a.com/app', 'app2/s', ['a.com', 'app/app2', 's', '']],
  ['rtmp://a.com/live/_definst_', 's', ['a.com', 'live', 's', '']],
  ['rtmp://a. com/li ve\n', 's\r\t', ['a.com', 'live', 's', '']],
  // The vhost in parameters.
  ['rtmp://1.2.3.4/live?vhost=demo', 's', ['demo', 'live', 's', '?vhost=demo']],
  ['rtmp://1.2.3.4/live', 's?vhost=demo', ['demo', 'live', 's', '?vhost=demo']],
  ['rtmp://1.2.3.4/live', 's?domain=demo', ['demo', 'live', 's', '?domain=demo']],
  ['rtmp://1.2.3.4/live', 's?vhost=demo&domain=other', ['demo', 'live', 's', '?vhost=demo&domain=other']],
  ['rtmp://a.com/live?key=abc&&vhost=demo.com', 's', ['demo.com', 'live', 's', '?key=abc&&vhost=demo.com']],
  ['rtmp://a.com/live', 's?key=abc&&domain=demo.com', ['demo.com', 'live', 's', '?key=abc&&domain=demo.com']],
  ['rtmp://1.2.3.4/live...vhost...demo', 's', ['demo', 'live', 's', '?vhost=demo']],
  ['rtmp://1.2.3.4/live...vhost...demo&token=abc', 's', ['demo', 'live', 's', '?vhost=demo&token=abc']],
  ['rtmp://1.2.3.4/live...vhost...demo?token=abc', 's', ['demo', 'live', 's', '?vhost=demo&token=abc']],
  ['rtmp://1.2.3.4/live', 's...vhost...demo', ['demo', 'live', 's', '?vhost=demo']],
  ['rtmp://1.2.3.4/live#vhost=demo', 's', ['demo', 'live', 's', '#vhost=demo']],
  ['rtmp://a.com/live', 's?vhost=__defaultVhost__', ['a.com', 'live', 's', '']],
  ['rtmp://a.com/live', 's?vhost=__defaultVhost__&k=v', ['a.com', 'live', 's', '?vhost=__defaultVhost__&k=v']],
  ['rtmp://a.com/live', 's?flag&vhost=demo', ['demo', 'live', 's', '?flag&vhost=demo']],
  // Parameters are kept.
  ['rtmp://a.com/live?key=abc', 's', ['a.com', 'live', 's', '?key=abc']],
  ['rtmp://a.com/live?a=1', 's?b=2', ['a.com', 'live', 's', '?b=2&a=1']],
  ['rtmp://a.com/live?token=ab/cd', 's', ['a.com', 'live', 's', '?token=ab/cd']],
  ['rtmp://a.com/live', 's?url=http://b/c?d', ['a.com', 'live', 's', '?url=http://b/c?d']],
  ['rtmp://a.com/live#b=2', 's', ['a.com', 'live', 's', '#b=2']],
  ['rtmp://a.com/live?a=1#e=5&c=3#b=2#d=4', 's', ['a.com', 'live', 's', '?a=1#e=5&c=3#b=2#d=4']],
  // Clients without a field for the stream.
  ['rtmp://a.com/live/s', '', ['a.com', 'live', 's', '']],
  ['rtmp://a.com/live/s?k=v', '', ['a.com', 'live', 's', '?k=v']],
  ['rtmp://a.com/live?k=v/s', '', ['a.com', 'live', 's', '?k=v']],
  ['rtmp://a.com/live', '', ['a.com', 'live', '', '']],
  // In connect, before the stream is known.
  ['rtmp://a.com/live/sub', undefined, ['a.com', 'live/sub', '', '']],
];
for (const [tcUrl, stream, [vhost, app, name, param]] of urls) {
  test(`${JSON.stringify(tcUrl)} with ${JSON.stringify(stream)}`, () => {
    const url = resolveStreamUrl({ tcUrl, app: 'ignored', stream });
    assert.deepEqual([url.vhost, url.app, url.stream, url.param], [vhost, app, name, param]);
  });
}

const hosts: [string, Partial<StreamUrl>][] = [
  ['rtmp://a.com/live', { scheme: 'rtmp', host: 'a.com', port: 1935 }],
  ['rtmp://a.com:1936/live', { scheme: 'rtmp', host: 'a.com', port: 1936 }],
  ['RTMPS://a.com/live', { scheme: 'rtmps', host: 'a.com', port: 443 }],
  ['rtmp://user:pass@a.com:19/live', { scheme: 'rtmp', host: 'a.com', port: 19, app: 'live' }],
  ['rtmp://[2001:db8::1]:1936/live', { scheme: 'rtmp', host: '2001:db8::1', vhost: '2001:db8::1', port: 1936 }],
  ['rtmp://[::1]/live', { scheme: 'rtmp', host: '::1', port: 1935 }],
  ['http://a.com/live', { scheme: 'http', host: 'a.com', port: 80 }],
  ['https://a.com/live', { scheme: 'https', host: 'a.com', port: 443 }],
];
for (const [tcUrl, expected] of hosts) {
  test(`host and port of ${tcUrl}`, () => {
    assert.partialDeepStrictEqual(resolveStreamUrl({ tcUrl, app: 'live', stream: 's' }), expected);
  });
}

test('without a tcUrl the app serves', () => {
  assert.deepEqual(resolveStreamUrl({ tcUrl: '', app: 'live?vhost=demo', stream: 's' }), {
    scheme: 'rtmp',
    host: '',
    port: 1935,
    vhost: 'demo',
    app: 'live',
    stream: 's',
    param: '?vhost=demo',
  });
  assert.equal(resolveStreamUrl({ tcUrl: '', app: 'live', stream: 's' }).vhost, '__defaultVhost__');
});

test('whole URLs', () => {
  const parsed = (url: string): string[] => {
    const { host, app, stream, param } = parseRtmpUrl(url);
    return [host, app, stream, param];
  };
  assert.deepEqual(parsed('rtmp://b:1936/live/s'), ['b', 'live', 's', '']);
  assert.deepEqual(parsed('rtmp://b/live/s?k=v'), ['b', 'live', 's', '?k=v']);
  assert.deepEqual(parsed('rtmp://b/app/app2/s?u=http://x/y'), ['b', 'app/app2', 's', '?u=http://x/y']);
  assert.deepEqual(parsed('rtmp://b/live?vhost=v/s'), ['b', 'live', 's', '?vhost=v']);
  assert.deepEqual(parsed('rtmp://b/live?vhost=v/s?k=v'), ['b', 'live', 's', '?k=v&vhost=v']);
  assert.deepEqual(parsed('rtmps://b/live'), ['b', 'live', '', '']);
  for (const url of ['', 'live/s', 'http://b/live/s', 'rtmp://', 'rtmp:///live/s']) {
    assert.throws(
      () => parseRtmpUrl(url),
      (error) => error instanceof RtmpError && error.code === 'bad-url',
    );
  }
});

test('tcUrls to connect with', () => {
  const url = { scheme: 'rtmp', host: 'origin', port: 1935, app: 'live' };
  assert.equal(buildTcUrl(url), 'rtmp://origin/live');
  assert.equal(buildTcUrl({ ...url, vhost: '__defaultVhost__' }), 'rtmp://origin/live');
  assert.equal(buildTcUrl({ ...url, vhost: 'demo', port: 1936 }), 'rtmp://demo:1936/live');
  assert.equal(buildTcUrl({ ...url, scheme: 'rtmps', port: 443, param: '?k=v' }), 'rtmps://origin/live?k=v');
  assert.equal(buildTcUrl({ ...url, host: '::1' }), 'rtmp://[::1]/live');
});

test('a tcUrl that was built is resolved to what it was built from', () => {
  const name = fc.stringMatching(/^[a-z][a-z0-9_.-]{0,9}$/);
  fc.assert(
    fc.property(
      fc.constantFrom('rtmp', 'rtmps'),
      fc.oneof(name, fc.ipV4(), fc.ipV6()),
      fc.integer({ min: 1, max: 65535 }),
      fc.array(name, { minLength: 1, maxLength: 3 }),
      name,
      fc.constantFrom('', '?k=v', '?vhost=x&k=v'),
      (scheme, host, port, apps, stream, param) => {
        const app = apps.join('/');
        const tcUrl = buildTcUrl({ scheme, host, port, app, param });
        const vhost = param.includes('vhost') ? 'x' : host;
        const expected = { scheme, host, port, vhost, app, stream, param };
        assert.deepEqual(resolveStreamUrl({ tcUrl, app: '', stream }), expected);
      },
    ),
  );
});

test('no text whatever makes it fail', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (tcUrl, stream) => {
      resolveStreamUrl({ tcUrl: `rtmp://${tcUrl}`, app: tcUrl, stream });
      resolveStreamUrl({ tcUrl, app: tcUrl, stream: undefined });
    }),
  );
});

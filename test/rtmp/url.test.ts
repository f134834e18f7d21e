import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RtmpError } from '../../edge/rtmp/errors.ts';
import { withoutVhost } from '../../edge/rtmp/names.ts';
import { buildTcUrl, parseRtmpUrl, resolveStreamUrl, type StreamUrl, tcUrlOf } from '../../edge/rtmp/url.ts';
import fc from '../support/property.ts';

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
  ['rtmp://a.com/live?/s', '', ['a.com', 'live', 's', '']],
  ['rtmp://a.com/live/s', '?k=v', ['a.com', 'live', 's', '?k=v']],
  ['rtmp://a.com/live/s', '#vhost=demo', ['demo', 'live', 's', '#vhost=demo']],
  ['rtmp://a.com/app/app2/s', '', ['a.com', 'app/app2', 's', '']],
  // Without an app, as FFmpeg sends `rtmp://a.com/s`.
  ['rtmp://a.com/s', '', ['a.com', '__defaultApp__', 's', '']],
  ['rtmp://a.com/s?k=v', '', ['a.com', '__defaultApp__', 's', '?k=v']],
  ['rtmp://a.com', '', ['a.com', '__defaultApp__', '', '']],
  // Other spellings of the same names.
  ['RTMP://A.COM./live', 's', ['a.com', 'live', 's', '']],
  ['rtmp://a.com/live?vhost=DEMO', 's', ['demo', 'live', 's', '?vhost=DEMO']],
  ['rtmp://a.com//live//', '//s', ['a.com', 'live', 's', '']],
  ['rtmp://a.com/live\0', 's\0\0', ['a.com', 'live', 's', '']],
  ['rtmp://a.com/live', 's%00', ['a.com', 'live', 's', '']],
  ['rtmp://a.com/live', 's?k=v\0', ['a.com', 'live', 's', '?k=v']],
  ['rtmp://a.com/live', 'private%2Fs', ['a.com', 'live/private', 's', '']],
  ['rtmp://a.com/live', 'private%252Fs', ['a.com', 'live/private', 's', '']],
  ['rtmp://a.com/live%2Fprivate', 's', ['a.com', 'live/private', 's', '']],
  ['rtmp://a.com/live', 'my cam', ['a.com', 'live', 'mycam', '']],
  ['rtmp://a.com/live', 'my%20cam', ['a.com', 'live', 'mycam', '']],
  ['rtmp://a.com/live', 'caf\u00e9', ['a.com', 'live', 'caf\u00e9', '']],
  ['rtmp://a.com/live', 'cafe\u0301', ['a.com', 'live', 'caf\u00e9', '']],
  ['rtmp://a.com/live', 'caf%C3%A9', ['a.com', 'live', 'caf\u00e9', '']],
  ['rtmp://a.com/live', '100%', ['a.com', 'live', '100%', '']],
  ['rtmp://a.com/live', 's%2 0', ['a.com', 'live', 's', '']],
  // In connect, before the stream is known.
  ['rtmp://a.com/live/sub', undefined, ['a.com', 'live/sub', '', '']],
];
for (const [tcUrl, stream, [vhost, app, name, param]] of urls) {
  test(`${JSON.stringify(tcUrl)} with ${JSON.stringify(stream)}`, () => {
    const url = resolveStreamUrl({ tcUrl, app: '', stream });
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

test('a tcUrl without a path: the app serves', () => {
  for (const tcUrl of ['rtmp://a.com', 'rtmp://a.com:1936/', 'rtmp://a.com?k=v']) {
    const { vhost, app, stream } = resolveStreamUrl({ tcUrl, app: 'tenant-1/live', stream: 's' });
    assert.deepEqual([vhost, app, stream], ['a.com', 'tenant-1/live', 's']);
  }
  assert.equal(resolveStreamUrl({ tcUrl: 'rtmp://a.com', app: 'live?a=1', stream: 's?b=2' }).param, '?b=2&a=1');
  assert.equal(resolveStreamUrl({ tcUrl: 'rtmp://a.com/live', app: 'other', stream: 's' }).app, 'live');
});

const refused: [string, string, RegExp][] = [
  ['rtmp://a.com/live/..', 's', /another place/],
  ['rtmp://a.com/live', '../private/s', /another place/],
  ['rtmp://a.com/live', '%2e%2E/private/s', /another place/],
  ['rtmp://a.com/live', './s', /another place/],
  ['rtmp://a.com/live', 's%3Fvhost=other', /no name may have/],
  ['rtmp://a.com/live', 's%23vhost=other', /no name may have/],
  ['rtmp://a.com/live', 's\0x', /no name may have/],
  ['rtmp://a.com/live', 's\u001b[2J', /no name may have/],
  ['rtmp://a.com/live', 's%2E..vhost...other', /\.\.\.vhost\.\.\. inside/],
  ['rtmp://a.com/live', 'caf%E9', /no UTF-8/],
  ['rtmp://a\u0007.com/live', 's', /no host has/],
  ['rtmp://a.com/live', 'x'.repeat(513), /513 characters; at most 512/],
  [`rtmp://a.com/${'x/'.repeat(300)}`, 's', /599 characters; at most 512/],
  [`rtmp://${'x'.repeat(256)}/live`, 's', /256 characters; at most 255/],
  ['rtmp://a.com/live', `s?k=${'v'.repeat(4096)}`, /4099 characters; at most 4096/],
  ['rtmp://a.com/live', `s?vhost=${'v'.repeat(256)}`, /256 characters; at most 255/],
  ['rtmp://a.com/live', 'x'.repeat(10_000_000), /10000000 characters; at most 8192/],
  [`rtmp://a.com/${'x'.repeat(10_000_000)}`, 's', /at most 8192/],
];
for (const [tcUrl, stream, words] of refused) {
  test(`refused: ${tcUrl.slice(0, 40)} with ${JSON.stringify(stream.slice(0, 40))}`, () => {
    assert.throws(
      () => resolveStreamUrl({ tcUrl, app: '', stream }),
      (error) => {
        assert.ok(error instanceof RtmpError && error.code === 'bad-name');
        assert.match(error.message, words);
        assert.ok(error.message.length < 200);
        return true;
      },
    );
  });
}

test('names and parameters of the greatest length are served', () => {
  const [app, stream, param] = ['a'.repeat(512), 's'.repeat(512), `?k=${'v'.repeat(4093)}`];
  const host = 'h'.repeat(255);
  const url = resolveStreamUrl({ tcUrl: `rtmp://${host}/${app}`, app: '', stream: stream + param });
  assert.deepEqual([url.host, url.app, url.stream, url.param], [host, app, stream, param]);
});

const withVhost: [string, string][] = [
  ['', ''],
  ['?vhost=a', ''],
  ['?domain=a', ''],
  ['?vhost=a&k=v', '?k=v'],
  ['?k=v&vhost=a;token=b', '?k=v;token=b'],
  ['?k=v...vhost...a', '?k=v'],
  ['#vhost=a#k=v', '#k=v'],
  ['?a=1#vhost=b#k=v', '?a=1#k=v'],
  ['?vhosts=1&domain2=2&flag', '?vhosts=1&domain2=2&flag'],
];
for (const [param, expected] of withVhost) {
  test(`${JSON.stringify(param)} without what names a vhost`, () => assert.equal(withoutVhost(param), expected));
}

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
  assert.deepEqual(parsed('rtmp://b'), ['b', '__defaultApp__', '', '']);
  assert.deepEqual(parsed('rtmps://b/s'), ['b', '__defaultApp__', 's', '']);
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
  const name = fc.stringMatching(/^[a-z][a-z0-9_.-]{0,8}[a-z]$/);
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

/** Texts in which what could be misread is frequent. */
const odd = fc
  .array(
    fc.oneof(
      fc.constantFrom('live', 's', '/', '//', '%', '%2F', '%25', '25', '2F', '2', '0', '%20', '%00', '%2e', '.', '..'),
      fc.constantFrom(' ', '\0', '?', '#', '&', '=', 'vhost=', 'domain,', '...vhost...', '_definst_', 'é', 'e\u0301'),
      fc.string({ maxLength: 3, unit: 'binary' }),
    ),
    { maxLength: 8 },
  )
  .map((parts) => parts.join(''));

function resolved(...args: Parameters<typeof resolveStreamUrl>): StreamUrl | undefined {
  try {
    return resolveStreamUrl(...args);
  } catch (error) {
    assert.ok(error instanceof RtmpError && error.code === 'bad-name');
    return undefined;
  }
}

test('no text whatever makes it fail in another way than by refusing the name', () => {
  fc.assert(
    fc.property(odd, odd, odd, (tcUrl, app, stream) => {
      resolved({ tcUrl: `rtmp://${tcUrl}`, app, stream });
      resolved({ tcUrl, app, stream: undefined });
    }),
    { numRuns: 1000 },
  );
});

test('whatever the spelling, a server behind this one reads the very same names, and no other vhost', () => {
  fc.assert(
    fc.property(odd, odd, odd, (tcUrl, app, stream) => {
      const url = resolved({ tcUrl: `rtmp://host/${tcUrl}`, app, stream });
      if (url === undefined || url.stream === '') return;
      assert.ok(!url.stream.includes('/'));
      const vhost = 'of-the-edge.test';
      const {
        app: appBehind,
        stream: streamBehind,
        vhost: vhostBehind,
      } = resolveStreamUrl({
        tcUrl: buildTcUrl({ scheme: 'rtmp', host: 'origin', port: 1935, app: url.app, vhost }),
        app: url.app,
        stream: url.stream + withoutVhost(url.param),
      });
      assert.deepEqual([vhostBehind, appBehind, streamBehind], [vhost, url.app, url.stream]);
    }),
    { numRuns: 2000 },
  );
});

test('a tcUrl in its one form names the application that the client meant', () => {
  assert.equal(tcUrlOf('rtmp://h:1935/live?k=v', resolve('rtmp://h:1935/live?k=v')), 'rtmp://h:1935/live?k=v');
  assert.equal(tcUrlOf('rtmp://h/a%2Fb/', resolve('rtmp://h/a%2Fb/')), 'rtmp://h/a/b');
  fc.assert(
    fc.property(odd, odd, (tcUrl, app) => {
      const sent = `rtmp://host:1940/${tcUrl}`;
      const url = resolved({ tcUrl: sent, app, stream: undefined });
      if (url !== undefined) assert.deepEqual(resolve(tcUrlOf(sent, url)), url);
    }),
    { numRuns: 1000 },
  );
});

function resolve(tcUrl: string): StreamUrl {
  return resolveStreamUrl({ tcUrl, app: '', stream: undefined });
}

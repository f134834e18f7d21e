/** The nginx of a cache, as the operator renders it, with its agent: what players get, and what origins are asked. */

import assert from 'node:assert/strict';
import { createServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { findNginx } from '../../operator/up/local-hls.ts';
import { ask } from '../support/hls-players.ts';
import { startNginxCache } from '../support/http-caches.ts';

const options = {
  skip: findNginx() === undefined && 'not installed: nginx (make test installs what it needs)',
  timeout: 60_000,
};

class TextOrigin {
  readonly asked: { readonly url: string; readonly headers: IncomingMessage['headers'] }[] = [];
  readonly address: string;
  readonly stop: () => void;
  has: (path: string) => boolean = () => true;

  constructor(address: string, stop: () => void) {
    this.address = address;
    this.stop = stop;
  }

  get urls(): string[] {
    return this.asked.map(({ url }) => url);
  }
}

/** Answers with what it was asked for. */
async function origin(t: TestContext): Promise<TextOrigin> {
  const server = createServer((request, response) => {
    const { url = '', headers } = request;
    self.asked.push({ url, headers });
    if (!self.has(url)) return void response.writeHead(404).end();
    response.setHeader('Set-Cookie', 'session=secret').setHeader('Cache-Control', 'no-store').end(`body of ${url}`);
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const stop = (): void => {
    server.closeAllConnections();
    server.close();
  };
  const self = new TextOrigin(`127.0.0.1:${(server.address() as AddressInfo).port}`, stop);
  t.after(stop);
  return self;
}

describe('the nginx of a cache', options, () => {
  test('keeps nothing of one player: cookies and credentials go neither way', async (t) => {
    const source = await origin(t);
    const { url } = await startNginxCache(t, [source.address]);
    const answer = await ask(`${url}/live/a.m3u8`, { cookie: 'a=b', authorization: 'Basic x' });
    assert.equal(answer.status, 200);
    assert.equal(answer.headers['set-cookie'], undefined);
    assert.equal(answer.headers['cache-control'], 'max-age=1');
    assert.equal(source.asked[0]?.headers.cookie, undefined);
    assert.equal(source.asked[0]?.headers.authorization, undefined);
  });

  test('a token tells nothing apart, unless the manifest says so', async (t) => {
    const source = await origin(t);
    const without = await startNginxCache(t, [source.address]);
    const tokens = ['?token=1', '?token=2', ''];
    for (const token of tokens) assert.equal((await ask(`${without.url}/live/a.ts${token}`)).status, 200);
    assert.deepEqual(source.urls, ['/live/a.ts?token=1']);
    const withToken = await startNginxCache(t, [source.address], { keyParameters: ['token'] });
    source.asked.length = 0;
    for (const token of [...tokens, ...tokens]) await ask(`${withToken.url}/live/a.ts${token}`);
    assert.deepEqual(source.urls, ['/live/a.ts?token=1', '/live/a.ts?token=2', '/live/a.ts']);
  });

  test('all sessions share a playlist, which is another than that without a session', async (t) => {
    const source = await origin(t);
    const { url } = await startNginxCache(t, [source.address], { targetDurationSeconds: 60 });
    const bodies = [];
    for (const query of ['', '?hls_ctx=a', '?hls_ctx=b', ''])
      bodies.push(`${(await ask(`${url}/live/a.m3u8${query}`)).body}`);
    assert.deepEqual(source.urls, ['/live/a.m3u8', '/live/a.m3u8?hls_ctx=a']);
    assert.equal(bodies[1], bodies[2]);
    assert.equal(bodies[0], bodies[3]);
  });

  test('ranges come from the whole segment, which the origin is asked for once', async (t) => {
    const source = await origin(t);
    const { url } = await startNginxCache(t, [source.address]);
    const first = await ask(`${url}/live/a.ts`, { range: 'bytes=0-3' });
    const second = await ask(`${url}/live/a.ts`, { range: 'bytes=5-6' });
    assert.deepEqual([first.status, `${first.body}`, second.status, `${second.body}`], [206, 'body', 206, 'of']);
    assert.deepEqual(source.urls, ['/live/a.ts']);
    assert.equal(source.asked[0]?.headers.range, undefined);
  });

  test('pages of the sites that the manifest names may play, and no others', async (t) => {
    const source = await origin(t);
    const { url } = await startNginxCache(t, [source.address], { allowOrigins: ['https://www.example.com'] });
    const of = async (site: string, method = 'GET') =>
      (await ask(`${url}/live/a.m3u8`, { origin: site }, method)).headers;
    assert.equal((await of('https://www.example.com'))['access-control-allow-origin'], 'https://www.example.com');
    assert.equal((await of('https://evil.example.com'))['access-control-allow-origin'], undefined);
    assert.equal(
      (await of('https://www.example.com', 'OPTIONS'))['access-control-allow-methods'],
      'GET, HEAD, OPTIONS',
    );
    const everywhere = await startNginxCache(t, [source.address]);
    const { headers } = await ask(`${everywhere.url}/live/a.m3u8`, { origin: 'https://a.example' });
    assert.equal(headers['access-control-allow-origin'], '*');
  });

  test('serves HLS and nothing else', async (t) => {
    const source = await origin(t);
    const { url } = await startNginxCache(t, [source.address]);
    assert.equal((await ask(`${url}/live/a.flv`)).status, 404);
    assert.equal((await ask(`${url}/api/v1/clients`)).status, 404);
    assert.equal((await ask(`${url}/live/a.m3u8`, {}, 'POST')).status, 405);
    assert.equal((await ask(`${url}/live/a.m3u8`, {}, 'DELETE')).status, 405);
    assert.equal((await ask(`${url}/status`)).status, 404);
    assert.deepEqual(source.urls, []);
  });

  test('a path that is written in another way does not take the place of this one', async (t) => {
    const source = await origin(t);
    source.has = (path) => path === '/live/a.ts';
    const { url } = await startNginxCache(t, [source.address]);
    // Not by fetch, which would write it in its own way.
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    socket.write('GET /live%2Fa.ts HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    const answer = (await socket.setEncoding('latin1').toArray()).join('');
    assert.match(answer, /^HTTP\/1.1 404/);
    assert.equal((await ask(`${url}/live/a.ts`)).status, 200);
  });

  test('an origin that has not got it stands for one that has', async (t) => {
    const [first, second] = [await origin(t), await origin(t)];
    first.has = () => false;
    const { url } = await startNginxCache(t, [first.address, second.address]);
    assert.equal((await ask(`${url}/live/a.ts`)).status, 200);
    assert.equal((await ask(`${url}/live/b.ts`)).status, 200);
    assert.equal(first.urls.length, 2);
  });

  test('while all origins are down, players get what there was', async (t) => {
    const source = await origin(t);
    const { url } = await startNginxCache(t, [source.address]);
    await ask(`${url}/live/a.m3u8`);
    source.stop();
    let answer = await ask(`${url}/live/a.m3u8`);
    while (answer.headers['x-cache-status'] === 'HIT') {
      await delay(100);
      answer = await ask(`${url}/live/a.m3u8`);
    }
    assert.deepEqual([answer.status, answer.headers['x-cache-status']], [200, 'STALE']);
  });

  test('a list of origins that changes is read without a player noticing', async (t) => {
    const [first, second] = [await origin(t), await origin(t)];
    const { url, local, change } = await startNginxCache(t, [first.address]);
    await ask(`${url}/live/a.ts`);
    change([second.address]);
    for (let i = 0; second.asked.length === 0; i++) {
      assert.equal((await ask(`${url}/live/${i}.ts`)).status, 200);
      await delay(50);
    }
    assert.ok(local.pid);
  });

  test('metrics tell what came from the cache and what did not', async (t) => {
    const source = await origin(t);
    const { url, local } = await startNginxCache(t, [source.address]);
    for (let i = 0; i < 3; i++) await ask(`${url}/live/a.ts`);
    const wanted = [
      /hls_requests_total\{kind="segment",cache="MISS",code="2xx"\} 1\b/,
      /cache="HIT",code="2xx"\} 2\b/,
      /hls_connections \d/,
    ];
    // Datagrams are on their way.
    for (;;) {
      const text = await local.agent.metrics.text();
      if (wanted.every((line) => line.test(text))) break;
      await delay(50);
    }
  });
});

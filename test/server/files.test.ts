/** Static files of `http_server { dir }`, and nothing beside them. */

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { serveFile } from '../../edge/server/http/files.ts';
import { getRequest, RawClient, startEdge, type TestEdge } from './harness.ts';

async function startWithFiles(context: TestContext): Promise<TestEdge> {
  const directory = mkdtempSync(join(tmpdir(), 'edge-files-'));
  context.after(() => rmSync(directory, { recursive: true }));
  const dir = join(directory, 'html');
  mkdirSync(join(dir, 'sub'), { recursive: true });
  writeFileSync(join(directory, 'secret.txt'), 'secret');
  writeFileSync(join(dir, 'a b.txt'), 'hello');
  writeFileSync(join(dir, 'clip.flv'), 'FLV');
  writeFileSync(join(dir, 'sub', 'index.html'), '<p>sub');
  symlinkSync(join(directory, 'secret.txt'), join(dir, 'link.txt'));
  symlinkSync(join(dir, 'a b.txt'), join(dir, 'inner.txt'));
  return startEdge(context, { httpServer: { dir } });
}

describe('static files', () => {
  it('are looked for in vain by a client that has left meanwhile', async (context) => {
    const served = new Promise((resolve, reject) => {
      const server = createServer((request, response) => {
        response.destroy();
        serveFile({ dir: tmpdir(), page: true }, '/edge/', request, response).then(resolve, reject);
      });
      server.listen(0, '127.0.0.1', () => {
        const { port } = server.address() as AddressInfo;
        new RawClient(port, getRequest('/edge/'));
      });
      context.after(() => server.close());
    });
    assert.equal(await served, true);
  });

  it('are served with their type, to GET and HEAD', async (context) => {
    const edge = await startWithFiles(context);
    const response = await fetch(edge.url('/a%20b.txt'));
    assert.deepEqual([response.status, await response.text()], [200, 'hello']);
    assert.equal(response.headers.get('content-type'), 'text/plain; charset=utf-8');
    const head = await fetch(edge.url('/a%20b.txt'), { method: 'HEAD' });
    assert.deepEqual([head.status, head.headers.get('content-length'), await head.text()], [200, '5', '']);
    const modified = { 'If-Modified-Since': response.headers.get('last-modified') ?? '' };
    assert.equal((await fetch(edge.url('/a%20b.txt'), { headers: modified })).status, 304);
    assert.equal(await (await fetch(edge.url('/sub/'))).text(), '<p>sub');
    assert.equal(await (await fetch(edge.url('/inner.txt'))).text(), 'hello');
    // A path that fits the mount pattern is a stream; another one may be a file.
    assert.equal(await (await fetch(edge.url('/clip.flv'))).text(), 'FLV');
    const post = await fetch(edge.url('/a%20b.txt'), { method: 'POST' });
    assert.deepEqual([post.status, post.headers.get('allow')], [405, 'GET, HEAD']);
  });

  it('are never those outside of the directory', async (context) => {
    const edge = await startWithFiles(context);
    const paths = ['/../secret.txt', '/sub/../../secret.txt', '/..%2fsecret.txt', '/%2e%2e/secret.txt', '/link.txt'];
    for (const path of [...paths, '//secret.txt', '/a%00b.txt', '/%zz', '/sub/none', '/..', '/%2e%2e%2f']) {
      const client = new RawClient(edge.port(), `GET ${path} HTTP/1.0\r\n\r\n`);
      const answer = (await client.rest()).toString();
      // `/..` is `/` by the rules of URLs: our page.
      assert.match(answer, path === '/..' ? /<title>edgecluster/ : /^HTTP\/1\.1 404 /, path);
      assert.doesNotMatch(answer, /secret\n?$/);
    }
  });

  it('come before our page at /, which stays at /edge/', async (context) => {
    const edge = await startWithFiles(context);
    assert.match(await (await fetch(edge.url('/'))).text(), /<title>edgecluster/);
    writeFileSync(join(edge.config.httpServer.dir, 'index.html'), 'mine');
    assert.equal(await (await fetch(edge.url('/'))).text(), 'mine');
    assert.match(await (await fetch(edge.url('/edge/'))).text(), /<title>edgecluster/);
    const script = await fetch(edge.url('/edge/mpegts.js'));
    assert.equal(script.headers.get('content-type'), 'text/javascript; charset=utf-8');
    assert.match(await script.text(), /mpegts/);
  });

  it('need no directory', async (context) => {
    const edge = await startEdge(context);
    assert.equal((await fetch(edge.url('/none.txt'))).status, 404);
    assert.equal((await fetch(edge.url('/'))).status, 200);
    assert.equal((await fetch(edge.url('/edge/status.json'))).status, 404);
  });
});

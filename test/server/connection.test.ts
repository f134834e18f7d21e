/** HTTP connections: deadlines of every phase, bodies, pipelined requests with streams among them, half-closed clients. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, it, type TestContext } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { Budget } from '../../edge/budget/budget.ts';
import { defaultConfig } from '../../edge/conf/defaults.ts';
import { HttpConnection } from '../../edge/server/http/connection.ts';
import { makeCertificate } from '../support/certificate.ts';
import { clip, interFrame } from '../support/media.ts';
import { missing } from '../support/programs.ts';
import { anyPort, getRequest, RawClient, startEdge, type TestEdge } from './harness.ts';

function impatient(context: TestContext, clientTimeoutMs = 200): Promise<TestEdge> {
  return startEdge(context, {
    httpApi: { enabled: true },
    exporter: { enabled: true },
    edge: { clientTimeoutMs },
  });
}

/** Sends a byte from time to time for as long as it is let. */
function drip(client: RawClient, text: string): void {
  const bytes = text.repeat(1000).split('');
  const timer = setInterval(() => client.socket.write(bytes.shift() ?? ''), 20);
  client.socket.on('close', () => clearInterval(timer));
}

function directoryWith(context: TestContext, name: string, content: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'edge-http-'));
  context.after(() => rmSync(directory, { recursive: true }));
  writeFileSync(join(directory, name), content);
  return directory;
}

/** How many times `part` is in the text. */
const count = (text: string, part: string): number => text.split(part).length - 1;

const health = getRequest('/healthz');

const upgrade = {
  Upgrade: 'websocket',
  Connection: 'Upgrade',
  'Sec-WebSocket-Version': '13',
  'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
};

describe('the deadline of a request', () => {
  for (const protocol of ['http', 'http-api', 'exporter']) {
    it(`ends connections that bring none in time (${protocol})`, async (context) => {
      const edge = await impatient(context);
      const port = edge.port(protocol);
      assert.equal((await new RawClient(port, '').rest()).length, 0);
      assert.match((await new RawClient(port, 'GET /healthz HT').rest()).toString(), /^HTTP\/1\.1 408 /);
      const slow = new RawClient(port, 'GET /healthz HTTP/1.1\r\n');
      drip(slow, 'X-Header: x\r\n');
      assert.match((await slow.rest()).toString(), /^HTTP\/1\.1 408 /);
      const body = new RawClient(port, 'GET /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n');
      drip(body, 'x');
      assert.match((await body.rest()).toString(), /^HTTP\/1\.1 408 /);
      const chunks = new RawClient(port, 'GET /healthz HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n');
      drip(chunks, '1\r\nx\r\n');
      assert.match((await chunks.rest()).toString(), /^HTTP\/1\.1 408 /);
    });
  }

  it('holds for the next request on a connection that is kept alive', async (context) => {
    const edge = await impatient(context);
    const silent = new RawClient(edge.port(), health);
    assert.match((await silent.rest()).toString(), /^HTTP\/1\.1 200 [\s\S]*\r\n\r\nok\n$/);
    const half = new RawClient(edge.port(), health);
    await half.takeHead();
    await half.take(3);
    half.socket.write('GET /');
    assert.match((await half.rest()).toString(), /^HTTP\/1\.1 408 /);
  });

  it('does not count the time in which others keep it waiting', async (context) => {
    const edge = await impatient(context);
    const player = new RawClient(edge.port(), getRequest('/live/one.flv'));
    const patient = new RawClient(edge.port(), '');
    await patient.rest();
    const publisher = await edge.publisher();
    publisher.push(...clip());
    assert.match(await player.takeHead(), /^HTTP\/1\.1 200 /);
  });

  it('is that of a TLS connection, too', { skip: missing('openssl') }, async (context) => {
    const directory = directoryWith(context, 'x', '');
    const https = { enabled: true, listen: anyPort, ...makeCertificate(directory, 'edge') };
    const edge = await startEdge(context, { httpServer: { https }, edge: { clientTimeoutMs: 200 } });
    const options = { port: edge.port('https'), host: '127.0.0.1', rejectUnauthorized: false };
    const socket = connectTls(options, () => socket.write('GET / HT'));
    let received = '';
    socket.on('data', (bytes: Buffer) => {
      received += bytes.toString();
    });
    await once(socket, 'close');
    assert.match(received, /^HTTP\/1\.1 408 /);
  });
});

describe('an answer', () => {
  it('that is not read ends the connection; one that is made slowly, or read slowly, does not', async (context) => {
    const { connections } = new Budget(() => ({ ...defaultConfig(), maxConnections: 9 }));
    const limits = { requestTimeoutMs: () => 60_000, answerTimeoutMs: 250 };
    const answers: Readonly<Record<string, (response: ServerResponse) => void>> = {
      '/large': (response) => void Readable.from(Array<Buffer>(500).fill(Buffer.alloc(60_000))).pipe(response),
      '/late': (response) => setTimeout(() => response.end('late'), 800),
    };
    const server = createServer().on('connection', (socket: Socket) => {
      const place = connections.take('http', '127.0.0.1', () => socket.destroy());
      if (typeof place === 'string') throw new Error(place);
      const connection = new HttpConnection(socket, place, limits);
      server.once('request', (request: IncomingMessage, response: ServerResponse) => {
        connection.request(request, response, () => answers[request.url ?? '']?.(response));
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    context.after(() => server.close());
    const { port } = server.address() as AddressInfo;

    const late = new RawClient(port, getRequest('/late', { Connection: 'close' }));
    assert.match((await late.rest()).toString(), /late$/);

    const slow = connect(port, '127.0.0.1', () => slow.write(getRequest('/large', {}, '1.0')));
    let bytes = 0;
    slow.on('data', ({ length }: Buffer) => {
      bytes += length;
    });
    const pulse = setInterval(() => (slow.isPaused() ? slow.resume() : slow.pause()), 20);
    await once(slow, 'close');
    clearInterval(pulse);
    assert.ok(bytes > 30_000_000);

    const idle = new RawClient(port, getRequest('/large'));
    await idle.takeHead();
    idle.socket.pause();
    const cut = once(server, 'cut');
    const look = setInterval(() => server.getConnections((_, count) => count === 0 && server.emit('cut')), 20);
    await cut;
    clearInterval(look);
  });
});

describe('bodies of requests', () => {
  it('are passed over while they are small', async (context) => {
    const edge = await impatient(context);
    const length = 16 * 1024;
    const client = new RawClient(
      edge.port(),
      `GET /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\n${'x'.repeat(length)}${health}`,
    );
    assert.equal(count((await client.rest()).toString(), 'HTTP/1.1 200 '), 2);
  });

  it('are refused when they are large', async (context) => {
    const edge = await impatient(context, 60_000);
    for (const [head, body] of [
      ['Content-Length: 1000000', 'x'.repeat(20_000)],
      ['Transfer-Encoding: chunked', `5000\r\n${'x'.repeat(20_480)}\r\n`],
    ] as const) {
      const client = new RawClient(edge.port(), `DELETE /x HTTP/1.1\r\nHost: a\r\n${head}\r\n\r\n${body}`);
      assert.match((await client.rest()).toString(), /^HTTP\/1\.1 413 [\s\S]*16384 bytes/);
    }
  });
});

describe('pipelined requests', () => {
  it('are answered in order', async (context) => {
    const edge = await startEdge(context, { httpServer: { dir: directoryWith(context, 'a.txt', 'file') } });
    const requests = ['/a.txt', '/healthz', '/a.txt', '/none', '/readyz'].map((path) => getRequest(path));
    const client = new RawClient(edge.port(), requests.join('') + getRequest('/a.txt', { Connection: 'close' }));
    const answers = (await client.rest()).toString().split(/(?=HTTP\/1\.1 )/);
    assert.deepEqual(
      answers.map((answer) => [answer.slice(9, 12), answer.split('\r\n\r\n')[1]?.trim().slice(0, 5)]),
      [
        ['200', 'file'],
        ['200', 'ok'],
        ['200', 'file'],
        ['404', '/none'],
        ['200', 'ready'],
        ['200', 'file'],
      ],
    );
  });

  it('with a stream among them keep its bytes behind the answers before', async (context) => {
    const size = 3_000_000;
    const edge = await startEdge(context, { httpServer: { dir: directoryWith(context, 'a.txt', 'x'.repeat(size)) } });
    const publisher = await edge.publisher();
    publisher.push(...clip());
    const behind = getRequest('/healthz') + getRequest('/live/one.flv');
    const client = new RawClient(
      edge.port(),
      getRequest('/a.txt') + getRequest('/healthz') + getRequest('/live/one.flv') + behind,
    );
    assert.match(await client.takeHead(), /^HTTP\/1\.1 200 OK/);
    assert.equal((await client.take(size)).toString(), 'x'.repeat(size));
    assert.match(await client.takeHead(), /^HTTP\/1\.1 200 OK/);
    assert.equal((await client.take(3)).toString(), 'ok\n');
    assert.match(await client.takeHead(), /video\/x-flv/);
    assert.equal((await client.take(6)).toString('latin1'), 'd\r\nFLV');
    // What stands behind the request for a stream is never answered: the connection is the stream's.
    publisher.push(interFrame(2000));
    edge.hub.streams.get('__defaultVhost__/live/one')?.end('over');
    assert.equal(count((await client.rest()).toString('latin1'), 'HTTP/1.1'), 0);
    assert.equal(edge.calls.filter((call) => call.startsWith('play')).length, 1);
  });

  it('wait for a stream that is not live yet', async (context) => {
    const edge = await startEdge(context);
    const client = new RawClient(edge.port(), health + getRequest('/live/one.flv') + health);
    await once(edge.events, 'play');
    await client.takeHead();
    assert.equal((await client.take(3)).toString(), 'ok\n');
    const publisher = await edge.publisher();
    publisher.push(...clip());
    assert.match(await client.takeHead(), /video\/x-flv/);
  });

  it('may end in a WebSocket', async (context) => {
    const size = 3_000_000;
    const edge = await startEdge(context, { httpServer: { dir: directoryWith(context, 'a.txt', 'x'.repeat(size)) } });
    const publisher = await edge.publisher();
    publisher.push(...clip());
    const client = new RawClient(edge.port(), getRequest('/a.txt') + health + getRequest('/live/one.flv', upgrade));
    await client.takeHead();
    await client.take(size);
    await client.takeHead();
    assert.equal((await client.take(3)).toString(), 'ok\n');
    assert.match(await client.takeHead(), /^HTTP\/1\.1 101 /);
    assert.equal((await client.take(5)).toString('latin1').slice(2), 'FLV');
  });

  it('end in an error behind the answers when no request follows', async (context) => {
    const edge = await startEdge(context, { httpServer: { dir: directoryWith(context, 'a.txt', 'file') } });
    const client = new RawClient(edge.port(), `${getRequest('/a.txt')}nonsense\r\n\r\n`);
    const text = (await client.rest()).toString();
    assert.match(text, /^HTTP\/1\.1 200 [\s\S]*fileHTTP\/1\.1 400 /);
    const large = new RawClient(edge.port(), getRequest('/', { 'X-Large': 'x'.repeat(20_000) }));
    assert.match((await large.rest()).toString(), /^HTTP\/1\.1 431 /);
  });

  it('do not disturb the stream before them when they are nonsense', async (context) => {
    const edge = await startEdge(context);
    const publisher = await edge.publisher();
    const client = new RawClient(edge.port(), `${getRequest('/live/one.flv')}nonsense\r\n\r\n`);
    await once(edge.events, 'play');
    publisher.push(...clip());
    assert.match(await client.takeHead(), /^HTTP\/1\.1 200 [\s\S]*video\/x-flv/);
    publisher.push(interFrame(2000));
    await client.take(100);
    assert.equal(edge.clients.size, 1);
  });

  it('that are too many end the connection', async (context) => {
    const edge = await startEdge(context);
    const client = new RawClient(edge.port(), getRequest('/live/one.flv') + health.repeat(100));
    await client.rest();
    await edge.clients.empty();
  });
});

describe('a client that closes its side behind its request', () => {
  const cases: readonly (readonly [string, string, RegExp])[] = [
    ['http', getRequest('/a.txt'), /^HTTP\/1\.1 200 OK[\s\S]*file$/],
    ['http', getRequest('/a.txt', {}, '1.0'), /^HTTP\/1\.1 200 OK[\s\S]*file$/],
    ['http-api', getRequest('/api/v1/versions', { Host: 'localhost' }), /^HTTP\/1\.1 200 OK[\s\S]*"code":0/],
    ['http-api', getRequest('/api/v1/streams', { Host: 'localhost' }).repeat(3), /(HTTP\/1\.1 200 OK[\s\S]*){3}$/],
    ['exporter', getRequest('/metrics'), /^HTTP\/1\.1 200 OK[\s\S]*srs_clients/],
  ];
  for (const [protocol, request, expected] of cases) {
    it(`gets its answer (${protocol}, ${request.split('\r\n', 1)})`, async (context) => {
      const edge = await startEdge(context, {
        httpServer: { dir: directoryWith(context, 'a.txt', 'file') },
        httpApi: { enabled: true },
        exporter: { enabled: true },
      });
      const client = new RawClient(edge.port(protocol), request);
      client.socket.end();
      assert.match((await client.rest()).toString(), expected);
    });
  }

  it('gets a stream by WebSocket', async (context) => {
    const edge = await startEdge(context);
    const client = new RawClient(edge.port(), getRequest('/live/one.flv', upgrade));
    client.socket.end();
    await once(edge.events, 'play');
    const publisher = await edge.publisher();
    publisher.push(...clip());
    assert.match(await client.takeHead(), /^HTTP\/1\.1 101 /);
  });

  it('gets an answer by TLS', { skip: missing('openssl') }, async (context) => {
    const directory = directoryWith(context, 'a.txt', 'file');
    const https = { enabled: true, listen: anyPort, ...makeCertificate(directory, 'edge') };
    const edge = await startEdge(context, { httpServer: { https, dir: directory } });
    const raw = connect({ port: edge.port('https'), host: '127.0.0.1', allowHalfOpen: true });
    const socket = connectTls({ socket: raw, rejectUnauthorized: false });
    socket.end(getRequest('/a.txt'));
    let received = '';
    for await (const bytes of socket) received += String(bytes);
    assert.match(received, /^HTTP\/1\.1 200 OK[\s\S]*file$/);
  });
});

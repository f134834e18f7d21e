/** Whether an HTTP server is there, and how it is asked. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createHttpServer, type IncomingMessage, type RequestListener } from 'node:http';
import { type AddressInfo, createConnection, createServer, type Socket } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { PausedReaders } from '../../edge/budget/readers.ts';
import type { OriginAddress } from '../../edge/conf/model.ts';
import type { ClientOptions } from '../../edge/upstream/connection/client-options.ts';
import { probeHttp, sendGet } from '../../edge/upstream/connection/http-request.ts';
import { fails } from '../support/upstream-failure.ts';

const testOptions = { timeout: 30_000 };
const never = new AbortController().signal;
const options: ClientOptions = {
  ...{ connectTimeoutMs: 10_000, requestTimeoutMs: 10_000, keepaliveMs: 0, chunkSize: 60_000 },
  ...{ tlsVerify: false, tlsCaFile: '', tlsName: '' },
  odd: () => {},
  paused: new PausedReaders(),
};

/** An HTTP server, or one that does as it likes with its connections. */
async function listen(t: TestContext, server: ReturnType<typeof createServer>): Promise<OriginAddress> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return { scheme: 'http', host: '127.0.0.1', port: (server.address() as AddressInfo).port };
}

const httpServer = (t: TestContext, answer: RequestListener): Promise<OriginAddress> =>
  listen(t, createHttpServer(answer));

const rawServer = (t: TestContext, accept: (socket: Socket) => void): Promise<OriginAddress> =>
  listen(
    t,
    createServer((socket) => {
      socket.on('error', () => {});
      accept(socket);
    }),
  );

describe('an HTTP server is there', testOptions, () => {
  test('when it answers, whatever that is, and is asked for the folder', async (t) => {
    for (const status of [200, 302, 404, 403, 500]) {
      const asked: (string | undefined)[] = [];
      const address = await httpServer(t, ({ method, url }, response) => {
        asked.push(`${method} ${url}`);
        response.writeHead(status).end();
      });
      await probeHttp(address, '/live/', options, never);
      assert.deepEqual(asked, ['GET /live/']);
    }
  });

  test('but not where a proxy says that nobody is behind it', async (t) => {
    for (const status of [502, 503, 504]) {
      const address = await httpServer(t, (_, response) => response.writeHead(status).end());
      await fails(probeHttp(address, '/', options, never), 'broken', new RegExp(`status ${status}`));
    }
  });

  test('nor when it closes, or sends what is no HTTP, or headers without end', async (t) => {
    for (const [accept, reason] of [
      [(socket: Socket) => socket.destroy(), /closed the connection/],
      [(socket: Socket) => socket.end('SSH-2.0-x\r\n\r\n'), /no HTTP: Expected HTTP/],
      [
        (socket: Socket) => socket.write(`HTTP/1.1 200 OK\r\nA: ${'a'.repeat(20_000)}\r\n\r\n`),
        /more than 16384 bytes/,
      ],
    ] as const) {
      const address = await rawServer(t, (socket) => socket.once('data', () => accept(socket)));
      await fails(probeHttp(address, '/', options, never), 'broken', reason);
    }
  });

  test('nor when it says nothing in time; its connection is closed', async (t) => {
    const { promise: closed, resolve } = Promise.withResolvers<void>();
    const address = await rawServer(t, (socket) => socket.on('close', () => resolve()).resume());
    const hasty = { ...options, requestTimeoutMs: 100 };
    await fails(probeHttp(address, '/', hasty, never), 'unanswered', /within request_timeout 100 ms/);
    await closed;
  });

  test('who wants to know it no more is not kept waiting', async (t) => {
    const asked = Promise.withResolvers<void>();
    const address = await rawServer(t, (socket) => socket.once('data', () => asked.resolve()));
    const end = new AbortController();
    const probing = probeHttp(address, '/', options, end.signal);
    await asked.promise;
    end.abort();
    await fails(probing, 'cancelled', /cancelled/);
  });
});

describe('a request', testOptions, () => {
  /** What is sent to an address, whoever listens there. */
  async function sent(t: TestContext, address: Partial<OriginAddress>): Promise<IncomingMessage> {
    const { promise, resolve } = Promise.withResolvers<IncomingMessage>();
    const server = await httpServer(t, (request, response) => {
      resolve(request);
      response.end();
    });
    const socket = createConnection(server.port, server.host);
    const request = sendGet(socket, { scheme: 'http', host: 'origin.test', port: 80, ...address }, '/a', {
      Range: 'x',
    });
    request.on('error', () => {});
    return promise;
  }

  test('names the origin as a proxy knows it: with its port, where that is not the usual one', async (t) => {
    for (const [address, host] of [
      [{}, 'origin.test'],
      [{ port: 8080 }, 'origin.test:8080'],
      [{ port: 443 }, 'origin.test:443'],
      [{ scheme: 'https', port: 443 }, 'origin.test'],
      [{ scheme: 'https', port: 80 }, 'origin.test:80'],
      [{ host: '10.0.0.1', tlsName: 'found.test' }, 'found.test'],
      [{ host: 'fd00::1', port: 8080 }, '[fd00::1]:8080'],
    ] as const) {
      assert.equal((await sent(t, address)).headers.host, host);
    }
  });

  test('wants the stream as it is, over a connection that is not kept', async (t) => {
    const { headers } = await sent(t, {});
    assert.equal(headers['accept-encoding'], 'identity');
    assert.equal(headers.connection, 'close');
    assert.match(headers['user-agent'] ?? '', /^edgecluster\//);
    assert.equal(headers.range, 'x');
  });
});

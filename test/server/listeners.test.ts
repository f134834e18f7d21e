/** Listeners of the HTTP side: addresses that come, go and are shared, TLS, and certificates that are renewed. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { connect, createServer as createTlsServer } from 'node:tls';
import { pino } from 'pino';
import type { ListenAddress } from '../../edge/conf/model.ts';
import { tagSize } from '../../edge/flv/tag.ts';
import { TicketKeys } from '../../edge/server/ticket-keys.ts';
import { followFiles, type TlsListener, tlsOptions } from '../../edge/server/tls.ts';
import { makeCertificate } from '../support/certificate.ts';
import { clip, interFrame } from '../support/media.ts';
import { missing } from '../support/programs.ts';
import { anyPort, RawClient, startEdge } from './harness.ts';

/** An address that was free a moment ago. */
async function freeAddress(): Promise<ListenAddress> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return { host: '127.0.0.1', port: typeof address === 'object' && address !== null ? address.port : 0 };
}

describe('listeners', () => {
  it('come and go by difference, and players stay', async (context) => {
    const edge = await startEdge(context);
    const publisher = await edge.publisher();
    publisher.push(...clip());
    const before = edge.port();
    const player = new RawClient(before, 'GET /live/one.flv HTTP/1.0\r\n\r\n');
    await player.takeHead();

    const withApi = { ...edge.config, httpApi: { ...edge.config.httpApi, enabled: true } };
    await edge.http.listen(withApi);
    assert.equal(edge.port(), before);
    assert.notEqual(edge.port('http-api'), before);

    const without = { ...withApi, httpServer: { ...withApi.httpServer, enabled: false } };
    await edge.http.listen(without);
    assert.deepEqual(
      edge.http.addresses.map(({ protocol }) => protocol),
      ['http-api'],
    );
    const gone = new RawClient(before, 'GET / HTTP/1.0\r\n\r\n');
    assert.equal((await gone.rest()).length, 0);
    await player.take(player.received.length);
    const next = interFrame(1000, 1000, 5000);
    publisher.push(next);
    await player.take(tagSize(next.payload.length));
  });

  it('serve both the API and streams where both have the same address', async (context) => {
    const listen = [await freeAddress()];
    const edge = await startEdge(context, { httpServer: { listen }, httpApi: { enabled: true, listen } });
    assert.equal(edge.http.addresses.length, 1);
    assert.equal((await fetch(edge.url('/api/v1/versions'))).status, 200);
    const publisher = await edge.publisher();
    publisher.push(...clip());
    assert.equal((await fetch(edge.url('/live/one.flv'), { method: 'HEAD' })).status, 200);
  });

  it('do not serve the API where it has an address of its own', async (context) => {
    const edge = await startEdge(context, { httpApi: { enabled: true } });
    assert.equal((await fetch(edge.url('/api/v1/versions'))).status, 404);
    assert.equal((await fetch(edge.url('/live/one.flv', 'http-api'), { method: 'HEAD' })).status, 404);
  });

  it('end connections that bring no request within client_timeout, as a reload has set it', async (context) => {
    const edge = await startEdge(context);
    edge.config = { ...edge.config, edge: { ...edge.config.edge, clientTimeoutMs: 100 } };
    const answer = await new RawClient(edge.port(), 'GET / HT').rest();
    assert.match(answer.toString(), /^HTTP\/1\.1 408 /);
  });

  it('say which address cannot be had', async (context) => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    context.after(() => taken.close());
    const address = taken.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const listen = [{ host: '127.0.0.1', port }];
    await assert.rejects(startEdge(context, { httpServer: { listen } }), new RegExp(`EADDRINUSE.*:${port}`));
  });
});

describe('TLS listeners', { skip: missing('openssl') }, () => {
  function temporary(context: { after(clean: () => void): void }): string {
    const directory = mkdtempSync(join(tmpdir(), 'edge-tls-'));
    context.after(() => rmSync(directory, { recursive: true }));
    return directory;
  }

  it('serve streams, the API and WebSocket', async (context) => {
    const files = makeCertificate(temporary(context), 'edge');
    const https = { enabled: true, listen: anyPort, ...files };
    const edge = await startEdge(context, { httpServer: { https }, httpApi: { enabled: true, https } });
    const publisher = await edge.publisher();
    publisher.push(...clip());
    const socket = connect({ port: edge.port('https'), host: '127.0.0.1', rejectUnauthorized: false });
    socket.write('GET /live/one.flv HTTP/1.1\r\nHost: edge\r\n\r\n');
    let received = '';
    socket.on('data', (bytes: Buffer) => {
      received += bytes.toString('latin1');
    });
    while (!received.includes('\r\n\r\nd\r\nFLV\x01\x05')) await once(socket, 'data');
    assert.match(received, /^HTTP\/1\.1 200 OK\r\n/);
    socket.destroy();
    await edge.clients.empty();

    const api = connect({ port: edge.port('https-api'), host: '127.0.0.1', rejectUnauthorized: false });
    api.write('GET /api/v1/versions HTTP/1.0\r\n\r\n');
    const [answer] = await once(api, 'data');
    assert.match(answer.toString(), /"code":0/);
  });

  it('take a renewed certificate, and keep the old one while files do not fit', async (context) => {
    const directory = temporary(context);
    const files = makeCertificate(directory, 'first');
    const listen = { enabled: true, listen: anyPort, ...files };
    const log = pino({ level: 'silent' });
    const listener: TlsListener = { protocol: 'https', listen, ticketKeys: new TicketKeys(log) };
    const server = createTlsServer(tlsOptions(listener)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    context.after(() => server.close());
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;

    let look = (): void => {};
    const setSecureContext = server.setSecureContext.bind(server);
    server.setSecureContext = (options) => {
      try {
        setSecureContext(options);
      } finally {
        look();
      }
    };
    const renewal = (): Promise<void> =>
      new Promise((resolve) => {
        look = resolve;
      });
    followFiles(listener, server, log, 20);

    async function presented(): Promise<string> {
      const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
      await once(socket, 'secureConnect');
      const name = String(socket.getPeerCertificate().subject.CN);
      socket.destroy();
      return name;
    }

    assert.equal(await presented(), 'first');
    const broken = renewal();
    rmSync(files.keyFile);
    makeOther(files.keyFile);
    await broken;
    assert.equal(await presented(), 'first');
    const renewed = renewal();
    makeCertificate(directory, 'second');
    await renewed;
    while ((await presented()) !== 'second') await renewal();
  });

  /** A key that fits no certificate. */
  function makeOther(keyFile: string): void {
    const directory = mkdtempSync(join(tmpdir(), 'edge-tls-'));
    const { keyFile: other } = makeCertificate(directory, 'other');
    copyFileSync(other, keyFile);
    rmSync(directory, { recursive: true });
  }
});

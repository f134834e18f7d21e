/** Merged read: packets are collected, and no publisher is held up by it, however much or in whatever pieces it sends. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createSecureContext, connect as secureConnect, TLSSocket } from 'node:tls';
import { PausedReaders, ReadGate } from '../../edge/budget/readers.ts';
import { MergedRead, restfulHighWaterMark } from '../../edge/server/rtmp/merged-read.ts';
import { makeCertificate } from '../support/certificate.ts';

const restMs = 100;

/** Both ends of a connection. */
async function pair(t: TestContext): Promise<[client: Socket, server: Socket]> {
  const listener = createServer({ highWaterMark: restfulHighWaterMark }).listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const client = connect((listener.address() as AddressInfo).port, '127.0.0.1');
  const [server] = (await once(listener, 'connection')) as [Socket];
  t.after(() => {
    client.destroy();
    server.destroy();
    listener.close();
  });
  return [client, server];
}

/** Time stands still until the test says otherwise. Rests of the same length share a timer: none is left behind. */
function useTimers(t: TestContext): void {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  t.after(() => t.mock.timers.runAll());
}

/** Resolves once the kernel has it: each is a packet, and with TLS a record. */
function sent(socket: Socket, bytes: Buffer | string): Promise<void> {
  return new Promise((resolve) => {
    socket.write(bytes, () => resolve());
  });
}

/** How many rests it takes until all bytes have come. */
async function restsUntil(t: TestContext, socket: Socket, bytes: number, send: () => unknown): Promise<number> {
  useTimers(t);
  const reads = new MergedRead(socket, new ReadGate(socket, new PausedReaders()));
  let [received, rests] = [0, 0];
  let came = Promise.withResolvers<void>();
  socket.on('data', (chunk: Buffer) => {
    received += chunk.length;
    reads.rest(restMs);
    came.resolve();
  });
  send();
  for (;;) {
    await came.promise;
    // What is here is read, and the rest begins.
    for (let turn = 0; turn < 5; turn++) await nextTurn();
    if (received >= bytes) return rests;
    came = Promise.withResolvers();
    if (socket.isPaused()) {
      t.mock.timers.tick(restMs);
      rests += 1;
    }
  }
}

describe('merged read', () => {
  test('a publisher of a high bit rate has no less of it', async (t) => {
    const [client, server] = await pair(t);
    const bytes = 4 * 1024 * 1024;
    // At 64 KiB for each rest it would be 64.
    assert.ok((await restsUntil(t, server, bytes, () => client.write(Buffer.alloc(bytes)))) < 16);
  });

  test('small packets wait for each other', async (t) => {
    const [client, server] = await pair(t);
    client.setNoDelay(true);
    const reads = new MergedRead(server, new ReadGate(server, new PausedReaders()));
    const sizes: number[] = [];
    server.on('data', (chunk: Buffer) => {
      sizes.push(chunk.length);
      reads.rest(restMs);
    });
    useTimers(t);
    client.write('1');
    await once(server, 'pause');
    for (const packet of '23456') await sent(client, packet);
    t.mock.timers.tick(restMs);
    await once(server, 'pause');
    assert.ok(sizes.length < 4, `reads of ${sizes.join(', ')} bytes`);
  });

  test('small TLS records, as FFmpeg writes them, are read together', async (t) => {
    const directory = mkdtempSync(join(tmpdir(), 'merged-read-'));
    t.after(() => rmSync(directory, { recursive: true }));
    const { keyFile, certFile } = makeCertificate(directory, 'localhost');
    const secureContext = createSecureContext({ key: readFileSync(keyFile), cert: readFileSync(certFile) });
    const [plainClient, plainServer] = await pair(t);
    const server = new TLSSocket(plainServer, { isServer: true, secureContext });
    const client = secureConnect({ socket: plainClient, rejectUnauthorized: false });
    await once(client, 'secureConnect');
    const bytes = Buffer.alloc(140);
    const count = 300;
    const send = async () => {
      for (let record = 0; record < count; record++) await sent(client, bytes);
    };
    assert.ok((await restsUntil(t, server, count * bytes.length, send)) < 15);
  });
});

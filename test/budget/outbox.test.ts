/** What waits for a peer leaves whole and in order; over TLS in small pieces, one at a time. */

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import { Outbox } from '../../edge/budget/outbox.ts';
import { makeCertificate } from '../support/certificate.ts';

function certificate(t: TestContext): { key: Buffer; cert: Buffer } {
  const directory = mkdtempSync(join(tmpdir(), 'outbox-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const { keyFile, certFile } = makeCertificate(directory, 'outbox');
  return { key: readFileSync(keyFile), cert: readFileSync(certFile) };
}

/** The server's side of a connection, and the client's. */
async function pair(t: TestContext, transport: 'tcp' | 'tls'): Promise<[Socket, Socket]> {
  const server: Server = transport === 'tls' ? createTlsServer(certificate(t)) : createServer();
  t.after(() => server.close());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  const { port } = address;
  const accepted = once(server, transport === 'tls' ? 'secureConnection' : 'connection');
  const client =
    transport === 'tls'
      ? connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false })
      : connect(port, '127.0.0.1');
  t.after(() => client.destroy());
  const [socket] = (await accepted) as [Socket];
  t.after(() => socket.destroy());
  return [socket, client];
}

async function received(client: Socket, bytes: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let sum = 0;
  for await (const part of client as AsyncIterable<Buffer>) {
    parts.push(part);
    sum += part.length;
    if (sum >= bytes) break;
  }
  return Buffer.concat(parts);
}

for (const transport of ['tcp', 'tls'] as const) {
  test(`${transport}: all arrives in order, and it is told once that all was taken`, async (t) => {
    const [socket, client] = await pair(t, transport);
    let drained = 0;
    let mustDrain = false;
    const all = Buffer.concat([first, ...slices]);
    const arrives = received(client, all.length);
    await new Promise<void>((resolve) => {
      const outbox = new Outbox(socket, () => {
        drained++;
        resolve();
      });
      for (const bytes of [first, ...slices]) if (!outbox.write(bytes)) mustDrain = true;
      if (!mustDrain) resolve();
    });
    assert.ok((await arrives).equals(all));
    assert.equal(drained, mustDrain ? 1 : 0);
  });
}

test('tcp: of what is large, no turn of the event loop writes more than 256 KB, however much the kernel takes', async (t) => {
  const [socket, client] = await pair(t, 'tcp');
  const bytes = randomBytes(2_000_000);
  const all = Buffer.concat([bytes, slices[0]!]);
  const arrives = received(client, all.length);
  const drained = Promise.withResolvers<void>();
  const outbox = new Outbox(socket, () => drained.resolve());
  assert.equal(outbox.write(bytes), false);
  assert.ok(socket.bytesWritten <= 262_144, `${socket.bytesWritten} bytes`);
  assert.equal(outbox.write(slices[0]!), false, 'what comes next waits behind it');
  await drained.promise;
  assert.ok((await arrives).equals(all));
  assert.equal(outbox.pendingBytes, 0);
});

test('tcp: an end in the middle of a large write hands all of it over', async (t) => {
  const [socket, client] = await pair(t, 'tcp');
  const bytes = randomBytes(2_000_000);
  const arrives = received(client, bytes.length);
  const outbox = new Outbox(socket, () => assert.fail('nobody waits any more'));
  outbox.write(bytes);
  outbox.end();
  assert.ok((await arrives).equals(bytes));
});

const first = randomBytes(3_000_000);
const slices = Array.from({ length: 20 }, () => randomBytes(27_000));

test('tls: what is large is encrypted 16 KB at a time', async (t) => {
  const [socket, client] = await pair(t, 'tls');
  const largest = { piece: 0, pending: 0 };
  const write = socket.write.bind(socket) as (bytes: Buffer, done?: () => void) => boolean;
  t.mock.method(socket, 'write', (bytes: Buffer, done?: () => void) => {
    largest.piece = Math.max(largest.piece, bytes.length);
    largest.pending = Math.max(largest.pending, socket.writableLength);
    return write(bytes, done);
  });
  new Outbox(socket, () => {}).write(first);
  assert.ok((await received(client, first.length)).equals(first));
  assert.deepEqual(largest, { piece: 16_384, pending: 0 });
});

test('tls: who leaves in the middle ends nothing but the connection', async (t) => {
  const [socket, client] = await pair(t, 'tls');
  socket.on('error', () => {});
  const closed = new Promise((resolve) => socket.once('close', resolve));
  const outbox = new Outbox(socket, () => assert.fail('nobody took it'));
  outbox.write(first);
  client.destroy();
  await closed;
  assert.equal(outbox.write(first), false);
});

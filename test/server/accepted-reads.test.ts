/** Reads of accepted sockets into one buffer, by private parts of Node: with the Node that we run on they must be there. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { takeReads } from '../../edge/server/rtmp/accepted-reads.ts';

/** Two ends of a connection: what a server accepted, and its client. */
async function ends(t: TestContext): Promise<[accepted: Socket, client: Socket]> {
  const server = createServer({ highWaterMark: 1 }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [[accepted]] = (await Promise.all([once(server, 'connection'), once(client, 'connect')])) as [
    [Socket],
    unknown,
  ];
  t.after(() => {
    for (const each of [accepted, client, server]) each.removeAllListeners('error');
    client.destroy();
    accepted.destroy();
    server.close();
  });
  return [accepted, client];
}

/** Collects copies of what is read; resolves when so much has come. */
class Reads {
  readonly buffers = new Set<ArrayBufferLike>();
  text = '';
  #more = Promise.withResolvers<void>();

  readonly take = (bytes: Buffer): void => {
    this.buffers.add(bytes.buffer);
    this.text += bytes.toString('latin1');
    this.#more.resolve();
    this.#more = Promise.withResolvers();
  };

  async until(text: string): Promise<void> {
    while (this.text !== text) await this.#more.promise;
  }
}

test('all accepted sockets are read into one buffer, until their end', async (t) => {
  const reads = new Reads();
  const pairs = [await ends(t), await ends(t)];
  for (const [accepted, client] of pairs) {
    takeReads(accepted, reads.take);
    client.write('abc');
    await reads.until('abc');
    client.write('def');
    await reads.until('abcdef');
    assert.equal(accepted.bytesRead, 6);
    client.end();
    await once(accepted, 'close');
    reads.text = '';
  }
  assert.equal(reads.buffers.size, 1, 'this Node has other private parts');
});

test('what was read before, and put back, comes first', async (t) => {
  const reads = new Reads();
  const [accepted, client] = await ends(t);
  client.write('header');
  await once(accepted, 'readable');
  accepted.unshift(accepted.read());
  takeReads(accepted, reads.take);
  client.write(' body');
  await reads.until('header body');
});

test('a socket that is paused is not read', async (t) => {
  const reads = new Reads();
  const [accepted, client] = await ends(t);
  takeReads(accepted, reads.take);
  client.write('a');
  await reads.until('a');
  accepted.pause();
  client.write('b');
  // It is there: another connection has brought what was written later, and then more.
  const [other, otherClient] = await ends(t);
  for (const later of ['c', 'd']) {
    otherClient.write(later);
    await once(other, 'data');
  }
  assert.equal(reads.text, 'a');
  accepted.resume();
  await reads.until('ab');
});

test('a connection that is reset is told', async (t) => {
  const reads = new Reads();
  const [accepted, client] = await ends(t);
  takeReads(accepted, reads.take);
  client.write('a');
  await reads.until('a');
  client.resetAndDestroy();
  const [error] = (await once(accepted, 'error')) as [NodeJS.ErrnoException];
  assert.equal(error.code, 'ECONNRESET');
});

test('where Node has other private parts, each read has a buffer of its own', async (t) => {
  const reads = new Reads();
  const [accepted, client] = await ends(t);
  const handle = Reflect.get(accepted, '_handle') as { useUserBuffer: unknown };
  handle.useUserBuffer = undefined;
  takeReads(accepted, reads.take);
  client.write('a');
  await reads.until('a');
  client.write('b');
  await reads.until('ab');
  assert.equal(reads.buffers.size, 2);
});

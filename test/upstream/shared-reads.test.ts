/** Reads of all origins go into one buffer; what came before anybody takes it is kept. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { SharedReads } from '../../edge/upstream/connection/shared-reads.ts';

/** Connects to a server that says this at once, and waits until the connection is over. */
async function hear(t: TestContext, words: string, reads: SharedReads): Promise<void> {
  const server = createServer((socket) => socket.end(words)).listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await once(connect({ host: '127.0.0.1', port, onread: reads.onread }), 'close');
}

test('what a server says before anybody takes it is given later, though others have read meanwhile', async (t) => {
  const early = new SharedReads();
  await hear(t, 'came early', early);
  await hear(t, 'overwrites', new SharedReads());
  const taken: string[] = [];
  early.to((bytes) => taken.push(bytes.toString()));
  assert.deepEqual(taken, ['came early']);
});

test('what is taken at once is the shared memory itself', async (t) => {
  const taken: Buffer[] = [];
  for (const words of ['the first', 'the other']) {
    const reads = new SharedReads();
    reads.to((bytes) => taken.push(bytes));
    await hear(t, words, reads);
  }
  assert.deepEqual(taken.map(String), ['the other', 'the other']);
});

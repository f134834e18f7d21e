/** Where `edgecluster up` listens: the expected port, else one that resembles it, else a word that says why not. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { type TestContext, test } from 'node:test';
import { findAddress } from '../../../operator/up/address.ts';

/** Of this file alone; with 20,000 more still below the ports that the system gives to connections. */
const port = 11_377;

async function occupy(t: TestContext, ...ports: readonly number[]): Promise<void> {
  const servers: Server[] = ports.map((taken) => createServer().listen(taken, '127.0.0.1'));
  t.after(() => servers.map((server) => server.close()));
  await Promise.all(servers.map((server) => once(server, 'listening')));
}

test('a port that is taken: the next that resembles it', async (t) => {
  await occupy(t, port);
  assert.equal(await findAddress('127.0.0.1', port), `127.0.0.1:${port + 10_000}`);
});

test('all are taken', async (t) => {
  await occupy(t, port + 1, port + 10_001, port + 20_001);
  await assert.rejects(findAddress('127.0.0.1', port + 1), {
    message: `ports ${port + 1}, ${port + 10_001}, ${port + 20_001} of 127.0.0.1 are all taken`,
  });
});

test('an address of another machine: nobody has taken its ports', async () => {
  const message = 'cannot listen at 192.0.2.1: this machine has no such address';
  await assert.rejects(findAddress('192.0.2.1', port + 2), { message });
});

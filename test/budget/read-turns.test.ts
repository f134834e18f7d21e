/** What one socket may bring in a turn of the event loop, when much more of it is there. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { ReadShare, socketsWaitingForTurn } from '../../edge/budget/read-turns.ts';
import { PausedReaders, ReadGate, Wait } from '../../edge/budget/readers.ts';

const sentBytes = 1024 * 1024;

/** A connection of which the kernel has a megabyte that nobody has read. */
async function backedUp(t: TestContext): Promise<Socket> {
  const server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  const client = connect(address.port, '127.0.0.1');
  const [socket]: Socket[] = await once(server, 'connection');
  assert.ok(socket !== undefined);
  await new Promise<void>((resolve) => client.write(Buffer.alloc(sentBytes, 7), () => resolve()));
  t.after(() => {
    client.destroy();
    socket.destroy();
    server.close();
  });
  return socket;
}

/** Counts turns of the event loop until it is stopped. */
function countTurns(): { turn: number; stop(): void } {
  let next = setImmediate(count);
  const counter = { turn: 0, stop: () => clearImmediate(next) };
  function count(): void {
    counter.turn++;
    next = setImmediate(count);
  }
  return counter;
}

test('a socket of which a megabyte is there is read in many turns, and gets all through', async (t) => {
  const socket = await backedUp(t);
  const turns = countTurns();
  t.after(() => turns.stop());
  const gate = new ReadGate(socket, new PausedReaders());
  const bytesOfTurn: number[] = [];
  let bytesRead = 0;
  await new Promise<void>((resolve) => {
    socket.on('data', (bytes: Buffer) => {
      gate.hasRead(bytes.length);
      bytesRead += bytes.length;
      bytesOfTurn[turns.turn] = (bytesOfTurn[turns.turn] ?? 0) + bytes.length;
      if (bytesRead === sentBytes) resolve();
    });
    socket.resume();
  });
  const most = Math.max(...bytesOfTurn.filter((bytes) => bytes !== undefined));
  // Node may read once more into its own buffer when it is told to pause.
  assert.ok(most <= 2 * 64 * 1024, `${most} bytes in one turn`);
});

test('of many that wait, some go on in each turn, in the order in which they came', async () => {
  const goneOn: number[] = [];
  const shares = Array.from({ length: 100 }, (_, index) => {
    const share = new ReadShare(
      () => {},
      () => goneOn.push(index),
    );
    share.read(65_536);
    return share;
  });
  assert.equal(socketsWaitingForTurn(), 100);
  for (const share of shares) share.read(65_536);
  assert.equal(socketsWaitingForTurn(), 100, 'each waits once');
  const counts: number[] = [];
  for (let turn = 0; turn < 5; turn++) {
    await new Promise(setImmediate);
    counts.push(goneOn.length);
  }
  assert.deepEqual(
    goneOn,
    Array.from({ length: 100 }, (_, index) => index),
  );
  assert.ok(
    counts.every((count, turn) => count <= 32 * (turn + 1)),
    `${counts}`,
  );
});

test('one that waits for another reason, too, is not read when its turn comes', async (t) => {
  const socket = await backedUp(t);
  const gate = new ReadGate(socket, new PausedReaders());
  gate.hasRead(65_536);
  assert.ok(gate.isWaiting(Wait.turn));
  gate.wait(Wait.answers);
  for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
  assert.ok(!gate.isWaiting(Wait.turn));
  assert.ok(socket.isPaused());
  gate.done(Wait.answers);
  assert.ok(!socket.isPaused());
});

test('nobody is at fault for what waits for its turn', async (t) => {
  const socket = await backedUp(t);
  const paused = new PausedReaders();
  const gate = new ReadGate(socket, paused);
  gate.hasRead(65_536);
  assert.deepEqual([gate.isPaused, paused.now, paused.total], [true, 0, 0]);
});

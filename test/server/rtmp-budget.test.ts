/** What one RTMP client may hold and ask for: it may cost itself, never another client. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { pino } from 'pino';
import { parseConfig } from '../../edge/conf/load.ts';
import { Edge } from '../../edge/edge.ts';
import type { LogCounts } from '../../edge/log/log.ts';
import { encodeMessage } from '../../edge/rtmp/chunk-writer.ts';
import { buildCommand } from '../../edge/rtmp/command.ts';
import { pingRequest, setChunkSize } from '../../edge/rtmp/control.ts';
import { MessageType } from '../../edge/rtmp/message.ts';
import { audioFrame, clip, interFrame, keyframe } from '../support/media.ts';
import { originConfig } from '../support/rtmp-config.ts';
import { RtmpPeer } from '../support/rtmp-peer.ts';
import { startOrigin, stream, testOptions } from '../support/rtmp-scene.ts';

interface Scene {
  readonly edge: Edge;
  readonly port: number;
}

/** An edge in this process, so that its budget can be looked at. */
async function start(t: TestContext, text: string): Promise<Scene> {
  const loaded = parseConfig(text);
  const log = pino({ level: process.env.EDGE_LOG ?? 'silent' });
  const logCounts = (): LogCounts => ({ lostLines: 0, leftOutLines: 0 });
  const edge = new Edge({ loaded, read: () => loaded, serverId: 'test', log, logCounts });
  await edge.start();
  t.after(() => edge.close());
  return { edge, port: edge.addresses[0]?.port ?? 0 };
}

/** Resolves when this is so; asked each time that the event loop has gone round. */
async function until(met: () => boolean): Promise<void> {
  while (!met()) await new Promise((resolve) => setTimeout(resolve, 5));
}

async function peer(t: TestContext, { port }: Scene, connected = true): Promise<RtmpPeer> {
  const made = connected ? await RtmpPeer.connect({ port }) : await RtmpPeer.open({ port });
  t.after(() => made.reset());
  return made;
}

/** Writes as fast as the other side takes it until `enough`; returns the bytes written. */
async function flood(socket: Socket, bytes: Buffer, enough: () => boolean): Promise<number> {
  let written = 0;
  const drained = { yes: true };
  socket.on('drain', () => {
    drained.yes = true;
  });
  while (!enough() && !socket.destroyed) {
    if (drained.yes) {
      drained.yes = socket.write(bytes);
      written += bytes.length;
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  return written;
}

const pings = Buffer.concat(Array.from({ length: 2000 }, () => encodeMessage(pingRequest(1), 2, 4096)));
const creates = Array.from({ length: 1000 }, (_, i) =>
  encodeMessage(buildCommand('createStream', i + 2, [null], 0), 3, 4096),
);

/** A publisher and a player of an edge to be attacked. */
async function honest(t: TestContext, scene: Scene): Promise<{ goOn(): Promise<void> }> {
  const publisher = await peer(t, scene);
  publisher.publish(stream);
  await publisher.status('NetStream.Publish.Start');
  publisher.send(...clip());
  const player = await peer(t, scene);
  player.play(stream);
  await player.frames(13);
  let time = 500;
  return {
    /** One more frame from the publisher to the player. */
    async goOn() {
      const frame = interFrame(time++, time);
      publisher.send(frame);
      await player.next(({ payload }) => payload.equals(frame.payload));
    },
  };
}

describe('an RTMP client that does not read', () => {
  for (const [what, bytes] of [
    ['answers to pings', pings],
    ['answers to createStream', Buffer.concat(creates)],
  ] as const) {
    test(`${what}: is read no faster than it may have answers`, testOptions, async (t) => {
      const scene = await start(t, originConfig());
      const others = await honest(t, scene);
      const { paused, unfinished } = scene.edge.budget;
      const hostile = await peer(t, scene);
      hostile.socket.pause();
      const client = [...scene.edge.clients.values()].find(({ role }) => role === 'connecting');
      const enough = performance.now() + 1_000;
      const sent = await flood(hostile.socket, bytes, () => performance.now() > enough);
      await others.goOn();
      // At most a read is kept, beside what was answered.
      assert.ok(sent > 100_000);
      assert.ok((client?.bytesReceived ?? 0) < 200_000, `${client?.bytesReceived} bytes were read`);
      assert.ok(unfinished.total < 70_000, `${unfinished.total} bytes are held`);
      hostile.reset();
      await until(() => paused.now === 0 && unfinished.total === 0);
      await others.goOn();
    });
  }

  test('a player that reads nothing and sends pings is not read until it reads', testOptions, async (t) => {
    const scene = await start(t, originConfig());
    const publisher = await peer(t, scene);
    publisher.publish('large');
    await publisher.status('NetStream.Publish.Start');
    // More than the kernel takes for a player.
    publisher.send(...clip(), ...Array.from({ length: 15 }, (_, i) => interFrame(500 + 40 * i, i, 1_000_000)));
    const watcher = await peer(t, scene);
    watcher.play('large');
    await watcher.frames(28);
    const { paused, unfinished } = scene.edge.budget;
    const hostile = await peer(t, scene);
    hostile.socket.pause();
    hostile.play('large');
    hostile.socket.write(Buffer.concat(Array.from({ length: 300 }, () => encodeMessage(pingRequest(1), 2, 4096))));
    await until(() => paused.now === 1);
    // All has been looked at, and still it is not read.
    await until(() => paused.now === 1 && unfinished.total === 0);
    hostile.socket.resume();
    await until(() => paused.now === 0);
  });

  test('an origin that pings and does not read the answers is not read any further', testOptions, async (t) => {
    const origin = await startOrigin(t, { play: (_, connection) => connection.send(...clip()) });
    const scene = await start(
      t,
      `listen 127.0.0.1:0; edge { origin_check_interval 0; }
       vhost __defaultVhost__ { cluster { mode remote; origin 127.0.0.1:${origin.port}; } }`,
    );
    const player = await peer(t, scene);
    player.play(stream);
    await player.frames(13);
    const socket = origin.connections.at(-1)?.socket;
    assert.ok(socket !== undefined);
    socket.pause();
    const { paused } = scene.edge.budget;
    await flood(socket, pings, () => paused.total > 0);
    assert.ok(paused.total > 0);
    assert.equal(player.closed, false);
  });
});

describe('an RTMP client that makes us work', () => {
  test('many messages behind a command that waits cost their bytes, and no more', testOptions, async (t) => {
    const scene = await start(t, originConfig());
    const others = await honest(t, scene);
    for (const size of [64 * 1024, 1024 * 1024]) {
      const hostile = await peer(t, scene);
      const publish = encodeMessage(buildCommand('publish', 0, [null, `new-${size}`, 'live'], 1), 3, 4096);
      const empty = encodeMessage(
        { type: MessageType.audio, timestamp: 0, streamId: 1, payload: Buffer.alloc(0) },
        4,
        4096,
      );
      // Each byte is a header of type 3 on chunk stream 4: one more empty message.
      hostile.socket.write(Buffer.concat([publish, empty, Buffer.alloc(size, 0xc4)]));
      await hostile.status('NetStream.Publish.Start');
      for (let i = 0; i < 10; i++) await others.goOn();
      assert.ok(scene.edge.budget.unfinished.total < 200_000, `${scene.edge.budget.unfinished.total} bytes are held`);
      hostile.reset();
    }
  });

  test('each message of an aggregate is work of its own', testOptions, async (t) => {
    const scene = await start(t, originConfig());
    const others = await honest(t, scene);
    const hostile = await peer(t, scene);
    hostile.publish('aggregates');
    await hostile.status('NetStream.Publish.Start');
    // Parts without a payload: header and back pointer.
    const part = Buffer.alloc(15);
    part[0] = MessageType.audio;
    const payload = Buffer.concat(Array.from({ length: 4000 }, () => part));
    const aggregate = encodeMessage({ type: MessageType.aggregate, timestamp: 0, streamId: 1, payload }, 4, 4096);
    for (let i = 0; i < 20; i++) hostile.socket.write(aggregate);
    await until(() => scene.edge.budget.paused.now === 1);
    await others.goOn();
    hostile.reset();
  });

  test('commands come as fast as they may, and all are answered', testOptions, async (t) => {
    const scene = await start(t, originConfig());
    const others = await honest(t, scene);
    const hostile = await peer(t, scene);
    const from = hostile.commands.length;
    hostile.socket.write(Buffer.concat(creates.slice(0, 300)));
    await until(() => scene.edge.budget.paused.total > 0);
    await others.goOn();
    await hostile.until('300 answers', () => hostile.commands.length >= from + 300 || undefined);
  });
});

describe('memory of an RTMP client before it publishes', () => {
  test('large messages are refused before connect, before publish and from players', testOptions, async (t) => {
    const scene = await start(t, originConfig());
    const large = encodeMessage(
      { type: MessageType.video, timestamp: 0, streamId: 1, payload: Buffer.alloc(40_000) },
      6,
      65_536,
    );
    const chunks = encodeMessage(setChunkSize(65_536), 2, 4096);
    const others = await honest(t, scene);
    for (const step of ['handshake', 'connect', 'play'] as const) {
      const hostile = await peer(t, scene, step !== 'handshake');
      if (step === 'play') {
        hostile.play(stream);
        await hostile.status('NetStream.Play.Start');
      }
      hostile.socket.write(Buffer.concat([chunks, large]));
      await hostile.untilClosed();
    }
    await others.goOn();
    assert.equal(scene.edge.budget.unfinished.total, 0);
  });

  test('a publisher may send them at once, behind publish', testOptions, async (t) => {
    const scene = await start(t, originConfig());
    const impatient = await peer(t, scene);
    impatient.publish('impatient');
    const frame = keyframe(500, 1, 300_000);
    impatient.send(...clip(), frame);
    const player = await peer(t, scene);
    player.play('impatient');
    await player.next(({ payload }) => payload.equals(frame.payload));
    impatient.send(audioFrame(520, 1));
    await player.next(({ type, payload }) => type === MessageType.audio && payload.length > 0);
  });

  test('unfinished messages count until they are done with', testOptions, async (t) => {
    const scene = await start(t, originConfig());
    const { unfinished } = scene.edge.budget;
    const publisher = await peer(t, scene);
    publisher.publish(stream);
    await publisher.status('NetStream.Publish.Start');
    const frame = encodeMessage(keyframe(0, 1, 500_000), 6, 4096);
    publisher.socket.write(frame.subarray(0, 400_000));
    await until(() => unfinished.total > 390_000);
    publisher.socket.write(frame.subarray(400_000));
    await until(() => unfinished.total === 0);
    publisher.socket.write(frame.subarray(0, 300_000));
    await until(() => unfinished.total > 290_000);
    publisher.reset();
    await until(() => unfinished.total === 0);
  });

  test('at the limit the client goes that holds most for longest, and no other', testOptions, async (t) => {
    const scene = await start(
      t,
      `edge { unfinished_max_bytes 1000000; } ${originConfig().replace(/edge \{[^}]*\}/, '')}`,
    );
    const others = await honest(t, scene);
    const frame = encodeMessage(keyframe(0, 1, 900_000), 6, 4096);
    const hoarders: RtmpPeer[] = [];
    for (const name of ['one', 'two']) {
      const hoarder = await peer(t, scene);
      hoarder.publish(name);
      await hoarder.status('NetStream.Publish.Start');
      hoarder.socket.write(frame.subarray(0, name === 'one' ? 400_000 : 100_000));
      hoarders.push(hoarder);
    }
    await until(() => scene.edge.budget.unfinished.total > 490_000);
    // It has held them for a while, which is what tells it from others.
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    hoarders[1]?.socket.write(frame.subarray(100_000, 300_000));
    await hoarders[0]?.untilClosed();
    await others.goOn();
    assert.equal(hoarders[1]?.closed, false);
    assert.equal(scene.edge.budget.connections.turnedAway('unfinished_messages'), 1);
  });
});

describe('the time of an RTMP client', () => {
  test('handshake_timeout: who connects and says nothing, or half of it, is disconnected', testOptions, async (t) => {
    const scene = await start(t, originConfig({ root: 'edge { handshake_timeout 300; client_timeout 60000; }' }));
    for (const bytes of [Buffer.alloc(0), Buffer.from([3]), Buffer.concat([Buffer.from([3]), Buffer.alloc(2000, 1)])]) {
      const socket = connect(scene.port, '127.0.0.1').on('error', () => {});
      socket.write(bytes);
      await once(socket.resume(), 'close');
    }
    assert.equal(scene.edge.budget.connections.turnedAway('timeout'), 3);
    await until(() => scene.edge.budget.connections.size === 0);
  });

  test('client_timeout counts from accept, not from the last sign of life', testOptions, async (t) => {
    const scene = await start(t, originConfig({ root: 'edge { client_timeout 800; }' }));
    const slow = await peer(t, scene);
    const ping = setInterval(() => slow.send(pingRequest(1)), 50);
    t.after(() => clearInterval(ping));
    await slow.untilClosed();
  });
});

/** An edge that was stopped for seconds, as a throttled or frozen container is: nobody else pays for it. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { HookServer } from '../support/hook-server.ts';
import { Broadcast } from '../support/rtmp-broadcast.ts';
import { edgeConfig, originConfig } from '../support/rtmp-config.ts';
import { RtmpPeer } from '../support/rtmp-peer.ts';
import { player, publisher, startEdge, startOrigin, testOptions } from '../support/rtmp-scene.ts';

const heldUpMs = 6_000;
const short = 'stall_timeout 1000; first_frame_timeout 1000; connect_timeout 1000; request_timeout 1000;';

test('stopped for 6 s with time-outs of 1 and 2 s: nobody is cut, no origin is set aside', testOptions, async (t) => {
  const origins = await Promise.all(
    [1, 2].map(() => startEdge(t, originConfig({ vhost: 'publish { normal_timeout 60000; }' }))),
  );
  const edge = await startEdge(
    t,
    edgeConfig({
      origins: origins.map((origin) => origin.port()),
      root: 'http_server { enabled on; listen 127.0.0.1:0; }',
      process: 'origin_check_interval 200;',
      vhost: 'http_remux { enabled on; }',
      publish: 'firstpkt_timeout 2000; normal_timeout 2000;',
      edge: `${short} hold_timeout 2000; write_timeout 2000; publish_timeout 2000;`,
    }),
  );
  const sources = await Promise.all(origins.map((origin) => publisher(t, origin, 'played')));
  const source = await publisher(t, edge, 'published');
  const live = new Broadcast([...sources, source]);
  t.after(() => live.stop());
  const watcher = await player(t, edge, 'played');
  const request = get(`http://127.0.0.1:${edge.port('http')}/live/played.flv`);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  t.after(() => request.destroy());
  let httpBytes = 0;
  let httpEnded = false;
  response.on('data', (bytes: Buffer) => {
    httpBytes += bytes.length;
  });
  response.on('close', () => {
    httpEnded = true;
  });
  await watcher.frames(20);
  const since = edge.log.length;
  edge.signal('SIGSTOP');
  await delay(heldUpMs);
  edge.signal('SIGCONT');
  const [before, bytesBefore] = [watcher.media.length, httpBytes];
  // For longer than any of the time-outs.
  const lastMs = live.sent.at(-1)?.timestamp ?? 0;
  await watcher.next(({ timestamp }) => timestamp > lastMs + 3_000, before);
  assert.deepEqual(
    edge.log.slice(since).filter(({ msg }) => msg !== 'origin state' && !/callback/.test(msg)),
    [],
  );
  assert.ok(!edge.log.slice(since).some(({ state }) => state === 'down' || state === 'suspect'));
  assert.ok(!watcher.closed && !source.closed && !httpEnded && httpBytes > bytesBefore);
});

test(
  'what is under way when the edge is stopped has its whole time: connects, commands, callbacks',
  testOptions,
  async (t) => {
    const hooks = await HookServer.start(t);
    hooks.held = 'on_play';
    // The origin's answers come while the edge is stopped.
    const origin = await startOrigin(t, { connect: () => {} });
    const vhost = `http_hooks { enabled on; on_play ${hooks.url}; }`;
    const edge = await startEdge(
      t,
      edgeConfig({ origins: [origin.port], vhost, edge: `${short} hook_timeout 1000; publish_timeout 2000;` }),
    );
    const viewer = await RtmpPeer.connect({ port: edge.port() });
    const source = await RtmpPeer.connect({ port: edge.port() });
    t.after(() => {
      viewer.reset();
      source.reset();
    });
    viewer.play('played');
    source.publish('published');
    await hooks.until('on_play');
    const asked = await origin.until('a connect', () => origin.connections.find((each) => each.connectCommand));
    edge.signal('SIGSTOP');
    hooks.release();
    const command = asked.connectCommand;
    assert.ok(command !== undefined);
    origin.script = {};
    asked.accept(command);
    await delay(heldUpMs);
    const since = edge.log.length;
    edge.signal('SIGCONT');
    await viewer.status('NetStream.Play.Start');
    await source.status('NetStream.Publish.Start');
    assert.ok(
      !edge.log.slice(since).some(({ level, msg }) => level >= 40 && msg !== 'pull failed'),
      JSON.stringify(edge.log.slice(since)),
    );
  },
);

/** RTMP's version and an old client's first 1,536 bytes. */
const hello = Buffer.alloc(1 + 1536);
hello[0] = 3;
/** The server's version, its first bytes and its echo. */
const answerBytes = 1 + 2 * 1536;

async function answered(socket: Socket): Promise<void> {
  let bytes = 0;
  for await (const piece of socket as AsyncIterable<Buffer>) {
    bytes += piece.length;
    if (bytes >= answerBytes) return;
  }
  assert.fail(`closed after ${bytes} bytes`);
}

// All that an edge had which has died come to this one at the same moment.
test('1,000 clients that come while the edge is stopped all get in', testOptions, async (t) => {
  const edge = await startEdge(t, `${edgeConfig({ origins: [1] })}\nmax_connections 8000;`);
  edge.signal('SIGSTOP');
  const sockets = Array.from({ length: 1_000 }, () => connect(edge.port(), '127.0.0.1'));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
  });
  for (const socket of sockets) socket.write(hello);
  // Beyond the queue of the listener the system would let clients wait, and reset some of them.
  await Promise.all(sockets.map((socket) => once(socket, 'connect')));
  edge.signal('SIGCONT');
  await Promise.all(sockets.map(answered));
});

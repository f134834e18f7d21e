/** Clients that an origin refuses by closing the connection behind `connect`: nginx-rtmp's `on_connect` does so. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import type { EdgeProcess } from '../support/edge-process.ts';
import { HookServer } from '../support/hook-server.ts';
import { clip } from '../support/media.ts';
import { NginxOrigin, nginxMissing } from '../support/nginx.ts';
import { edgeConfig } from '../support/rtmp-config.ts';
import type { OriginScript } from '../support/rtmp-origin.ts';
import { RtmpPeer } from '../support/rtmp-peer.ts';
import { player, startEdge, startOrigin, stream, testOptions } from '../support/rtmp-scene.ts';
import { SrsOrigin, srsMissing } from '../support/srs.ts';

const http = { root: 'http_server { enabled on; listen 127.0.0.1:0; }', vhost: 'http_remux { enabled on; }' };
/** No slow machine looks like an origin that is gone. */
const patient = 'request_timeout 20000; stall_timeout 20000; first_frame_timeout 20000; publish_timeout 30000;';

const closes: OriginScript = { connect: (_, { socket }) => void socket.end() };
const plays: OriginScript = { play: (_, connection) => connection.send(...clip()) };

/** Players by RTMP and HTTP and a publisher, one after the other, are told at once. */
async function allAreRefused(t: TestContext, edge: EdgeProcess, reason: RegExp): Promise<void> {
  for (const what of ['play', 'publish'] as const) {
    const peer = await RtmpPeer.connect({ port: edge.port() });
    t.after(() => peer.reset());
    peer[what](`${what}ed`);
    const { description } = await peer.status(what === 'play' ? 'NetStream.Play.Failed' : 'NetStream.Publish.Rejected');
    assert.match(description, reason);
  }
  assert.equal((await fetch(`http://127.0.0.1:${edge.port('http')}/live/fetched.flv`)).status, 403);
  assert.ok(!edge.log.some(({ msg, state }) => msg === 'origin state' && state !== 'up'), 'nothing speaks against it');
}

describe('an origin that closes behind connect', { concurrency: 2 }, () => {
  test(
    'refuses, where it answers others: each client is told at once, and asked about once',
    testOptions,
    async (t) => {
      const origin = await startOrigin(t, closes);
      const edge = await startEdge(t, edgeConfig({ ...http, origins: [origin.port], edge: patient }));
      await allAreRefused(t, edge, /closed the connection behind connect, without a word/);
      assert.equal(origin.connections.filter(({ connectCommand }) => connectCommand !== undefined).length, 3);
    },
  );

  test('token_traverse: the client’s own connect is refused', testOptions, async (t) => {
    const origin = await startOrigin(t, closes);
    const edge = await startEdge(
      t,
      edgeConfig({ origins: [origin.port], cluster: 'token_traverse on;', edge: patient }),
    );
    const peer = await RtmpPeer.connect({ port: edge.port() });
    t.after(() => peer.reset());
    peer.publish(stream);
    const { description } = await peer.status('NetConnection.Connect.Rejected');
    assert.match(description, /closed the connection behind connect/);
    assert.ok(!edge.log.some(({ msg, state }) => msg === 'origin state' && state !== 'up'));
  });

  for (const why of ['refuses', 'dies'] as const) {
    test(`and ${why}: the next one is asked`, testOptions, async (t) => {
      const first = await startOrigin(t, why === 'refuses' ? closes : { connect: () => void first.die() });
      const second = await startOrigin(t, plays);
      const edge = await startEdge(
        t,
        edgeConfig({ origins: [first.port, second.port], edge: `balance failover; ${patient}` }),
      );
      await (await player(t, edge, stream)).frames(13);
      assert.ok(!edge.log.some(({ msg }) => msg === 'client refused'));
    });
  }
});

test('nginx-rtmp’s on_connect', { ...testOptions, skip: nginxMissing() }, async (t) => {
  let calls = 0;
  const server = createServer((request, response) => {
    calls++;
    request.resume();
    response.writeHead(403).end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const origin = await NginxOrigin.start(t, { directives: `on_connect http://127.0.0.1:${port}/;` });
  const edge = await startEdge(t, edgeConfig({ ...http, origins: [origin.port], edge: patient }));
  await allAreRefused(t, edge, /behind connect/);
  assert.equal(calls, 3);
});

test('SRS’s on_connect, which is asked at play and publish', { ...testOptions, skip: srsMissing() }, async (t) => {
  const hooks = await HookServer.start(t);
  hooks.refuses = () => true;
  const origin = await SrsOrigin.start(t, `http_hooks { enabled on; on_connect ${hooks.url}; }`);
  const edge = await startEdge(t, edgeConfig({ ...http, origins: [origin.port], edge: patient }));
  await allAreRefused(t, edge, /closed the connection behind/);
  assert.equal(hooks.calls.length, 3);
});

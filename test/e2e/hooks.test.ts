/** HTTP callbacks of a running edge: who is asked when, and what a refused client is told. */

import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { HookServer } from '../support/hook-server.ts';
import { clip } from '../support/media.ts';
import { edgeConfig, originConfig } from '../support/rtmp-config.ts';
import { RtmpPeer } from '../support/rtmp-peer.ts';
import { player, publisher, reload, startEdge, startOrigin, stream, testOptions } from '../support/rtmp-scene.ts';

/** Of a client, in `on_usage`, `on_stop` and `on_unpublish`. */
interface UsageLine {
  readonly type: string;
  readonly stream: string;
  readonly send_bytes: number;
  readonly recv_bytes: number;
  readonly seconds: number;
}

test('callbacks follow an RTMP player and a publisher from connect to close', testOptions, async (t) => {
  const hooks = await HookServer.start(t);
  const edge = await startEdge(t, originConfig({ vhost: hooks.block }));
  const source = await publisher(t, edge);
  source.send(...clip());
  const peer = await player(t, edge);
  await peer.frames(13);
  peer.end();
  assert.deepEqual(await hooks.until('on_close'), ['on_connect', 'on_play', 'on_stop', 'on_close']);
  assert.deepEqual(await hooks.until('on_publish'), ['on_connect', 'on_publish']);
  hooks.calls.length = 0;
  source.end();
  assert.deepEqual(await hooks.until('on_close'), ['on_unpublish', 'on_close']);
});

test('callbacks follow HTTP and WebSocket players, and refuse them', testOptions, async (t) => {
  const hooks = await HookServer.start(t);
  const root = 'http_server { enabled on; listen 127.0.0.1:0; }';
  const edge = await startEdge(t, originConfig({ root, vhost: `${hooks.block} http_remux { enabled on; }` }));
  const source = await publisher(t, edge);
  source.send(...clip());
  const url = `http://127.0.0.1:${edge.port('http')}/live/${stream}.flv`;
  const gone = new AbortController();
  assert.equal((await fetch(url, { signal: gone.signal })).status, 200);
  gone.abort();
  const all = ['on_connect', 'on_play', 'on_stop', 'on_close'];
  assert.deepEqual(await hooks.until('on_close'), all);
  hooks.calls.length = 0;
  const socket = new WebSocket(url.replace('http', 'ws'));
  await once(socket, 'open');
  socket.close();
  assert.deepEqual(await hooks.until('on_close'), all);
  const connect = hooks.calls.find(({ action }) => action === 'on_connect');
  assert.equal(connect?.stream, stream);
  hooks.calls.length = 0;
  const refused = await fetch(`${url}?token=bad`);
  assert.equal(refused.status, 403);
  assert.match(await refused.text(), /^on_connect callback refused with code 7/);
  assert.deepEqual(await hooks.until('on_close'), ['on_connect', 'on_close']);
  hooks.refuses = ({ action }) => action === 'on_play';
  assert.match(await (await fetch(url)).text(), /^on_play callback refused with code 7/);
});

test('what clients have used is told while they play, and when they stop', testOptions, async (t) => {
  const hooks = await HookServer.start(t);
  const vhost = `${hooks.block} edge { on_usage ${hooks.url}; usage_interval 1000; }`;
  const edge = await startEdge(t, originConfig({ vhost }));
  const source = await publisher(t, edge);
  const peer = await player(t, edge);
  source.send(...clip());
  await peer.frames(13);
  await hooks.until('on_usage');
  const told = hooks.calls.find(({ action }) => action === 'on_usage') as unknown as { clients: UsageLine[] };
  assert.deepEqual(told.clients.map(({ type }) => type).sort(), ['play', 'publish']);
  for (const { type, stream: name, send_bytes, recv_bytes } of told.clients) {
    assert.equal(name, stream);
    assert.ok((type === 'play' ? send_bytes : recv_bytes) > 300, `${type} ${send_bytes} ${recv_bytes}`);
  }
  peer.end();
  await hooks.until('on_stop');
  const stop = hooks.calls.find(({ action }) => action === 'on_stop') as unknown as UsageLine;
  const line = told.clients.find(({ type }) => type === 'play');
  assert.ok(line !== undefined && stop.send_bytes >= line.send_bytes && stop.seconds >= line.seconds);
});

test('players that leave during on_play, by RTMP and by HTTP, leave no stream behind', testOptions, async (t) => {
  const hooks = await HookServer.start(t);
  hooks.held = 'on_play';
  const origin = await startOrigin(t);
  const root = 'http_server { enabled on; listen 127.0.0.1:0; } http_api { enabled on; listen 127.0.0.1:0; }';
  const vhost = `${hooks.block} http_remux { enabled on; }`;
  const edge = await startEdge(t, edgeConfig({ origins: [origin.port], root, vhost }));
  const peer = await RtmpPeer.connect({ port: edge.port() });
  peer.play('by-rtmp');
  assert.deepEqual(await hooks.until('on_play'), ['on_connect', 'on_play']);
  peer.end();
  await edge.logged(({ msg, client }) => msg === 'client gone' && client === hooks.calls[0]?.client_id);
  hooks.calls.length = 0;
  const gone = new AbortController();
  const url = `http://127.0.0.1:${edge.port('http')}/live/by-http.flv`;
  const answer = fetch(url, { signal: gone.signal });
  assert.deepEqual(await hooks.until('on_play'), ['on_connect', 'on_play']);
  gone.abort();
  await assert.rejects(answer);
  await edge.logged(({ msg, stream: name }) => msg === 'client gone' && String(name).endsWith('by-http'));
  hooks.release();
  await hooks.until('on_stop');
  const streams = async (): Promise<unknown[]> => {
    const response = await fetch(`http://127.0.0.1:${edge.port('http-api')}/api/v1/streams`);
    return ((await response.json()) as { streams: unknown[] }).streams;
  };
  while ((await streams()).length > 0) await delay(10);
  assert.equal(origin.connections.length, 0);
});

test('a refusal reaches RTMP clients in the callback’s words', testOptions, async (t) => {
  const hooks = await HookServer.start(t);
  const edge = await startEdge(t, originConfig({ vhost: hooks.block }));
  const at = { port: edge.port() };
  for (const [action, ask, code] of [
    ['on_connect', 'play', 'NetConnection.Connect.Rejected'],
    ['on_connect', 'publish', 'NetConnection.Connect.Rejected'],
    ['on_play', 'play', 'NetStream.Play.Failed'],
    ['on_publish', 'publish', 'NetStream.Publish.Rejected'],
  ] as const) {
    hooks.calls.length = 0;
    hooks.refuses = (body) => body.action === action;
    const peer = await RtmpPeer.connect(at);
    peer[ask](`${stream}?token=1`);
    const { level, description } = await peer.status(code);
    assert.equal(level, 'error');
    assert.match(description, new RegExp(`${action} callback refused with code 7`));
    await peer.untilClosed();
    const asked = action === 'on_connect' ? [action] : ['on_connect', action];
    assert.deepEqual(await hooks.until('on_close'), [...asked, 'on_close']);
    const { stream: name, param } = hooks.calls[0] ?? {};
    assert.deepEqual({ name, param }, { name: stream, param: '?token=1' });
  }
});

test('on_connect_at connect: asked before connect is answered, when no stream is known', testOptions, async (t) => {
  const hooks = await HookServer.start(t);
  const edge = await startEdge(t, originConfig({ vhost: `${hooks.block} edge { on_connect_at connect; }` }));
  const tcUrl = `rtmp://127.0.0.1:${edge.port()}/live?token=`;
  await assert.rejects(
    RtmpPeer.connect({ port: edge.port(), tcUrl: `${tcUrl}bad` }),
    /NetConnection\.Connect\.Rejected.*on_connect callback refused with code 7/,
  );
  assert.deepEqual(await hooks.until('on_close'), ['on_connect', 'on_close']);
  hooks.calls.length = 0;
  const peer = await RtmpPeer.player({ port: edge.port(), tcUrl: `${tcUrl}good` }, `${stream}?other=1`);
  peer.end();
  assert.deepEqual(await hooks.until('on_close'), ['on_connect', 'on_play', 'on_stop', 'on_close']);
  const { stream: name, param } = hooks.calls[0] ?? {};
  assert.deepEqual({ name, param }, { name: '', param: '?token=good' });
});

test(
  'a client that asks for another stream is asked about again; who leaves meanwhile is told of',
  testOptions,
  async (t) => {
    const hooks = await HookServer.start(t);
    const edge = await startEdge(t, originConfig({ vhost: hooks.block }));
    const peer = await RtmpPeer.player({ port: edge.port() }, 'one');
    const names = (): unknown[] =>
      hooks.calls.filter(({ action }) => action === 'on_connect').map((call) => call.stream);
    hooks.held = 'on_connect';
    peer.call('closeStream', null);
    peer.call('deleteStream', null, 1);
    peer.play('two');
    while (names().length < 2) await hooks.next();
    assert.deepEqual(names(), ['one', 'two']);
    peer.end();
    await edge.logged(({ msg }) => msg === 'client gone');
    assert.ok(!hooks.calls.some(({ action }) => action === 'on_close'), 'not before on_connect has its answer');
    hooks.release();
    assert.deepEqual(await hooks.until('on_close'), ['on_connect', 'on_play', 'on_stop', 'on_connect', 'on_close']);
  },
);

test('callbacks that a reload brings are asked about new clients', testOptions, async (t) => {
  const hooks = await HookServer.start(t);
  const edge = await startEdge(t, originConfig());
  await player(t, edge);
  await reload(edge, originConfig({ vhost: hooks.block }));
  assert.deepEqual(hooks.calls, []);
  await player(t, edge);
  assert.deepEqual(await hooks.until('on_play'), ['on_connect', 'on_play']);
});

test('a vhost named by the stream is asked, too; the one that is left is told', testOptions, async (t) => {
  const hooks = await HookServer.start(t);
  const edge = await startEdge(t, `${originConfig({ vhost: hooks.block })} vhost other.test { ${hooks.block} }`);
  const peer = await RtmpPeer.player({ port: edge.port() }, stream);
  t.after(() => peer.reset());
  peer.call('deleteStream', null, 1);
  peer.play(`${stream}?vhost=other.test`);
  await hooks.until('on_close');
  while (hooks.calls.length < 6) await hooks.next();
  const first = ['on_connect', 'on_play', 'on_stop', 'on_close'];
  assert.deepEqual(hooks.calls.map(({ action }) => action).sort(), [...first, 'on_connect', 'on_play'].sort());
});

test(
  'grace_final_wait: a stopping edge waits so long for callbacks under way, and no longer',
  testOptions,
  async (t) => {
    const asked = new EventEmitter();
    const silent = createServer((request) => void request.resume().on('end', () => asked.emit('call')));
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    t.after(() => {
      silent.closeAllConnections();
      silent.close();
    });
    const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}/never`;
    const edge = await startEdge(
      t,
      originConfig({
        root: 'grace_final_wait 300;',
        vhost: `http_hooks { enabled on; on_close ${url}; } edge { hook_timeout 60000; }`,
      }),
    );
    const watcher = await player(t, edge);
    const since = performance.now();
    edge.signal('SIGTERM');
    await edge.logged(({ msg }) => msg === 'draining');
    watcher.end();
    await once(asked, 'call');
    assert.equal(await edge.exit(), 0);
    assert.ok(performance.now() - since >= 300);
  },
);

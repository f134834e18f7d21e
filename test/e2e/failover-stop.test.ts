/** An edge that is told to stop, and one whose configuration changes. */

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { CapsEx } from '../../edge/rtmp/enhanced.ts';
import { clip, keyframe } from '../support/media.ts';
import { edgeConfig, originConfig } from '../support/rtmp-config.ts';
import { RtmpPeer } from '../support/rtmp-peer.ts';
import { player, publisher, reload, startEdge, startOrigin, stream, testOptions } from '../support/rtmp-scene.ts';

const reconnectCode = 'NetConnection.Connect.ReconnectRequest';

test('SIGTERM without clients: the edge ends with exit code 0', testOptions, async (t) => {
  const edge = await startEdge(t, originConfig());
  edge.signal('SIGTERM');
  assert.equal(await edge.exit(), 0);
});

test('grace_start_wait: clients still come, also to an edge that has none', testOptions, async (t) => {
  const edge = await startEdge(t, originConfig({ root: 'grace_start_wait 1000;' }));
  edge.signal('SIGTERM');
  await edge.logged(({ msg }) => msg === 'draining');
  (await player(t, edge)).end();
  assert.equal(await edge.exit(), 0);
});

test(
  'drain: nobody new, those present go on until they leave, who can is asked to reconnect; exit code 0',
  testOptions,
  async (t) => {
    const origin = await startOrigin(t, { play: (_, connection) => connection.send(...clip()) });
    const edge = await startEdge(t, edgeConfig({ origins: [origin.port], edge: 'drain_timeout 60000;' }));
    const properties = { capsEx: CapsEx.reconnect };
    const able = await RtmpPeer.player({ port: edge.port(), properties }, stream);
    const plain = await player(t, edge);
    const source = await publisher(t, edge, 'published');
    await Promise.all([able.frames(23), plain.frames(13)]);
    edge.signal('SIGTERM');
    const request = await able.status(reconnectCode);
    assert.equal(request.streamId, 0);
    await assert.rejects(RtmpPeer.open({ port: edge.port() }), /closed before the handshake/);
    // Life goes on for those who are there.
    source.send(...clip());
    const pushed = await origin.request('publish');
    await origin.until('the publisher’s media', () => (pushed.media.length >= 23 ? true : undefined));
    (await origin.request('play')).send(keyframe(9000, 500));
    await plain.next(({ payload }) => payload.equals(keyframe(9000, 500).payload));
    assert.ok(!plain.commands.some((command) => command.kind === 'onStatus' && command.code === reconnectCode));
    for (const peer of [able, plain, source]) peer.end();
    assert.equal(await edge.exit(), 0);
    await origin.until('the goodbye of the push', () => pushed.commands.find(({ kind }) => kind === 'deleteStream'));
  },
);

test('clients that begin to play or publish after the stop was announced are asked, too', testOptions, async (t) => {
  const edge = await startEdge(t, originConfig({ vhost: 'edge { drain_timeout 60000; }' }));
  const options = { port: edge.port(), properties: { capsEx: CapsEx.reconnect } };
  const [first, watcher, source] = await Promise.all([
    RtmpPeer.player(options, stream),
    RtmpPeer.connect(options),
    RtmpPeer.connect(options),
  ]);
  edge.signal('SIGTERM');
  await first.status(reconnectCode);
  watcher.play(stream);
  source.publish(stream);
  await Promise.all([watcher.status(reconnectCode), source.status(reconnectCode)]);
  for (const peer of [first, watcher, source]) peer.end();
  assert.equal(await edge.exit(), 0);
});

test('drain_timeout: who is still there is told and disconnected; exit code 0', testOptions, async (t) => {
  const edge = await startEdge(t, originConfig({ vhost: 'edge { drain_timeout 300; }' }));
  const source = await publisher(t, edge);
  const watcher = await player(t, edge);
  source.send(...clip());
  await watcher.frames(13);
  edge.signal('SIGQUIT');
  const [ended, failed] = await Promise.all([
    watcher.status('NetStream.Play.UnpublishNotify'),
    source.status('NetStream.Publish.Failed'),
  ]);
  assert.match(ended.description, /the edge stops/);
  assert.match(failed.description, /the edge stops/);
  assert.equal(await edge.exit(), 0);
});

test('drain_timeout holds for clients of a vhost that a reload has removed, too', testOptions, async (t) => {
  const vhost = (name: string): string => `vhost ${name} { edge { drain_timeout 300; } }`;
  const root = 'listen 127.0.0.1:0; inotify_auto_reload off; grace_start_wait 0;';
  const edge = await startEdge(t, `${root} ${vhost('a.test')} ${vhost('b.test')}`);
  const peer = await RtmpPeer.player({ port: edge.port(), tcUrl: 'rtmp://a.test/live' }, stream);
  await reload(edge, `${root} ${vhost('b.test')}`);
  assert.equal(peer.closed, false);
  edge.signal('SIGTERM');
  await peer.untilClosed();
  assert.equal(await edge.exit(), 0);
});

test('a reload while draining does not open the doors again', testOptions, async (t) => {
  const config = (level: string): string =>
    originConfig({ root: `srs_log_level_v2 ${level};`, vhost: 'edge { drain_timeout 60000; }' });
  const edge = await startEdge(t, config('info'));
  const port = edge.port();
  const peer = await RtmpPeer.player({ port, properties: { capsEx: CapsEx.reconnect } }, stream);
  edge.signal('SIGTERM');
  await peer.status(reconnectCode);
  await reload(edge, config('debug'));
  await assert.rejects(RtmpPeer.open({ port }), /closed before the handshake/);
  peer.end();
  assert.equal(await edge.exit(), 0);
});

test('a second signal ends at once, and the exit code tells which', testOptions, async (t) => {
  const edge = await startEdge(t, originConfig({ vhost: 'edge { drain_timeout 60000; }' }));
  await player(t, edge);
  edge.signal('SIGTERM');
  await edge.logged(({ msg }) => msg === 'draining');
  edge.signal('SIGTERM');
  assert.equal(await edge.exit(), 128 + 15);
});

test('SIGINT ends at once: clients are told; exit code 0', testOptions, async (t) => {
  const edge = await startEdge(t, originConfig());
  const peer = await player(t, edge);
  edge.signal('SIGINT');
  await peer.status('NetStream.Play.UnpublishNotify');
  assert.equal(await edge.exit(), 0);
});

test('an address that is taken: exit code 1, and what to do', testOptions, async (t) => {
  const origin = await startOrigin(t);
  await assert.rejects(
    startEdge(t, `listen 127.0.0.1:${origin.port}; vhost __defaultVhost__ { }`),
    /cannot listen:.*EADDRINUSE.*change the address/s,
  );
});

test(
  'a changed file is taken by itself; a broken one leaves the running configuration, and is told',
  testOptions,
  async (t) => {
    const config = (max: number): string =>
      `listen 127.0.0.1:0; max_connections ${max}; grace_start_wait 0; vhost __defaultVhost__ { }`;
    const edge = await startEdge(t, config(1));
    const peer = await player(t, edge);
    await assert.rejects(RtmpPeer.open({ port: edge.port() }), /closed before the handshake/);
    edge.configure(config(2));
    await edge.logged(({ msg }) => msg === 'configuration changed');
    await player(t, edge);
    edge.configure('listen 127.0.0.1:0; max_connections many;');
    const failed = await edge.logged(({ msg }) => msg.startsWith('reload failed'));
    assert.match(JSON.stringify(failed), /max_connections/);
    assert.equal(peer.closed, false);
    await assert.rejects(RtmpPeer.open({ port: edge.port() }), /closed before the handshake/);
    const since = edge.log.length;
    edge.configure(config(3));
    await edge.logged(({ msg }) => msg === 'configuration changed', since);
    await player(t, edge);
  },
);

test('SIGHUP with a broken file keeps the running configuration', testOptions, async (t) => {
  const edge = await startEdge(t, originConfig());
  const source = await publisher(t, edge);
  writeFileSync(edge.configFile, 'vhost { }');
  edge.signal('SIGHUP');
  await edge.logged(({ msg }) => msg.startsWith('reload failed'));
  source.send(...clip());
  await (await player(t, edge)).frames(13);
});

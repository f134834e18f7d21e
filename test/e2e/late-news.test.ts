/** News that comes while something is under way: a reload, or an origin's wish, before what it is about has begun. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { reconnectRequest } from '../../edge/rtmp/command.ts';
import { HookServer } from '../support/hook-server.ts';
import { audioHeader, clip, videoHeader } from '../support/media.ts';
import { Broadcast } from '../support/rtmp-broadcast.ts';
import { edgeConfig, originConfig } from '../support/rtmp-config.ts';
import type { OriginConnection } from '../support/rtmp-origin.ts';
import { RtmpPeer } from '../support/rtmp-peer.ts';
import { player, publisher, reload, startEdge, startOrigin, stream, testOptions } from '../support/rtmp-scene.ts';

const gives = (seed: number) => ({
  play: (_: string, connection: OriginConnection) => connection.send(...clip({ seed })),
});

test('who waits for a callback during a reload gets the origins of the reload', testOptions, async (t) => {
  const hooks = await HookServer.start(t);
  const [before, after] = [await startOrigin(t, gives(1)), await startOrigin(t, gives(2))];
  const config = (port: number): string => edgeConfig({ origins: [port], vhost: hooks.block });
  for (const ask of ['play', 'publish'] as const) {
    const edge = await startEdge(t, config(before.port));
    hooks.held = `on_${ask}`;
    const peer = await RtmpPeer.connect({ port: edge.port() });
    t.after(() => peer.reset());
    peer[ask](stream);
    await hooks.until(`on_${ask}`);
    await reload(edge, config(after.port));
    hooks.release();
    await after.request(ask);
    if (ask === 'play') await peer.frames(5);
    assert.equal(before.asked(ask).length, 0);
  }
});

test('an origin that a reload takes out while it is asked is left when it delivers', testOptions, async (t) => {
  const [before, after] = [await startOrigin(t), await startOrigin(t, gives(2))];
  const config = (port: number): string => edgeConfig({ origins: [port], edge: 'first_frame_timeout 60000;' });
  const edge = await startEdge(t, config(before.port));
  const peer = await player(t, edge);
  const asked = await before.request('play');
  await edge.logged(({ msg }) => msg === 'pull connected');
  await reload(edge, config(after.port));
  asked.send(...clip({ seed: 1 }));
  await after.request('play');
  await before.until('the end of the pull', () => asked.closed || undefined);
  assert.equal(peer.closed, false);
});

test('an origin that asks to go elsewhere before it delivers is left when it does', testOptions, async (t) => {
  const viewers: OriginConnection[] = [];
  // All that it sends can be decoded at once.
  const live = new Broadcast(viewers, { framesPerGop: 1 });
  t.after(() => live.stop());
  const leaving = await startOrigin(t, {
    play: (_, connection) => {
      connection.send(reconnectRequest({ description: 'stops' }), videoHeader(live.timeMs), audioHeader(live.timeMs));
      viewers.push(connection);
    },
  });
  const other = await startOrigin(t, gives(2));
  const edge = await startEdge(t, edgeConfig({ origins: [leaving.port, other.port] }));
  const peer = await player(t, edge);
  await other.request('play');
  await leaving.until('the end of the pull', () => leaving.connections[0]?.closed || undefined);
  assert.equal(peer.closed, false);
});

test(
  'the last origin that delivers is lost when all others are down: players are held for hold_timeout',
  testOptions,
  async (t) => {
    const [old, down] = [await startOrigin(t, gives(1)), await startOrigin(t)];
    await down.die();
    const config = (port: number): string => edgeConfig({ origins: [port], edge: 'hold_timeout 300;' });
    const edge = await startEdge(t, config(old.port));
    const peer = await player(t, edge);
    await peer.frames(5);
    await reload(edge, config(down.port));
    await edge.logged(({ msg, state }) => msg === 'origin state' && state === 'down');
    await old.die();
    await peer.untilClosed();
  },
);

test('who waits for an origin’s word when nobody plays the stream any more gets it', testOptions, async (t) => {
  const viewers: OriginConnection[] = [];
  const given: OriginConnection[] = [];
  const live = new Broadcast(viewers);
  t.after(() => live.stop());
  const origin = await startOrigin(t, {
    play: (name, connection) => {
      // The first message is the answer.
      if (name.includes('second')) return given.push(connection);
      connection.send(videoHeader(live.timeMs), audioHeader(live.timeMs));
      return viewers.push(connection);
    },
  });
  const cluster = 'token_traverse on;';
  const edge = await startEdge(t, edgeConfig({ origins: [origin.port], cluster, edge: 'stall_timeout 60000;' }));
  const first = await RtmpPeer.player({ port: edge.port() }, `${stream}?first`);
  await first.frames(5);
  first.end();
  await edge.logged(({ msg }) => msg === 'client gone');
  const second = await RtmpPeer.connect({ port: edge.port() });
  t.after(() => second.reset());
  second.play(`${stream}?second`);
  const asked = await origin.until('the question', () => given[0]);
  // Longer than `linger`: in vain if the stream has ended by then.
  await delay(400);
  viewers.push(asked);
  await second.status('NetStream.Play.Start');
  await second.frames(5);
});

test(
  'an origin that asks to go elsewhere while it stands by for a publisher is not gone to',
  testOptions,
  async (t) => {
    const [live, standby, last] = [await startOrigin(t), await startOrigin(t), await startOrigin(t)];
    const origins = [live.port, standby.port, last.port];
    const edge = await startEdge(t, edgeConfig({ origins }));
    const source = await publisher(t, edge);
    source.send(...clip({ gops: 1 }));
    const request = await live.request('publish');
    request.send(reconnectRequest({ description: 'stops' }));
    const next = await standby.request('publish');
    await edge.logged(({ msg, origin }) => msg === 'push connected' && origin === `127.0.0.1:${standby.port}`);
    next.send(reconnectRequest({ description: 'stops, too' }));
    const third = await last.request('publish');
    await edge.logged(({ msg, origin }) => msg === 'push connected' && origin === `127.0.0.1:${last.port}`);
    source.send(...clip({ startMs: 9_000, seed: 2 }));
    await last.until('what is published', () => third.media.length > 3 || undefined);
    assert.equal(next.media.length, 0);
  },
);

test('a publisher that has gone while its callback was asked throws nobody out', testOptions, async (t) => {
  const hooks = await HookServer.start(t);
  const edge = await startEdge(t, originConfig({ vhost: `${hooks.block} publish { override on; }` }));
  hooks.held = 'on_publish';
  const gone = await RtmpPeer.connect({ port: edge.port() });
  gone.publish(stream);
  await hooks.until('on_publish');
  gone.reset();
  await edge.logged(({ msg }) => msg === 'client gone');
  hooks.held = undefined;
  const source = await publisher(t, edge);
  hooks.release();
  await hooks.until('on_unpublish');
  source.send(...clip());
  await (await player(t, edge)).frames(5);
  assert.equal(source.closed, false);
});

test('who waits for a stream that nobody has gets it when it is published at the same edge', testOptions, async (t) => {
  const viewers: OriginConnection[] = [];
  let live: Broadcast | undefined;
  t.after(() => live?.stop());
  const origin = await startOrigin(t, {
    play: (_, connection) => viewers.push(connection),
    publish: (_, connection) => {
      connection.publishes();
      live = new Broadcast(viewers);
    },
  });
  const edge = 'absent_ttl 60000; retry_min 60000; retry_max 60000; stall_timeout 60000;';
  const process = await startEdge(t, edgeConfig({ origins: [origin.port, (await startOrigin(t)).port], edge }));
  const waiting = await player(t, process);
  const asked = await origin.request('play');
  await origin.until('the end of the question', () => asked.closed || undefined);
  await publisher(t, process);
  await waiting.frames(5);
});

test(
  'the silence of an origin that was asked before a stream was published does not make it absent',
  testOptions,
  async (t) => {
    const origin = await startOrigin(t);
    const root = 'http_server { enabled on; listen 127.0.0.1:0; }';
    const tuning = 'absent_ttl 60000; first_frame_timeout 3000; stall_timeout 60000;';
    const config = edgeConfig({ origins: [origin.port], root, vhost: 'http_remux { enabled on; }', edge: tuning });
    const edge = await startEdge(t, config);
    /** Who plays by HTTP what is taken to be absent is told so at once; others wait. */
    const isAbsent = async (name: string): Promise<boolean> => {
      const leaving = new AbortController();
      const since = edge.log.length;
      const waits = edge
        .logged(({ msg, protocol }) => msg === 'play' && protocol === 'http-flv', since)
        .then(() => false);
      const url = `http://127.0.0.1:${edge.port('http')}/live/${name}.flv`;
      const told = fetch(url, { signal: leaving.signal }).then(({ status }) => status === 404);
      told.catch(() => {});
      waits.catch(() => {});
      const absent = await Promise.race([told, waits]);
      leaving.abort();
      return absent;
    };
    await player(t, edge);
    await origin.request('play');
    await publisher(t, edge);
    // Asked later: when this one is absent, the first frame of the other has been awaited in vain, too.
    await player(t, edge, 'unpublished');
    while (!(await isAbsent('unpublished'))) await delay(100);
    assert.equal(await isAbsent(stream), false);
  },
);

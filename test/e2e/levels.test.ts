/**
 * Levels of edges: an origin, two edges that pull from it, two below these, four below those, a process each. Edges
 * choose the one above by the stream's name. Gaps that players saw are told as diagnostics of the test.
 */

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { OriginAddress } from '../../edge/conf/model.ts';
import { homeOf } from '../../edge/upstream/origins/balance.ts';
import { Broadcast } from '../support/rtmp-broadcast.ts';
import { edgeConfig } from '../support/rtmp-config.ts';
import type { OriginConnection, OriginScript, RtmpOrigin } from '../support/rtmp-origin.ts';
import { assertTagForTag, type RtmpPeer } from '../support/rtmp-peer.ts';
import { player, reload, startEdge, startOrigin } from '../support/rtmp-scene.ts';

const streams = Array.from({ length: 20 }, (_, i) => `stream-${i}`);
/** Pictures of a stream, as cheap as they can be: nine processes share the machine with other tests. */
const pace = { stepMs: 100, framesPerGop: 100 };

test('20 streams reach the origin over one connection each; an edge in the middle dies, and nobody is cut', {
  timeout: 110_000,
}, async (t) => {
  const { script, live } = broadcasts(t);
  const origin = await startOrigin(t, script);
  const top = await level(t, 2, [origin.port]);
  const middle = await level(t, 2, portsOf(top));
  const bottom = await level(t, 4, portsOf(middle));
  const players = await Promise.all(
    bottom.flatMap((edge) => streams.map(async (name) => ({ name, peer: await player(t, edge, name) }))),
  );
  await Promise.all(players.map(({ peer }) => peer.frames(40)));
  const counts = (): number[] => streams.map((name) => openAt(origin, name).length);
  assert.deepEqual(
    counts(),
    streams.map(() => 1),
  );
  assert.equal(origin.asked('play').length, streams.length, 'nor was one asked for twice before');

  const [killed] = middle;
  await killed?.kill();
  const killedMs = performance.now();
  await Promise.all(
    players.map(({ name, peer }) => {
      const atMs = live.get(name)?.timeMs ?? 0;
      return peer.next(({ timestamp }) => timestamp > atMs + 1500);
    }),
  );
  assert.deepEqual(
    counts(),
    streams.map(() => 1),
  );
  for (const [name, broadcast] of live) {
    broadcast.stop();
    for (const { peer } of players.filter((one) => one.name === name)) {
      assert.ok(!peer.closed);
      assertTagForTag(peer, broadcast);
    }
  }
  const gaps = players.map(({ peer }) => longestGapMs(peer, killedMs)).toSorted((a, b) => a - b);
  const at = (share: number): number => Math.round(gaps[Math.floor(share * (gaps.length - 1))] ?? 0);
  t.diagnostic(`longest gap of ${gaps.length} players, ms: median ${at(0.5)}, 95 % ${at(0.95)}, most ${at(1)}`);
});

test('an edge above that comes takes its share of the streams, and no other; when it goes they go back', {
  timeout: 110_000,
}, async (t) => {
  const { script, live } = broadcasts(t);
  const above = await Promise.all([1, 2, 3].map(() => startOrigin(t, script)));
  const config = (origins: readonly RtmpOrigin[]) =>
    edgeConfig({
      origins: origins.map(({ port }) => port),
      edge: `balance hash; locate_parallel 1; ${patience}`,
      play: 'time_jitter off;',
    });
  const edge = await startEdge(t, config(above.slice(0, 2)));
  const players = new Map(await Promise.all(streams.map(async (name) => [name, await player(t, edge, name)] as const)));
  await Promise.all([...players.values()].map((peer) => peer.frames(20)));
  const addresses = above.map(({ port }): OriginAddress => ({ scheme: 'rtmp', host: '127.0.0.1', port }));
  const belongs = (name: string, list: readonly OriginAddress[]) => homeOf(list, keyOf(name), () => 'up')?.port;
  const isAt = (name: string, list: readonly OriginAddress[]) =>
    above.every((origin) => openAt(origin, name).length === (origin.port === belongs(name, list) ? 1 : 0));
  assert.ok(streams.every((name) => isAt(name, addresses.slice(0, 2))));

  for (const [list, origins] of [
    [addresses, above],
    [addresses.slice(0, 2), above.slice(0, 2)],
  ] as const) {
    const asked = above.map((origin) => origin.asked('play').length);
    const moving = streams.filter((name) => !isAt(name, list));
    assert.ok(moving.length > 0 && moving.length < streams.length / 2 + 3, `${moving.length} are to move`);
    const since = edge.log.length;
    await reload(edge, config(origins));
    for (const name of moving) {
      const key = keyOf(name);
      await edge.logged(({ msg, stream }) => msg === 'pull switched' && stream === key, since);
    }
    for (const [i, origin] of above.entries()) {
      const own = (name: string) => belongs(name, list) === origin.port;
      await origin.until(`the streams of origin ${i + 1}`, () => {
        const isDone = streams.every((name) => openAt(origin, name).length === (own(name) ? 1 : 0));
        return isDone || undefined;
      });
    }
    const more = above.map((origin, i) => origin.asked('play').length - (asked[i] ?? 0));
    assert.equal(
      more.reduce((a, b) => a + b),
      moving.length,
      'each has moved once, and no other was asked for',
    );
  }
  await Promise.all(
    [...players].map(([name, peer]) => {
      const atMs = live.get(name)?.timeMs ?? 0;
      return peer.next(({ timestamp }) => timestamp > atMs + 300);
    }),
  );
  for (const [name, peer] of players) {
    live.get(name)?.stop();
    assert.ok(!peer.closed);
    assertTagForTag(peer, live.get(name) ?? { sent: [] });
  }
});

/** Streams that are live, and what an origin does that has them: who plays one gets its newest pictures first. */
function broadcasts(t: TestContext) {
  const watching = new Map<string, OriginConnection[]>(streams.map((name) => [name, []]));
  const live = new Map([...watching].map(([name, peers], seed) => [name, new Broadcast(peers, { ...pace, seed })]));
  t.after(() => [...live.values()].map((broadcast) => broadcast.stop()));
  const script: OriginScript = {
    play: (name, connection) => {
      const sent = live.get(name)?.sent ?? [];
      const newest = sent.findLastIndex(({ type, payload }) => type === 9 && payload[0] === 0x17 && payload[1] === 1);
      connection.send(...sent.slice(0, 3), ...sent.slice(newest));
      watching.get(name)?.push(connection);
    },
  };
  return { script, live };
}

/** Time-outs are long: on a busy machine a slow edge must not pass for one that has no stream. */
const patience = 'connect_timeout 9000; request_timeout 9000; first_frame_timeout 9000; stall_timeout 9000;';

function level(t: TestContext, count: number, origins: readonly number[]) {
  const edge =
    'balance hash; locate_parallel 1; connect_timeout 9000; request_timeout 9000; first_frame_timeout 9000; stall_timeout 9000;';
  const play = 'time_jitter off; mw_latency 100; mw_msgs 0;';
  const config = edgeConfig({ origins, edge, play, vhost: 'min_latency off;' });
  return Promise.all(Array.from({ length: count }, () => startEdge(t, config)));
}

function portsOf(edges: readonly { port(): number }[]): number[] {
  return edges.map((edge) => edge.port());
}

function openAt(origin: RtmpOrigin, name: string): OriginConnection[] {
  return origin.asked('play').filter((connection) => connection.stream === name && !connection.closed);
}

function longestGapMs({ media }: RtmpPeer, fromMs: number): number {
  const times = media.map(({ atMs }) => atMs).filter((atMs) => atMs >= fromMs - 100);
  return Math.max(0, ...times.slice(1).map((atMs, i) => atMs - (times[i] ?? atMs)));
}

function keyOf(name: string): string {
  return `__defaultVhost__/live/${name}`;
}

/**
 * Reloads, origins, players and publishers that come and go in any order, also before the last thing is done: when all is
 * quiet again, everybody has the newest stream, and when everybody has left, nothing is left of them.
 *
 *     SEEDS=5,17 node --test test/e2e/any-order.test.ts        other orders
 */

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { configHash } from '../../edge/conf/load.ts';
import { MessageType, type RtmpMessage } from '../../edge/rtmp/message.ts';
import type { EdgeProcess } from '../support/edge-process.ts';
import { HookServer } from '../support/hook-server.ts';
import { audioHeader, videoHeader } from '../support/media.ts';
import { Broadcast } from '../support/rtmp-broadcast.ts';
import { edgeConfig } from '../support/rtmp-config.ts';
import type { OriginConnection, RtmpOrigin } from '../support/rtmp-origin.ts';
import { RtmpPeer } from '../support/rtmp-peer.ts';
import { startEdge, startOrigin, testOptions } from '../support/rtmp-scene.ts';

const seeds = (process.env.SEEDS ?? '2,3,4,7,14').split(',').map(Number);
const steps = 40;
const streams = ['a', 'b'] as const;

/** Mulberry32: the same numbers for the same seed. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

/** Of a frame of sound, as a broadcast counts it: times may be others after a splice. -1 for all else. */
function numberOf(message: RtmpMessage | undefined): number {
  const isSound = message?.type === MessageType.audio && message.payload[1] === 1;
  return isSound ? message.payload.readUInt32BE(2) : -1;
}

/** Three origins that have all streams of one encoder, and an edge in front of some of them. */
class World {
  readonly origins: RtmpOrigin[] = [];
  readonly viewers: OriginConnection[] = [];
  readonly live = new Broadcast(this.viewers);
  readonly players: RtmpPeer[] = [];
  readonly publishers = new Map<string, RtmpPeer>();
  readonly pushed: RtmpPeer[] = [];
  readonly pushes = new Broadcast(this.pushed);
  hooks!: HookServer;
  edge!: EdgeProcess;
  listed = [0, 1, 2];
  change = 0;
  /** What the file says now. */
  text = '';

  config(): string {
    const origins = this.listed.map((index) => this.origins[index]?.port ?? 0);
    return edgeConfig({
      origins,
      root: 'exporter { enabled on; listen 127.0.0.1:0; } http_api { enabled on; listen 127.0.0.1:0; }',
      vhost: `${this.hooks.block} chunk_size ${1_000 + this.change++};`,
      edge: 'linger 60; hold_timeout 60000; publish_timeout 1000;',
    });
  }

  /** @param times the last one before the first is in force */
  async reload(times = 1): Promise<void> {
    const since = this.edge.log.length;
    for (let time = 0; time < times; time++) {
      this.text = this.config();
      this.edge.configure(this.text);
      this.edge.signal('SIGHUP');
    }
    await this.edge.logged(({ msg }) => msg === 'configuration changed', since);
  }

  /** Tells which file is in force. */
  async hash(): Promise<string> {
    const url = `http://127.0.0.1:${this.edge.port('http-api')}/api/v1/config`;
    // A connection that is kept would count.
    const answer = await fetch(url, { headers: { connection: 'close' } });
    return ((await answer.json()) as { readonly in_force: { readonly hash: string } }).in_force.hash;
  }

  async gauges(): Promise<Map<string, number>> {
    const text = await (await fetch(`http://127.0.0.1:${this.edge.port('exporter')}/metrics`)).text();
    const kinds = new Set([...text.matchAll(/^# TYPE (\S+) gauge$/gm)].map(([, name]) => name));
    const values = new Map<string, number>();
    for (const [, name = '', labels = '', value] of text.matchAll(/^([a-z_]+)(\{[^}]*\})? (\S+)$/gm))
      if (kinds.has(name)) values.set(name + labels, Number(value));
    return values;
  }
}

async function start(t: TestContext): Promise<World> {
  const world = new World();
  t.after(() => {
    world.live.stop();
    world.pushes.stop();
    for (const peer of [...world.players, ...world.pushed]) peer.reset();
  });
  world.hooks = await HookServer.start(t);
  for (let index = 0; index < 3; index++) {
    const play = (_: string, connection: OriginConnection): void => {
      const timestamp = world.live.timeMs;
      connection.send(videoHeader(timestamp), audioHeader(timestamp));
      world.viewers.push(connection);
    };
    world.origins.push(await startOrigin(t, { play }));
  }
  world.edge = await startEdge(t, world.config());
  return world;
}

/** What belongs to the machine, to the past, or to the origins. */
const restless =
  /^(srs_cpu|srs_memory|process_|edge_descriptors$|edge_origin_state|edge_slice_pool|nodejs_|edge_event_loop)/;

for (const seed of seeds) {
  test(`order ${seed}`, testOptions, async (t) => {
    const world = await start(t);
    const { origins, players, publishers, edge, hooks } = world;
    const rest = await world.gauges();
    const below = numbers(seed);
    const doing: Promise<unknown>[] = [];
    const story: string[] = [];
    const down = new Set<number>();
    const everyPublisher: RtmpPeer[] = [];
    const open = (): Promise<RtmpPeer> => RtmpPeer.connect({ port: edge.port() });
    const acts: Record<string, () => Promise<unknown> | undefined> = {
      join: async () => {
        const name = streams[below(2)] ?? 'a';
        const peer = await open();
        players.push(peer);
        peer.play(name);
      },
      leave: async () => {
        const [peer] = players.splice(below(Math.max(players.length, 1)), 1);
        if (below(2) === 0) peer?.end();
        else peer?.reset();
      },
      publish: async () => {
        const name = `p${below(2)}`;
        const former = publishers.get(name);
        if (below(2) === 0) former?.end();
        else former?.reset();
        const peer = await open();
        publishers.set(name, peer);
        everyPublisher.push(peer);
        peer.publish(name);
        await peer.status('NetStream.Publish.Start').then(
          () => {
            peer.send(videoHeader(world.pushes.timeMs), audioHeader(world.pushes.timeMs));
            world.pushed.push(peer);
          },
          () => publishers.get(name) === peer && publishers.delete(name),
        );
      },
      list: async () => {
        world.listed = [[0], [1], [2], [0, 1], [1, 2], [2, 0], [0, 1, 2]][below(7)] ?? [0];
        await world.reload(1 + below(2));
      },
      die: async () => {
        const index = below(3);
        if (down.size > 1 || down.has(index)) return;
        down.add(index);
        await origins[index]?.die();
      },
      rise: async () => {
        const [index] = down;
        if (index === undefined) return;
        down.delete(index);
        await origins[index]?.listen();
      },
      hold: async () => {
        hooks.held = below(2) === 0 ? 'on_play' : 'on_publish';
        await delay(below(80));
        hooks.held = undefined;
        hooks.release();
      },
    };
    const names = Object.keys(acts);
    let listing: Promise<unknown> = Promise.resolve();
    for (let step = 0; step < steps; step++) {
      const name = names[below(names.length)] ?? 'join';
      story.push(name);
      // Origins die and rise, and configurations are written, one after the other; all else at the same time.
      if (name === 'die' || name === 'rise') await acts[name]?.();
      else if (name === 'list') listing = listing.then(acts[name]);
      else doing.push(Promise.resolve(acts[name]?.()).catch(() => {}));
      await delay(below(60));
    }
    await Promise.all([...doing, listing]);
    hooks.release();
    world.listed = [below(3)];
    while (down.size > 0) await acts.rise?.();
    await world.reload();
    const [only] = world.listed.map((index) => origins[index]);
    assert.ok(only);
    try {
      while ((await world.hash()) !== configHash(world.text)) await delay(20);
      // Acts may fail on the way. Now they may not, and the check is one of somebody.
      if (players.length === 0) await acts.join?.();
      if (publishers.size === 0) await acts.publish?.();
      assert.ok(players.length > 0 && publishers.size > 0, 'somebody plays, and somebody publishes');
      // Everybody has the newest stream, from the origin that is listed.
      for (const peer of players) {
        const newest = numberOf(world.live.sent.at(-1));
        await peer.next((message) => numberOf(message) > newest);
      }
      for (const [index, origin] of origins.entries()) {
        if (origin === only) continue;
        await origin.until(
          `the end of all at ${index}`,
          () => origin.connections.every(({ closed }) => closed) || undefined,
        );
      }
      for (const name of publishers.keys()) {
        const newest = numberOf(world.pushes.sent.at(-1));
        await only.until(
          `what ${name} sends`,
          () =>
            only
              .asked('publish')
              .some((each) => !each.closed && each.stream === name && numberOf(each.media.at(-1)) > newest) ||
            undefined,
        );
      }
      for (const peer of [...players, ...everyPublisher]) peer.end();
      await only.until('the end of all', () => only.connections.every(({ closed }) => closed) || undefined);
      for (let tries = 0; ; tries++) {
        const now = await world.gauges();
        const off = [...now].filter(([name, value]) => !restless.test(name) && value !== (rest.get(name) ?? 0));
        if (off.length === 0) break;
        if (tries > 100) assert.deepEqual(off, []);
        await delay(50);
      }
    } catch (error) {
      t.diagnostic(story.join(' '));
      t.diagnostic(
        edge.log
          .slice(-60)
          .map(({ msg, stream, origin, reason }) => [msg, stream, origin, reason].join(' '))
          .join('\n'),
      );
      throw error;
    }
  });
}

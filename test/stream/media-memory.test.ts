/** What media may take of the process's memory: counted once, bounded, and given up in an order. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { type MediaKeeper, MediaMemory, type SlowPlayer } from '../../edge/budget/media-memory.ts';
import { defaultVhost } from '../../edge/conf/defaults.ts';
import type { RtmpMessage } from '../../edge/rtmp/message.ts';
import { LiveStream } from '../../edge/stream/live-stream.ts';
import { Player } from '../../edge/stream/player.ts';
import { rtmpFormat } from '../../edge/stream/rtmp-format.ts';
import { noReports } from '../../edge/stream/stream-reports.ts';
import { audioFrame, audioHeader, interFrame, keyframe, videoHeader } from '../support/media.ts';
import { decodeRtmp, RecordingSink } from '../support/playback.ts';

const vhost = defaultVhost({ minLatency: true });
const MB = 1_000_000;
const testOptions = { timeout: 90_000 };

function world(maxBytes = Number.POSITIVE_INFINITY, settings = vhost) {
  const limits = { maxBytes };
  const memory = new MediaMemory(() => limits.maxBytes);
  const stream = (name = 's') => {
    const live = new LiveStream({ vhost: 'v', app: 'a', stream: name }, settings, noReports, memory);
    const feed = live.openFeed();
    const bring = (...messages: RtmpMessage[]): void => {
      for (const message of messages) {
        feed.push(message, message.timestamp);
        feed.flush(Number.POSITIVE_INFINITY);
      }
    };
    const join = (queueMaxBytes = 16 * MB) => {
      const sink = new RecordingSink();
      const limits = () => ({ queueLengthMs: 30_000, queueMaxBytes });
      const player = new Player({ format: rtmpFormat(60_000, true), sink, limits, memory });
      live.attach(player);
      return { sink, player };
    };
    return { live, bring, join };
  };
  return { memory, stream, limits };
}

test('what a thousand slow players wait for counts once', () => {
  const { memory, stream } = world();
  const { bring, join, live } = stream();
  bring(videoHeader(0), keyframe(0));
  const players = Array.from({ length: 1_000 }, () => join());
  for (const { sink } of players) sink.credit = 1;
  for (let index = 1; index <= 10; index++) bring(interFrame(index * 40, index, 100_000));
  const waiting = memory.bytesOf('backlog');
  assert.ok(waiting > MB && waiting < 2.2 * MB, `${waiting} bytes`);
  for (const { player } of players) live.detach(player);
  assert.equal(memory.bytesOf('backlog'), 0);
});

test('what a player was given counts until it has taken it, with the form in which it was sent', () => {
  const { memory, stream } = world(
    Number.POSITIVE_INFINITY,
    defaultVhost({ minLatency: true, play: { gopCache: false } }),
  );
  const { bring, join } = stream();
  const { sink, player } = join();
  bring(videoHeader(0), keyframe(0));
  sink.credit = 1;
  bring(interFrame(40, 1, 100_000));
  const given = memory.bytesOf('backlog');
  assert.ok(given >= 200_000 && given < 300_000, `${given} bytes`);
  sink.credit = 1_000;
  player.drained();
  assert.equal(memory.bytesOf('backlog'), 0);
});

test('a player that reads nothing of a stream whose time stands still holds no more than its queue', () => {
  for (const first of [[], [audioHeader(0)]] as RtmpMessage[][]) {
    const { memory, stream } = world();
    const { bring, join } = stream();
    bring(videoHeader(0), keyframe(0));
    const { sink, player } = join(5 * MB);
    sink.credit = 1;
    bring(interFrame(0));
    for (const message of first) bring({ ...message, payload: Buffer.concat([message.payload, Buffer.from([1])]) });
    for (let index = 0; index < 200; index++) {
      bring(interFrame(0, index, 100_000), audioFrame(0, index));
      // The queue's limit is of media; the room that they lie in is up to a third more, and is what counts as memory.
      assert.ok(memory.bytesOf('backlog') < (4 / 3) * 5.5 * MB, `${memory.bytesOf('backlog')} bytes`);
    }
    assert.ok(player.droppedGops > 0);
  }
});

test('GOP caches have one limit for all; those that nobody plays are emptied first, the greatest first', () => {
  const { memory, stream } = world(10 * MB);
  const sizes = [100_000, 300_000, 200_000];
  const streams = sizes.map((size, index) => ({ size, ...stream(`s${index}`) }));
  const played = stream('played');
  const { player } = played.join();
  played.bring(videoHeader(0), keyframe(0));
  for (const { bring } of streams) bring(videoHeader(0), keyframe(0));
  let index = 0;
  const holds = ({
    join,
    live,
  }: {
    join: () => { sink: RecordingSink; player: Player };
    live: LiveStream;
  }): boolean => {
    const joined = join();
    live.detach(joined.player);
    return joined.sink.writes.length > 0;
  };
  while (memory.givenUp.gopCaches === 0) {
    index++;
    for (const { bring, size } of streams) bring(interFrame(index * 40, index, size));
    played.bring(interFrame(index * 40, index, 400_000));
    assert.ok(memory.total <= 10 * MB);
  }
  assert.deepEqual(streams.map(holds), [true, false, true]);
  assert.ok(holds(played), 'although it is the greatest');
  assert.equal(player.droppedGops, 0);

  for (let more = 0; more < 100; more++) {
    played.bring(interFrame((index + more) * 40, 1_000 + more, 100_000));
    assert.ok(memory.total <= 10 * MB);
  }
  assert.deepEqual(streams.map(holds), [false, false, false]);
});

test('what is kept of a stream of sound alone is given up, too', () => {
  const { memory, stream, limits } = world(10 * MB);
  const { bring } = stream();
  bring(audioHeader(0));
  for (let index = 0; index < 20; index++) bring(audioFrame(index * 20, index, 100_000));
  assert.ok(memory.bytesOf('gop_cache') > MB);
  limits.maxBytes = MB / 2;
  memory.settle();
  assert.ok(memory.total <= MB / 2, `${memory.total} bytes`);
});

test('a lower limit is obeyed at once', () => {
  const { memory, stream, limits } = world(10 * MB);
  const { bring } = stream();
  bring(videoHeader(0), keyframe(0, 1, 4 * MB));
  assert.ok(memory.total > 4 * MB);
  limits.maxBytes = 2 * MB;
  memory.settle();
  assert.ok(memory.total < 2 * MB);
});

test('the order in which holders give up', () => {
  let held = 100;
  const order: string[] = [];
  const memory = new MediaMemory(() => 90);
  memory.change('gop_cache', held);
  const give = (what: string): void => {
    order.push(what);
  };
  const slow = (name: string, stalled: boolean): SlowPlayer => ({
    stalled,
    giveUpBacklog: () => {
      give(`backlog ${name}`);
      return true;
    },
    disconnect: () => give(`disconnect ${name}`),
  });
  const keeper = (name: string, keptBytes: number, isPlayed: boolean): MediaKeeper => ({
    keptBytes,
    isPlayed,
    giveUp: () => give(name),
  });
  for (const player of [slow('a', true), slow('b', false), slow('c', true)]) memory.slowPlayers.add(player);
  for (const cache of [keeper('played', 9, true), keeper('small', 1, false), keeper('large', 2, false)]) {
    memory.gopCaches.add(cache);
  }
  memory.gopCaches.add(keeper('empty', 0, false));
  memory.pushes.add(keeper('push', 5, true));
  memory.settle();
  assert.deepEqual(order, ['backlog a', 'backlog b', 'backlog c', 'large', 'small', 'disconnect a', 'played', 'push']);
  assert.deepEqual(memory.givenUp, { backlogs: 3, gopCaches: 3, players: 1, pushes: 1 });

  held -= 50;
  memory.change('gop_cache', -50);
  order.length = 0;
  memory.settle();
  assert.deepEqual(order, [], 'within the limit nobody gives up');
});

test('players that keep up are not touched while others fill the memory', () => {
  const { memory, stream } = world(8 * MB);
  const { bring, join } = stream();
  bring(videoHeader(0), keyframe(0));
  const honest = join();
  const slow = Array.from({ length: 20 }, () => join());
  for (let index = 1; index <= 200; index++) {
    const lazy = slow[index % 20]!;
    if (index <= 20) lazy.sink.credit = 1;
    bring(interFrame(index * 40, index, 100_000));
    assert.ok(memory.total < 8.3 * MB, `${memory.total} bytes`);
  }
  assert.equal(honest.sink.writes.length, 201);
  assert.equal(honest.player.droppedGops, 0);
  assert.ok(memory.givenUp.backlogs > 0);
});

test('a queue that is given up: the player goes on with sound in step, and with video at the next key frame', () => {
  const { memory, stream, limits } = world();
  const { bring, join } = stream();
  const fast = join();
  const { sink, player } = join();
  bring(videoHeader(0), audioHeader(0), keyframe(0), audioFrame(3));
  sink.credit = 1;
  for (let ms = 40; ms < 400; ms += 40) bring(interFrame(ms, ms, 100_000), audioFrame(ms + 3));
  const waiting = memory.bytesOf('backlog');
  limits.maxBytes = memory.total - 1;
  memory.settle();
  assert.deepEqual([player.droppedGops, fast.player.droppedGops, memory.givenUp.backlogs], [1, 0, 1]);
  assert.ok(waiting - memory.bytesOf('backlog') >= 8 * 100_000, 'all but what it was given');
  limits.maxBytes = Number.POSITIVE_INFINITY;
  sink.credit = Number.POSITIVE_INFINITY;
  player.drained();
  bring(interFrame(400), audioFrame(403), interFrame(440), keyframe(480), interFrame(520));
  assert.deepEqual(
    decodeRtmp(sink.writes, 60_000).map(({ type, timestamp }) => [type, timestamp]),
    [
      [9, 0],
      [8, 0],
      [9, 0],
      [8, 3],
      [9, 40],
      [8, 403],
      [9, 480],
      [9, 520],
    ],
  );
});

test(
  'who has taken nothing for two seconds is disconnected when memory is short, and nobody else',
  testOptions,
  async () => {
    const { memory, stream, limits } = world(
      Number.POSITIVE_INFINITY,
      defaultVhost({ minLatency: true, play: { gopCache: false } }),
    );
    const { bring, join } = stream();
    const [stalled, slow, late, fast] = [join(), join(), join(), join()];
    bring(videoHeader(0), keyframe(0));
    for (const { sink } of [stalled, slow]) sink.credit = 1;
    bring(interFrame(40, 1, 100_000));
    limits.maxBytes = 1;
    memory.settle();
    assert.deepEqual(
      memory.givenUp,
      { backlogs: 0, gopCaches: 0, players: 0, pushes: 0 },
      'nothing waits, nobody is stalled',
    );
    limits.maxBytes = Number.POSITIVE_INFINITY;
    while (!stalled.player.stalled) await delay(20);
    slow.sink.credit = 1;
    slow.player.drained();
    late.sink.credit = 1;
    bring(interFrame(80, 2, 200_000));
    limits.maxBytes = 1;
    memory.settle();
    assert.equal(memory.givenUp.players, 1);
    assert.deepEqual(
      [stalled, slow, late, fast].map(({ sink }) => sink.ends.length),
      [1, 0, 0, 0],
    );
    assert.deepEqual([...memory.slowPlayers], [slow.player, late.player]);
    assert.ok(!fast.player.stalled);
    const held = memory.bytesOf('backlog');
    assert.ok(held >= 200_000 && held < 600_000, `${held} bytes: what was given to it alone is not counted any more`);
  },
);

test('what players rejoin with counts while they wait for it', () => {
  const { memory, stream } = world(
    Number.POSITIVE_INFINITY,
    defaultVhost({ minLatency: true, play: { gopCache: false } }),
  );
  const { bring, join } = stream();
  bring(videoHeader(0), keyframe(0));
  const { sink, player } = join();
  bring(keyframe(40));
  player.pause();
  bring(interFrame(80));
  player.resume([]);
  sink.credit = 1;
  bring(keyframe(120, 120, 100_000));
  const held = memory.bytesOf('backlog');
  assert.ok(held >= 200_000 && held < 300_000, `${held} bytes: as it came, and as it is sent`);
});

/** Where time begins for HTTP-FLV players, and that it costs no more than it says. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultVhost } from '../../edge/conf/defaults.ts';
import { type FlvEpoch, FlvEpochs } from '../../edge/stream/flv-epochs.ts';
import { LiveStream } from '../../edge/stream/live-stream.ts';
import { Player } from '../../edge/stream/player.ts';
import { audioFrame, audioHeader, interFrame, keyframe, videoHeader } from '../support/media.ts';
import { decodeFlv, RecordingSink } from '../support/playback.ts';
import fc from '../support/property.ts';

const both = { audio: true, video: true };
const dayMs = 24 * 60 * 60 * 1000;

test('players who begin with the same frame share an epoch, and its format', () => {
  const epochs = new FlvEpochs();
  const [one, two, other] = [epochs.join(5_000), epochs.join(5_000), epochs.join(7_000)];
  assert.equal(one, two);
  assert.equal(one.format('chunked', both), two.format('chunked', { ...both }));
  assert.notEqual(one.format('chunked', both), one.format('bare', both));
  assert.notEqual(one, other);
  assert.deepEqual([one.baseMs, other.baseMs, epochs.size], [5_000, 7_000, 2]);
  epochs.leave(one);
  epochs.leave(two);
  assert.equal(epochs.size, 1);
});

test('when all epochs are taken, a player joins the newest; when one is free again, the next player begins its own', () => {
  const epochs = new FlvEpochs();
  const taken = Array.from({ length: 8 }, (_, index) => epochs.join(index * 2_000));
  assert.equal(epochs.join(100_000).baseMs, 14_000);
  epochs.leave(taken[3] as FlvEpoch);
  assert.equal(epochs.join(102_000).baseMs, 102_000);
});

test('nobody begins days after zero', () => {
  const epochs = new FlvEpochs();
  for (let index = 0; index < 8; index++) epochs.join(index);
  assert.equal(epochs.join(dayMs - 1).baseMs, 7);
  for (let day = 1; day < 60; day++) {
    assert.equal(epochs.join(day * dayMs + 7).baseMs, day * dayMs + 7);
    assert.ok(epochs.size <= 8 + day);
  }
});

test('however players come and go, time begins at 0 or later, within a day, and epochs are few', () => {
  const event = fc.record({ onMs: fc.nat(dayMs / 4), leaves: fc.boolean(), which: fc.nat(1_000) });
  fc.assert(
    fc.property(fc.array(event, { maxLength: 300, size: 'max' }), (events) => {
      const epochs = new FlvEpochs();
      const players: FlvEpoch[] = [];
      let nowMs = 0;
      for (const { onMs, leaves, which } of events) {
        nowMs += onMs;
        if (leaves && players.length > 0) epochs.leave(players.splice(which % players.length, 1)[0] as FlvEpoch);
        else {
          const epoch = epochs.join(nowMs);
          players.push(epoch);
          assert.ok(epoch.baseMs <= nowMs && nowMs - epoch.baseMs < dayMs);
        }
        assert.equal(epochs.size, new Set(players).size);
        const young = [...new Set(players)].filter(({ baseMs }) => nowMs - baseMs < dayMs);
        assert.ok(young.length <= 8);
      }
    }),
  );
});

test('each player begins at 0, on a stream beyond 2^31 too, and all of an epoch are handed the same bytes', () => {
  const stream = new LiveStream({ vhost: 'v', app: 'a', stream: 's' }, defaultVhost({ minLatency: true }));
  const feed = stream.openFeed();
  const join = () => {
    const sink = new RecordingSink();
    const limits = () => ({ queueLengthMs: 30_000, queueMaxBytes: 16_000_000 });
    const format = (zeroMs: number) => stream.flvEpochs.join(zeroMs).format('bare', both);
    stream.attach(new Player({ format, sink, limits }));
    return sink;
  };
  const startMs = 2 ** 32 - 20_000;
  for (const header of [videoHeader(startMs), audioHeader(startMs)]) feed.push(header, 0);
  const sinks: RecordingSink[] = [];
  for (let ms = 0; ms < 60_000; ms += 40) {
    feed.push((ms % 2_000 === 0 ? keyframe : interFrame)(startMs + ms, ms), ms);
    feed.push(audioFrame(startMs + ms, ms), ms);
    feed.flush(Number.POSITIVE_INFINITY);
    if (ms % 1_000 === 520) sinks.push(join(), join());
  }
  assert.equal(stream.flvEpochs.size, 8);
  const firstTimes = sinks.map((sink) => decodeFlv(sink.writes, 'bare').map(({ timestamp }) => timestamp));
  for (const [index, times] of firstTimes.entries()) {
    // Four players join in each GOP: eight GOPs have an epoch of their own.
    const lateMs = Math.max(0, Math.floor(index / 4) - 7) * 2_000;
    assert.equal(times[0], lateMs);
    assert.equal(times[2], lateMs);
    assert.ok(times.every((time, at) => at === 0 || time >= (times[at - 1] ?? 0)));
  }
  const lastWrites = new Set(sinks.map((sink) => sink.writes.at(-1)));
  assert.equal(lastWrites.size, 8, 'one encoding for each epoch');
  stream.dispose();
});

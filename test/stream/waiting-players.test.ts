/** A live stream always plays: what players get who come between two key frames, and what they share. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultVhost, type VhostOverrides } from '../../edge/conf/defaults.ts';
import type { RtmpMessage } from '../../edge/rtmp/message.ts';
import type { Feed } from '../../edge/stream/feed.ts';
import { flvFormat } from '../../edge/stream/flv-format.ts';
import { LiveStream } from '../../edge/stream/live-stream.ts';
import { Player } from '../../edge/stream/player.ts';
import { rtmpFormat } from '../../edge/stream/rtmp-format.ts';
import type { WireFormat } from '../../edge/stream/wire-format.ts';
import { audioFrame, audioHeader, interFrame, keyframe, metadata, videoHeader } from '../support/media.ts';
import { decodeFlv, decodeRtmp, type Played, RecordingSink } from '../support/playback.ts';

const rtmp = rtmpFormat(60_000, true);
const flv = flvFormat('bare', { audio: true, video: true });

function newStream(overrides: VhostOverrides = {}): LiveStream {
  const play = { gopCacheMaxFrames: 40, ...overrides.play };
  return new LiveStream({ vhost: 'v', app: 'a', stream: 's' }, defaultVhost({ minLatency: true, ...overrides, play }));
}

function join(stream: LiveStream, format: WireFormat = rtmp, queueLengthMs = 30_000, firstFrame = () => {}) {
  const sink = new RecordingSink();
  const player = new Player({ format, sink, limits: () => ({ queueLengthMs, queueMaxBytes: 1e9 }), firstFrame });
  stream.attach(player);
  return { sink, player };
}

/** Each message is a slice. */
function bring(feed: Feed, ...messages: RtmpMessage[]): void {
  for (const message of messages) {
    feed.push(message, message.timestamp);
    feed.flush(Number.POSITIVE_INFINITY);
  }
}

/** A GOP of video and audio from its key frame at `startMs`. */
function gop(startMs: number, frames: number, headers = false): RtmpMessage[] {
  const messages = headers ? [metadata(startMs), videoHeader(startMs), audioHeader(startMs)] : [];
  for (let index = 0; index < frames; index++) {
    const time = startMs + 40 * index;
    messages.push(index === 0 ? keyframe(time) : interFrame(time), audioFrame(time + 3));
  }
  return messages;
}

/** A picture of Sorenson's H.263, which has no headers, and depends on those before it. */
function flv1(time: number): RtmpMessage {
  return { ...interFrame(time), payload: Buffer.from([0x22, 0, 0, 0x84, time & 0xff]) };
}

const isVideo = ({ type, payload }: Played): boolean => type === 9 && payload[1] === 1;
const isAudio = ({ type, payload }: Played): boolean => type === 8 && payload[1] === 1;

for (const [name, format, decode] of [
  ['RTMP', rtmp, (writes: Buffer[]) => decodeRtmp(writes, 60_000)],
  ['HTTP-FLV', flv, (writes: Buffer[]) => decodeFlv(writes, 'bare')],
] as const) {
  test(`${name}: within a GOP that is too long for the cache there is sound at once, and video from the key frame`, () => {
    const stream = newStream();
    const feed = stream.openFeed();
    bring(feed, ...gop(0, 100, true));
    const { sink } = join(stream, format);
    const atOnce = decode(sink.writes);
    assert.ok(atOnce.filter(isAudio).length > 20, 'the newest second of sound');
    assert.equal(atOnce.filter(isVideo).length, 0);
    assert.ok(
      atOnce.some(({ type, payload }) => type === 9 && payload[1] === 0),
      'decoders can get ready',
    );

    bring(feed, ...gop(4_000, 3));
    const played = decode(sink.writes).slice(atOnce.length);
    assert.deepEqual(
      played.map(({ payload }) => payload),
      gop(4_000, 3).map(({ payload }) => payload),
    );
    const baseMs = 4_003 - played.find(isAudio)!.timestamp;
    assert.deepEqual(
      played.map(({ timestamp }) => timestamp + baseMs),
      gop(4_000, 3).map(({ timestamp }) => timestamp),
    );
  });
}

test('sound goes on while video waits, and nothing of it comes twice', () => {
  const stream = newStream();
  const feed = stream.openFeed();
  bring(feed, ...gop(0, 50, true));
  const { sink } = join(stream);
  for (let time = 2_000; time < 3_000; time += 40) bring(feed, interFrame(time), audioFrame(time + 3));
  const played = decodeRtmp(sink.writes, 60_000).filter((message) => isVideo(message) || isAudio(message));
  assert.ok(played.every(isAudio));
  const times = played.map(({ timestamp }) => timestamp);
  assert.deepEqual(
    times,
    times.map((_, index) => index * 40),
    'from zero, without a gap',
  );
});

test('video alone: the player is told that the stream is live, and begins with the key frame', () => {
  const stream = newStream();
  const feed = stream.openFeed();
  bring(feed, videoHeader(0), keyframe(0), ...Array.from({ length: 100 }, (_, index) => interFrame(40 + index * 40)));
  const { sink } = join(stream);
  assert.equal(sink.writes.length, 0);
  assert.equal(sink.lives, 1);
  bring(feed, keyframe(5_000));
  assert.deepEqual(
    decodeRtmp(sink.writes, 60_000).map(({ payload, timestamp }) => [payload, timestamp]),
    [
      [videoHeader(0).payload, 0],
      [keyframe(5_000).payload, 0],
    ],
  );
});

test('a source that is met between two key frames is live although nothing of it can be decoded', () => {
  const stream = newStream();
  const { sink } = join(stream);
  const feed = stream.openFeed();
  bring(feed, videoHeader(0));
  assert.equal(sink.lives, 0, 'headers alone promise nothing');
  bring(feed, interFrame(0), interFrame(40));
  assert.equal(sink.lives, 1);
  assert.equal(join(stream).sink.lives, 1);
  feed.close();
  assert.equal(join(stream).sink.lives, 0);
});

test('that goes for codecs without headers, too', () => {
  const stream = newStream();
  const { sink } = join(stream);
  bring(stream.openFeed(), flv1(0), flv1(40));
  assert.deepEqual([sink.writes.length, sink.lives], [0, 1]);
});

test('an encoder that sends one key frame ever: nobody waits for the second one', () => {
  const stream = newStream();
  const feed = stream.openFeed();
  bring(feed, videoHeader(0), keyframe(0));
  for (let index = 1; index <= 2_900; index++) bring(feed, interFrame(index * 40));
  const before = join(stream);
  for (let index = 2_901; index <= 3_001; index++) bring(feed, interFrame(index * 40));
  const after = join(stream);
  bring(feed, interFrame(3_002 * 40));
  for (const { sink } of [before, after]) {
    const newest = decodeRtmp(sink.writes, 60_000).at(-1)!;
    assert.deepEqual(newest.payload, interFrame(3_002 * 40).payload);
  }
});

test('that goes for each publication: how far apart the key frames of the one before were says nothing', () => {
  const stream = newStream();
  for (let publication = 0; publication < 2; publication++) {
    const feed = stream.openFeed();
    bring(feed, videoHeader(0), keyframe(0, publication));
    for (let index = 1; index <= 3_001; index++) bring(feed, interFrame(index * 40, index * 2 + publication));
    const { sink } = join(stream);
    bring(feed, interFrame(3_002 * 40));
    assert.deepEqual(decodeRtmp(sink.writes, 60_000).at(-1)?.payload, interFrame(3_002 * 40).payload);
    feed.close();
    stream.forget();
  }
});

test('where key frames came before, however far apart, players wait for the next', () => {
  const stream = newStream();
  const feed = stream.openFeed();
  bring(feed, videoHeader(0), keyframe(0));
  for (let index = 1; index <= 2_500; index++) bring(feed, interFrame(index * 40));
  bring(feed, keyframe(2_501 * 40));
  for (let index = 2_502; index <= 6_000; index++) bring(feed, interFrame(index * 40));
  const { sink } = join(stream);
  bring(feed, interFrame(6_001 * 40));
  assert.equal(sink.writes.length, 0);
  bring(feed, keyframe(6_002 * 40));
  assert.equal(decodeRtmp(sink.writes, 60_000).filter(isVideo).length, 1);
});

/** The memory that buffers stand on: views of one buffer have it in common. */
function memories(sinks: readonly RecordingSink[], from: number): Set<ArrayBufferLike> {
  const pieces = sinks.flatMap(({ writes, parts }) => (parts.length > 0 ? parts.flat() : writes.slice(from)));
  return new Set(pieces.filter(({ length }) => length > 64).map(({ buffer }) => buffer));
}

test('players that wait for the same key frame with nothing share one opening', () => {
  const stream = newStream();
  const feed = stream.openFeed();
  bring(feed, videoHeader(0), keyframe(0), ...Array.from({ length: 50 }, (_, index) => interFrame(40 + index * 40)));
  const sinks = Array.from({ length: 2_000 }, () => join(stream).sink);
  bring(feed, keyframe(3_000, 7, 80_000));
  assert.equal(new Set(sinks.map(({ writes }) => writes[0])).size, 1);
});

test('players that wait with sound, and came at different times, share the key frame, too', () => {
  const stream = newStream();
  const feed = stream.openFeed();
  bring(feed, ...gop(0, 50, true));
  const sinks: RecordingSink[] = [];
  for (let time = 2_000; time < 6_000; time += 40) {
    for (let count = 0; count < 20; count++) sinks.push(join(stream).sink);
    bring(feed, interFrame(time), audioFrame(time + 3));
  }
  const before = sinks.map(({ writes }) => decodeRtmp(writes, 60_000).length);
  bring(feed, keyframe(6_000, 7, 80_000));
  assert.equal(memories(sinks, Number.POSITIVE_INFINITY).size, 1);
  for (const [index, sink] of sinks.entries()) {
    const played = decodeRtmp(sink.writes, 60_000);
    assert.equal(played.length, before[index]! + 1);
    assert.deepEqual(played.at(-1)!.payload, keyframe(6_000, 7, 80_000).payload);
    // 5,963 is the newest sound: its distance to the key frame is the same for everyone.
    assert.equal(played.at(-1)!.timestamp - played.at(-2)!.timestamp, 6_000 - 5_963);
  }
});

test('a key frame in the middle of a slice is shared, too, and from then on everybody has the same bytes', () => {
  const stream = newStream();
  const feed = stream.openFeed();
  const inStep = join(stream);
  bring(feed, ...gop(0, 50, true));
  const players = Array.from({ length: 20 }, () => join(stream));
  const sinks = players.map(({ sink }) => sink);
  const before = sinks.map(({ writes }) => decodeRtmp(writes, 60_000).length);
  for (const message of [interFrame(2_000), keyframe(2_040, 7, 80_000), audioFrame(2_043)]) feed.push(message, 2_000);
  feed.flush(Number.POSITIVE_INFINITY);
  assert.equal(memories(sinks, Number.POSITIVE_INFINITY).size, 1);
  bring(feed, interFrame(2_080));
  for (const [index, { writes }] of sinks.entries()) {
    const played = decodeRtmp(writes, 60_000).slice(before[index]);
    assert.deepEqual(
      played.map(({ type }) => type),
      [9, 8, 9],
    );
    assert.equal(writes.at(-1), inStep.sink.writes.at(-1));
  }
});

test('players that go on from the same key frame after drops share it', () => {
  const stream = newStream({ play: { gopCacheMaxFrames: 1_000 } });
  const feed = stream.openFeed();
  bring(feed, ...gop(0, 5, true));
  const players = Array.from({ length: 500 }, () => join(stream, rtmp, 500));
  // They stop at different places.
  for (let index = 0; index < 25; index++) {
    for (const { sink } of players.slice(index * 20, index * 20 + 20)) sink.credit = 1;
    bring(feed, interFrame(200 + index * 4), audioFrame(203 + index * 4));
  }
  bring(feed, ...gop(1_000, 10), keyframe(2_000, 7, 80_000), audioFrame(2_003));
  for (const { sink, player } of players) {
    sink.credit = Number.POSITIVE_INFINITY;
    player.drained();
  }
  assert.ok(players.every(({ player }) => player.droppedGops > 0));
  assert.equal(
    memories(
      players.map(({ sink }) => sink),
      Number.POSITIVE_INFINITY,
    ).size,
    1,
  );
  for (const { sink } of players) {
    const played = decodeRtmp(sink.writes, 60_000);
    const resumed = played.findLast(isVideo)!;
    assert.deepEqual(resumed.payload, keyframe(2_000, 7, 80_000).payload);
    assert.equal(resumed.timestamp, 2_000);
    assert.equal(played.findLast(isAudio)!.timestamp, 2_003);
  }
});

test('a player that drops within a long GOP goes on with the newest sound', () => {
  const stream = newStream();
  const feed = stream.openFeed();
  const together = (...messages: RtmpMessage[]): void => {
    for (const message of messages) feed.push(message, message.timestamp);
    feed.flush(Number.POSITIVE_INFINITY);
  };
  const { sink, player } = join(stream, rtmp, 200);
  bring(feed, ...gop(0, 5, true));
  sink.credit = 1;
  let newestMs = 200;
  for (; player.droppedGops < 3; newestMs += 40) together(interFrame(newestMs), audioFrame(newestMs + 3));
  newestMs -= 40;
  assert.ok(newestMs > 600);
  sink.credit = Number.POSITIVE_INFINITY;
  player.drained();
  const had = decodeRtmp(sink.writes, 60_000);
  assert.equal(had.findLast(isAudio)!.timestamp, newestMs + 3);
  assert.equal(had.findLast(isVideo)!.timestamp, 200);
  together(interFrame(newestMs + 40), audioFrame(newestMs + 43));
  together(keyframe(newestMs + 80));
  const next = decodeRtmp(sink.writes, 60_000).slice(had.length);
  assert.deepEqual(
    next.map(({ type, timestamp }) => [type, timestamp]),
    [
      [8, newestMs + 43],
      [9, newestMs + 80],
    ],
  );
});

test('the first frame is the first picture: sound while video waits for a key frame is none', () => {
  const stream = newStream();
  const feed = stream.openFeed();
  bring(feed, ...gop(0, 100, true));
  let firstFrames = 0;
  const { sink } = join(stream, rtmp, 30_000, () => firstFrames++);
  assert.ok(decodeRtmp(sink.writes, 60_000).some(isAudio));
  assert.equal(firstFrames, 0);
  bring(feed, ...gop(4_000, 3));
  assert.equal(firstFrames, 1);
  bring(feed, ...gop(4_120, 3));
  assert.equal(firstFrames, 1);
});

test('that goes for a source that is met between two key frames, too: that it has video is known before any is given', () => {
  const stream = newStream();
  const feed = stream.openFeed();
  bring(feed, flv1(0), audioHeader(0), audioFrame(3));
  let firstFrames = 0;
  const { sink } = join(stream, rtmp, 30_000, () => firstFrames++);
  bring(feed, flv1(40), audioFrame(43));
  assert.ok(decodeRtmp(sink.writes, 60_000).some(isAudio));
  assert.equal(firstFrames, 0);
  bring(feed, keyframe(80));
  assert.equal(firstFrames, 1);
});

test('the first frame of a stream without video is its first sound, and headers are none', () => {
  const stream = newStream();
  const feed = stream.openFeed();
  let firstFrames = 0;
  join(stream, rtmp, 30_000, () => firstFrames++);
  bring(feed, metadata(0), audioHeader(0));
  assert.equal(firstFrames, 0);
  bring(feed, ...Array.from({ length: 100 }, (_, index) => audioFrame(40 * index)));
  assert.equal(firstFrames, 1);
});

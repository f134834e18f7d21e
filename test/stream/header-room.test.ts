/** What a publisher can make a stream keep by sending ever new headers. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultVhost } from '../../edge/conf/defaults.ts';
import { MessageType, type RtmpMessage } from '../../edge/rtmp/message.ts';
import { flvFormat } from '../../edge/stream/flv-format.ts';
import { toUntimedFrame } from '../../edge/stream/frame.ts';
import { HeaderRoom, headerBytesMax, headersMax } from '../../edge/stream/header-room.ts';
import { HeaderSet } from '../../edge/stream/headers.ts';
import { History } from '../../edge/stream/history.ts';
import { LiveStream } from '../../edge/stream/live-stream.ts';
import { Player } from '../../edge/stream/player.ts';
import { Splice } from '../../edge/stream/splice.ts';
import { PushBuffer } from '../../edge/upstream/push/push-buffer.ts';
import { audioHeader, keyframe, metadata, videoHeader } from '../support/media.ts';
import { decodeFlv, RecordingSink } from '../support/playback.ts';

/** An Enhanced RTMP sequence header of two tracks; each number is another combination of them. */
function multitrackHeader(number: number, timestamp = 0): RtmpMessage {
  const [one, other] = [number & 0xff, 1 + (number >>> 8)];
  const track = (id: number): number[] => [id, 0, 0, 1, 0];
  // Multitrack, many tracks with one codec, sequence start, avc1.
  const payload = Buffer.from([0x96, 0x10, 0x61, 0x76, 0x63, 0x31, ...track(one), ...track(other)]);
  return { type: MessageType.video, timestamp, streamId: 1, payload };
}

const manyHeaders = Array.from({ length: 5_000 }, (_, number) => multitrackHeader(number));

function joined(stream: LiveStream): RecordingSink {
  const sink = new RecordingSink();
  const limits = () => ({ queueLengthMs: 30_000, queueMaxBytes: 1e6 });
  stream.attach(new Player({ format: flvFormat('bare', { audio: true, video: true }), sink, limits }));
  return sink;
}

test('headers of ever new tracks: some are kept, the rest is dropped, counted, and told once', () => {
  let dropped = 0;
  const told: string[] = [];
  const stream = new LiveStream({ vhost: 'v', app: 'a', stream: 's' }, defaultVhost({ minLatency: true }), {
    oddFrames: () => {},
    droppedHeader: () => dropped++,
    warn: (_, event) => told.push(event),
  });
  const feed = stream.openFeed();
  const early = joined(stream);
  for (const message of [metadata(0), videoHeader(0), keyframe(0), ...manyHeaders]) {
    feed.push(message, 0);
    feed.flush(performance.now());
  }
  assert.equal(stream.headers.frames.length, headersMax);
  assert.equal(dropped, manyHeaders.length + 2 - headersMax);
  assert.deepEqual(told, ['headers dropped: the stream has as many as it may have']);
  assert.equal(decodeFlv(early.writes, 'bare').length, headersMax + 1, 'players present get no other ones either');

  feed.push(videoHeader(40, 7), 40);
  assert.ok(
    stream.headers.frames.some(({ payload }) => payload.equals(videoHeader(40, 7).payload)),
    'a change fits in',
  );
});

test('before any media it is no other: what waits for the clock is bounded, too', () => {
  const stream = new LiveStream({ vhost: 'v', app: 'a', stream: 's' }, defaultVhost({ minLatency: true }));
  const feed = stream.openFeed();
  const sink = joined(stream);
  for (const message of [...manyHeaders, metadata(0, { encoder: 'x'.repeat(60_000) }), keyframe(0)])
    feed.push(message, 0);
  feed.flush(performance.now());
  assert.ok(stream.headers.frames.length <= headersMax);
  assert.ok(decodeFlv(sink.writes, 'bare').length <= headersMax + 1);

  const other = new LiveStream({ vhost: 'v', app: 'a', stream: 's' }, defaultVhost({ minLatency: true }));
  const large = other.openFeed();
  for (let number = 0; number < 50; number++) {
    large.push({ type: MessageType.dataAmf0, timestamp: 0, streamId: 1, payload: Buffer.alloc(60_000, 2) }, 0);
  }
  const heard = joined(other);
  large.push(keyframe(0), 0);
  large.flush(performance.now());
  assert.ok(decodeFlv(heard.writes, 'bare').length <= 1 + headerBytesMax / 60_000);
});

test('large headers are bounded by their bytes; a smaller one in place of a large one makes room', () => {
  const room = new HeaderRoom<string>();
  const header = (track: number, size: number) => {
    const { payload } = multitrackHeader(track);
    const larger = Buffer.concat([payload, Buffer.alloc(size)]);
    return toUntimedFrame({ type: MessageType.video, timestamp: 0, streamId: 1, payload: larger })!;
  };
  assert.equal(room.keep(header(1, 200_000), 'one'), true);
  assert.equal(room.keep(header(2, 100_000), 'two'), false);
  assert.equal(room.keep(header(1, 100_000), 'one again'), true);
  assert.equal(room.keep(header(2, 100_000), 'two'), true);
  assert.deepEqual(room.values, ['one again', 'two']);
});

test('an origin that would take over keeps no more of them, and neither does a push', () => {
  const splice = new Splice({ history: new History(), headers: () => HeaderSet.empty, hasVideo: true });
  for (const message of manyHeaders) splice.next(toUntimedFrame(message)!);
  const step = splice.next(toUntimedFrame(keyframe(0))!);
  assert.ok(step.kind === 'join' && step.frames.length === headersMax + 1);

  const buffer = new PushBuffer(() => ({ maxBytes: 1e6, keepMs: 1_000 }));
  const roles = manyHeaders.map((message) => buffer.note(message));
  assert.equal(roles.filter((role) => role === 'header').length, headersMax);
  assert.equal(roles.filter((role) => role === 'no-room').length, manyHeaders.length - headersMax);
  assert.equal(buffer.headers(0).length, headersMax);
  assert.equal(buffer.note(audioHeader(0)), 'no-room');
});

test('what each player gets first is bounded in bytes, too', () => {
  const stream = new LiveStream({ vhost: 'v', app: 'a', stream: 's' }, defaultVhost({ minLatency: true }));
  const feed = stream.openFeed();
  feed.push(keyframe(0), 0);
  for (let track = 1; track <= 10; track++) {
    const { payload, ...header } = multitrackHeader(track);
    feed.push({ ...header, payload: Buffer.concat([payload, Buffer.alloc(60_000)]) }, 0);
  }
  const bytes = stream.headers.frames.reduce((sum, { payload }) => sum + payload.length, 0);
  assert.ok(bytes > 200_000 && bytes <= headerBytesMax, `${bytes} bytes`);
});

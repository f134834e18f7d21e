import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ChunkReader } from '../../edge/rtmp/chunk-reader.ts';
import type { RtmpMessage } from '../../edge/rtmp/message.ts';
import { PushBuffer } from '../../edge/upstream/push/push-buffer.ts';
import { bytesFor, encodeRun } from '../../edge/upstream/push/push-run.ts';
import { audioFrame, audioHeader, dataMessage, interFrame, keyframe, metadata, videoHeader } from '../support/media.ts';
import { tag } from '../support/rtmp-peer.ts';

const chunkSize = 4096;

/** Adds messages as a pusher does: each run is what was read at once, here a single message. */
function add(buffer: PushBuffer, message: RtmpMessage): void {
  if (buffer.note(message) === 'keyframe') buffer.begin();
  buffer.keep(encodeRun([message], chunkSize));
}

function filled(messages: readonly RtmpMessage[], maxBytes = 1e6, keepMs = 1000): PushBuffer {
  const buffer = new PushBuffer(() => ({ maxBytes, keepMs }));
  for (const message of messages) add(buffer, message);
  return buffer;
}

/** What a new origin would be sent. */
function replay(buffer: PushBuffer): RtmpMessage[] {
  const messages = buffer.headers(buffer.runs[0]?.firstTimestamp);
  const reader = new ChunkReader({ chunkSize });
  for (const { bytes } of buffer.runs) reader.push(bytes, (message) => messages.push(message));
  return messages;
}

function tags(messages: readonly RtmpMessage[]): string[] {
  return messages.map(tag);
}

test('a new origin gets metadata, headers, and all since the last keyframe', () => {
  const buffer = filled([
    metadata(0),
    videoHeader(0),
    audioHeader(0),
    keyframe(0),
    interFrame(40),
    keyframe(80),
    audioFrame(83),
    dataMessage(90),
    interFrame(120),
  ]);
  buffer.delivered();
  assert.deepEqual(
    tags(replay(buffer)),
    tags([
      metadata(80),
      videoHeader(80),
      audioHeader(80),
      keyframe(80),
      audioFrame(83),
      dataMessage(90),
      interFrame(120),
    ]),
  );
});

test('a changed header takes the place of the one before', () => {
  const buffer = filled([videoHeader(0), keyframe(0), videoHeader(40, 5), keyframe(40)]);
  assert.deepEqual(tags(replay(buffer)), tags([videoHeader(40, 5), keyframe(40)]));
});

test('before any media there are only headers, with their own time', () => {
  const buffer = filled([metadata(7), audioHeader(9)]);
  assert.deepEqual(tags(buffer.headers(undefined)), tags([metadata(7), audioHeader(9)]));
});

test('a GOP beyond the limit is given up until the next keyframe', () => {
  const buffer = filled([videoHeader(0), keyframe(0, 1, 500), interFrame(40, 2, 600), interFrame(80)], 1000);
  assert.deepEqual(tags(replay(buffer)), tags([videoHeader(0)]));
  add(buffer, keyframe(120));
  add(buffer, interFrame(160));
  assert.deepEqual(tags(replay(buffer)), tags([videoHeader(120), keyframe(120), interFrame(160)]));
});

test('without video the last moments are kept once they are delivered, and everything that is not', () => {
  const frames = Array.from({ length: 20 }, (_, index) => audioFrame(index * 100));
  const buffer = filled(frames, 1e6, 300);
  buffer.note(audioHeader(0));
  assert.deepEqual(tags(replay(buffer)), tags([audioHeader(0), ...frames]));
  buffer.delivered();
  assert.deepEqual(tags(replay(buffer)), tags([audioHeader(1600), ...frames.slice(16)]));
});

test('without video the limit holds, too', () => {
  const buffer = new PushBuffer(() => ({ maxBytes: 1000, keepMs: 60_000 }));
  for (let i = 0; i < 100; i++) {
    add(buffer, audioFrame(i * 20, i, 100));
    const bytes = replay(buffer).reduce((sum, { payload }) => sum + payload.length, 0);
    assert.ok(bytes <= 1000, `${bytes} bytes`);
  }
  assert.ok(replay(buffer).length > 0);
});

test('a clock that jumps does not keep old audio', () => {
  const buffer = filled([audioFrame(5_000_000), audioFrame(5_000_020), audioFrame(0), audioFrame(20)], 1e6, 300);
  buffer.delivered();
  assert.deepEqual(tags(replay(buffer)), tags([audioFrame(0), audioFrame(20)]));
});

test('where an origin can begin: at keyframes, or anywhere without video', () => {
  const audio = filled([audioHeader(0), audioFrame(0)]);
  assert.equal(audio.canBeginWith('media'), true);
  assert.equal(audio.canBeginWith('header'), false);
  const video = filled([keyframe(0)]);
  assert.equal(video.canBeginWith('media'), false);
  assert.equal(video.canBeginWith('keyframe'), true);
});

test('content: which tracks have come, and their headers', () => {
  const buffer = filled([]);
  assert.deepEqual(
    [buffer.content.hasVideo, buffer.content.hasAudio, buffer.content.headers.frames.length],
    [false, false, 0],
  );
  for (const message of [metadata(0), videoHeader(0), keyframe(0)]) add(buffer, message);
  const { headers, hasVideo, hasAudio } = buffer.content;
  assert.deepEqual([hasVideo, hasAudio], [true, false]);
  assert.deepEqual(
    headers.frames.map(({ role }) => role),
    ['metadata', 'header'],
  );
  add(buffer, audioHeader(0));
  assert.equal(buffer.content.hasAudio, false, 'a header alone is no audio yet');
  add(buffer, audioFrame(10));
  assert.equal(buffer.content.hasAudio, true);
});

test('an origin that gave another message stream gets the same messages on that', () => {
  const sent = [metadata(10), videoHeader(10), keyframe(10, 1, 10_000), audioFrame(13)];
  const run = encodeRun(sent, chunkSize);
  for (const streamId of [1, 5]) {
    const got: RtmpMessage[] = [];
    new ChunkReader({ chunkSize }).push(bytesFor(streamId, run, chunkSize), (message) => got.push(message));
    assert.deepEqual(
      got.map((message) => message.streamId),
      sent.map(() => streamId),
    );
    assert.deepEqual(tags(got), tags(sent));
  }
  assert.equal(bytesFor(1, run, chunkSize), run.bytes);
});

test('sound, pictures and data have chunk streams of their own', () => {
  const [audio, video, data] = [audioFrame(0), keyframe(0), dataMessage(0)].map(
    (message) => (encodeRun([message], chunkSize).bytes[0] ?? 0) & 0x3f,
  );
  assert.deepEqual({ audio, video, data }, { audio: 4, video: 6, data: 5 });
});

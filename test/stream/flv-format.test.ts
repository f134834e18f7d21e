import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tagSize } from '../../edge/flv/tag.ts';
import { flvFormat, framed } from '../../edge/stream/flv-format.ts';
import { type Frame, toUntimedFrame } from '../../edge/stream/frame.ts';
import { HeaderSet } from '../../edge/stream/headers.ts';
import { PackedFrames } from '../../edge/stream/packed-frames.ts';
import { Slice } from '../../edge/stream/slice.ts';
import { audioFrame, keyframe, metadata, videoHeader } from '../support/media.ts';
import { decodeFlv } from '../support/playback.ts';

const both = { audio: true, video: true };

/** A slice of one audio frame whose tag has `size` bytes. */
function sliceOf(size: number): Slice {
  const message = audioFrame(0, 7, size - tagSize(2));
  const frame: Frame = { ...toUntimedFrame(message)!, timeMs: 0 };
  return new Slice({ frames: PackedFrames.of([frame]), headersBefore: HeaderSet.empty, lastTimes: [] });
}

test('WebSocket lengths at the borders of their three forms (RFC 6455 §5.2)', () => {
  for (const [size, head] of [
    [30, 2],
    [125, 2],
    [126, 4],
    [65_535, 4],
    [65_536, 10],
    [70_000, 10],
  ] as const) {
    const bytes = sliceOf(size).shared(flvFormat('websocket', both));
    assert.equal(bytes.length, head + size);
    assert.equal(decodeFlv([bytes], 'websocket').length, 1);
  }
});

test('one HTTP chunk for a slice (RFC 9112 §7.1)', () => {
  const bytes = sliceOf(255).shared(flvFormat('chunked', both));
  assert.equal(bytes.toString('latin1', 0, 4), 'ff\r\n');
  assert.equal(bytes.toString('latin1', bytes.length - 2), '\r\n');
  assert.equal(decodeFlv([bytes], 'chunked').length, 1);
});

test('a slice without anything for these tracks is no bytes at all, not an empty chunk', () => {
  for (const framing of ['bare', 'chunked', 'websocket'] as const) {
    assert.equal(sliceOf(100).shared(flvFormat(framing, { audio: false, video: true })).length, 0);
  }
});

test('any bytes go into the same framing', () => {
  const header = Buffer.from('FLV header..');
  assert.deepEqual(framed('bare', header), header);
  assert.equal(framed('chunked', header).toString(), 'c\r\nFLV header..\r\n');
  assert.deepEqual(framed('websocket', header), Buffer.concat([Buffer.from([0x82, 12]), header]));
});

test('the same settings are the same format, so that players share bytes', () => {
  const slice = new Slice({
    frames: PackedFrames.of([{ ...toUntimedFrame(keyframe(0))!, timeMs: 0 }]),
    headersBefore: HeaderSet.empty,
    lastTimes: [],
  });
  assert.equal(flvFormat('bare', both), flvFormat('bare', { video: true, audio: true }));
  assert.equal(slice.shared(flvFormat('bare', both)), slice.shared(flvFormat('bare', { ...both })));
  assert.notEqual(flvFormat('bare', both), flvFormat('chunked', both));
});

test('metadata has no time, whenever a player joins; FFmpeg takes it for a subtitle track where it has one', () => {
  const [description, header] = [metadata(5_000), videoHeader(5_000)].map((message) => toUntimedFrame(message)!);
  const frame: Frame = { ...toUntimedFrame(keyframe(5_000))!, timeMs: 5_000 };
  const headers = [description, header].map((each) => ({ ...each!, timeMs: 0 }));
  const run = {
    frames: PackedFrames.of([frame]),
    headers: PackedFrames.of(headers),
    headersMs: 5_000,
    lastTimes: [],
    baseMs: 0,
  };
  const played = decodeFlv([flvFormat('bare', both).encode(run, Buffer.allocUnsafeSlow)], 'bare');
  assert.deepEqual(
    played.map(({ timestamp }) => timestamp),
    [0, 5_000, 5_000],
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ecmaArray, encodeAmf0 } from '../../edge/rtmp/amf0.ts';
import { MessageType, type RtmpMessage } from '../../edge/rtmp/message.ts';
import { isHeader, isMedia, shifted, Track, toUntimedFrame } from '../../edge/stream/frame.ts';
import { audioFrame, audioHeader, dataMessage, interFrame, keyframe, metadata, videoHeader } from '../support/media.ts';

test('every message has its role and its track', () => {
  const cases: readonly [RtmpMessage, string, number][] = [
    [videoHeader(1), 'header', Track.video],
    [keyframe(2), 'keyframe', Track.video],
    [interFrame(3), 'media', Track.video],
    [audioHeader(4), 'header', Track.audio],
    [audioFrame(5), 'media', Track.audio],
    [metadata(6), 'metadata', Track.data],
    [dataMessage(7), 'data', Track.data],
  ];
  for (const [message, role, track] of cases) {
    const frame = toUntimedFrame(message)!;
    assert.deepEqual([frame.role, frame.track, frame.sourceTime], [role, track, message.timestamp]);
    assert.equal(isHeader(frame), role === 'header' || role === 'metadata');
    assert.equal(isMedia(frame), role === 'keyframe' || role === 'media');
  }
});

test('metadata comes out the same however the publisher put it', () => {
  const properties = ecmaArray({ width: 640, encoder: 'test' });
  const expected = encodeAmf0('onMetaData', properties);
  const wrapped = encodeAmf0('@setDataFrame', 'onMetaData', properties);
  const puts: readonly [number, Buffer][] = [
    [MessageType.dataAmf0, expected],
    [MessageType.dataAmf0, wrapped],
  ];
  for (const [type, payload] of puts) {
    const frame = toUntimedFrame({ type, timestamp: 0, streamId: 1, payload })!;
    assert.equal(frame.type, MessageType.dataAmf0);
    assert.equal(frame.role, 'metadata');
    assert.deepEqual(frame.payload, expected);
  }
});

test('what is no media, or is empty, is no frame', () => {
  const message = { timestamp: 0, streamId: 1, payload: Buffer.from([1, 2, 3, 4]) };
  for (const type of [MessageType.userControl, MessageType.commandAmf0, 99]) {
    assert.equal(toUntimedFrame({ ...message, type }), undefined);
  }
  for (const type of [MessageType.audio, MessageType.video]) {
    assert.equal(toUntimedFrame({ ...message, type, payload: Buffer.alloc(0) }), undefined);
  }
});

test('on another clock a frame has another time, over the end of 32 bits', () => {
  const frame = toUntimedFrame(audioFrame(10))!;
  assert.equal(shifted(frame, 0).sourceTime, 10);
  assert.equal(shifted(frame, 32).sourceTime, 42);
  assert.equal(shifted(frame, -11).sourceTime, 2 ** 32 - 1);
});

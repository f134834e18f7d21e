import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RtmpMessage } from '../../edge/rtmp/message.ts';
import { headersMax } from '../../edge/stream/header-room.ts';
import { framesWithoutKeyframeMax } from '../../edge/stream/keyframe-watch.ts';
import { FirstFrames } from '../../edge/upstream/pull/first-frames.ts';
import { audioFrame, audioHeader, dataMessage, interFrame, keyframe, metadata, videoHeader } from '../support/media.ts';

function take(first: FirstFrames, ...messages: RtmpMessage[]): RtmpMessage[] {
  return messages.flatMap((message) => first.next(message));
}

test('headers alone are no stream; they come with the first frame', () => {
  const first = new FirstFrames();
  const headers = [metadata(0), videoHeader(0), audioHeader(0), dataMessage(0)];
  assert.deepEqual(take(first, ...headers), []);
  assert.equal(first.cameOnce, false);
  assert.deepEqual(take(first, keyframe(0)), [...headers, keyframe(0)]);
  assert.equal(first.cameOnce && first.areWhole, true);
});

test('pictures without a keyframe, and the sound beside them, are passed on and not whole', () => {
  const first = new FirstFrames();
  const messages = [videoHeader(0), audioHeader(0), audioFrame(0), interFrame(0), audioFrame(23)];
  assert.deepEqual(take(first, ...messages), messages);
  assert.equal(first.cameOnce, true);
  assert.equal(first.areWhole, false);
  take(first, keyframe(40));
  assert.equal(first.areWhole, true);
});

test('once frames have come, headers and data are passed on, too', () => {
  const first = new FirstFrames();
  take(first, interFrame(0));
  const messages = [audioHeader(20), dataMessage(20), videoHeader(40), keyframe(40)];
  assert.deepEqual(take(first, ...messages), messages);
});

test('sound without any sign of pictures is whole', () => {
  const first = new FirstFrames();
  take(first, metadata(0), audioHeader(0), audioFrame(0));
  assert.equal(first.areWhole, true);
});

test('a stream that never has a keyframe is whole in the end', () => {
  const first = new FirstFrames();
  for (let index = 0; index < framesWithoutKeyframeMax; index++) take(first, interFrame(index * 40));
  assert.equal(first.areWhole, false);
  take(first, interFrame(200_000));
  assert.equal(first.areWhole, true);
});

test('sound, however much, says nothing of the pictures that a header has announced', () => {
  const first = new FirstFrames();
  take(first, videoHeader(0), audioHeader(0));
  for (let index = 0; index <= framesWithoutKeyframeMax; index++) take(first, audioFrame(index * 23));
  assert.equal(first.areWhole, false);
  take(first, interFrame(0));
  assert.equal(first.areWhole, false);
});

test('what is held of an origin that sends headers for ever is bounded', () => {
  const first = new FirstFrames();
  for (let index = 0; index < 1_000; index++) take(first, dataMessage(index));
  assert.equal(take(first, audioFrame(0)).length, headersMax + 1);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RtmpMessage } from '../../edge/rtmp/message.ts';
import { type Frame, toUntimedFrame } from '../../edge/stream/frame.ts';
import { HeaderSet } from '../../edge/stream/headers.ts';
import { audioHeader, metadata, videoHeader } from '../support/media.ts';

function frame(message: RtmpMessage): Frame {
  return { ...toUntimedFrame(message)!, timeMs: message.timestamp };
}

const meta = frame(metadata(0));
const videoA = frame(videoHeader(0, 1));
const videoB = frame(videoHeader(9, 2));
const audioA = frame(audioHeader(0, 1));

test('a header takes the place of the one its track had; other tracks keep theirs', () => {
  const before = HeaderSet.empty.with(videoA).with(audioA);
  const after = before.with(videoB);
  assert.notEqual(after, before);
  assert.deepEqual(new Set(after.frames), new Set([audioA, videoB]));
  assert.deepEqual(before.frames, [videoA, audioA], 'a set never changes');
});

test('metadata comes first whenever it was sent', () => {
  assert.deepEqual(HeaderSet.empty.with(videoA).with(audioA).with(meta).frames, [meta, videoA, audioA]);
  const changed = frame(metadata(5, { width: 1280 }));
  assert.deepEqual(HeaderSet.empty.with(meta).with(videoA).with(changed).frames, [changed, videoA]);
});

test('the same header again is no change: the set stays the same object', () => {
  const set = HeaderSet.empty.with(meta).with(videoA).with(audioA);
  assert.equal(set.with(frame(videoHeader(777, 1))), set);
  assert.equal(set.with(frame(metadata(777))), set);
  assert.ok(set.has(videoA));
  assert.ok(!set.has(videoB));
});

/** Parts of slices: nothing is copied where the whole will do. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Slice } from '../../edge/stream/slice.ts';
import { audioFrame, interFrame, keyframe } from '../support/media.ts';
import { sliceOf } from '../support/slices.ts';

test('a slice that begins with its key frame is given whole to who waits for that, and nothing comes before it', () => {
  const slice = sliceOf(keyframe(0), interFrame(40), audioFrame(43));
  assert.equal(slice.fromEntry, slice);
  assert.equal(slice.beforeEntry, undefined);
});

test('a slice of sound is given whole to whose video waits; of one with video a part is made, once', () => {
  const sound = sliceOf(audioFrame(0), audioFrame(20));
  assert.equal(sound.withoutVideo, sound);
  const both = sliceOf(interFrame(0), audioFrame(3));
  assert.equal(both.withoutVideo.frameCount, 1);
  assert.equal(both.withoutVideo, both.withoutVideo);
  assert.equal(sliceOf(interFrame(0)).withoutVideo.frameCount, 0);
});

test('of a stream without key frames, what is left without sound can still be begun with', () => {
  const slice = sliceOf(interFrame(0), audioFrame(3));
  const { frames, headersBefore, lastTimes } = slice;
  const bare = new Slice({ frames, headersBefore, lastTimes, lacksKeyframes: true });
  assert.equal(bare.withoutAudio.entryAt, 0);
  assert.equal(bare.withoutVideo.entryAt, -1);
});

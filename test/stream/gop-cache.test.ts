import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RtmpMessage } from '../../edge/rtmp/message.ts';
import { type Frame, toUntimedFrame } from '../../edge/stream/frame.ts';
import { GopCache } from '../../edge/stream/gop-cache.ts';
import { HeaderSet } from '../../edge/stream/headers.ts';
import { Slice } from '../../edge/stream/slice.ts';
import { audioFrame, audioHeader, interFrame, keyframe, videoHeader } from '../support/media.ts';

function frames(...messages: RtmpMessage[]): Frame[] {
  return messages.map((message) => ({ ...toUntimedFrame(message)!, timeMs: message.timestamp }));
}

/** Slices that follow on each other. */
function slices(...parts: RtmpMessage[][]): Slice[] {
  let headers = HeaderSet.empty;
  return parts.map((part) => {
    const slice = new Slice(frames(...part), headers, []);
    headers = slice.headersAfter;
    return slice;
  });
}

const roomy = { maxFrames: 100, maxBytes: 100_000 };

function filled(parts: Slice[], limits = roomy): GopCache {
  const cache = new GopCache();
  for (const slice of parts) cache.add(slice, limits);
  return cache;
}

function times(slice: Slice | undefined): number[] | undefined {
  return slice?.frames.map(({ timeMs }) => timeMs);
}

test('holds what came since the last keyframe, over slices and within one', () => {
  const [first, second, third] = slices(
    [videoHeader(0), keyframe(0), interFrame(40)],
    [interFrame(80), audioFrame(85)],
    [interFrame(120), keyframe(160), audioFrame(165)],
  );
  assert.equal(new GopCache().opening, undefined);
  assert.deepEqual(times(filled([first!]).opening), [0, 40]);
  assert.deepEqual(times(filled([first!, second!]).opening), [0, 40, 80, 85]);
  assert.deepEqual(times(filled([first!, second!, third!]).opening), [160, 165]);
});

test('nothing is held before the first keyframe, nor of sound alone', () => {
  assert.equal(filled(slices([audioFrame(0)], [interFrame(40)])).opening, undefined);
});

test('the opening has the headers of its keyframe before it, and is in step with the next slice', () => {
  const parts = slices(
    [videoHeader(0), audioHeader(0), keyframe(0), audioHeader(20, 1), interFrame(40)],
    [interFrame(80)],
    [audioFrame(120)],
  );
  const [first, second, third] = parts;
  const cache = filled([first!, second!]);
  const opening = cache.opening!;
  assert.deepEqual(
    opening.headersBefore.frames.map(({ payload }) => payload),
    [videoHeader(0).payload, audioHeader(0).payload],
  );
  assert.equal(opening.headersAfter, third!.headersBefore);
  assert.equal(cache.opening, opening, 'made once for all who join now');
});

test('a changed video header ends the GOP, a repeated one or one of audio does not', () => {
  const gop = [videoHeader(0), audioHeader(0), keyframe(0)];
  assert.equal(filled(slices(gop, [videoHeader(40, 1)])).opening, undefined);
  assert.deepEqual(times(filled(slices(gop, [videoHeader(40)])).opening), [0, 40]);
  assert.deepEqual(times(filled(slices(gop, [audioHeader(40, 1)])).opening), [0, 40]);
  assert.deepEqual(times(filled(slices(gop, [videoHeader(40, 1), keyframe(40)])).opening), [40]);
});

test('a GOP that is too long is given up, and the next one taken', () => {
  const parts = slices([keyframe(0), interFrame(40)], [interFrame(80)], [interFrame(120)], [keyframe(160)]);
  const byCount = { maxFrames: 2, maxBytes: 100_000 };
  assert.deepEqual(times(filled(parts.slice(0, 1), byCount).opening), [0, 40]);
  assert.equal(filled(parts.slice(0, 2), byCount).opening, undefined);
  assert.equal(filled(parts.slice(0, 3), byCount).opening, undefined, 'its rest is no GOP');
  assert.deepEqual(times(filled(parts, byCount).opening), [160]);

  const bytes = keyframe(0).payload.length + interFrame(0).payload.length;
  assert.deepEqual(times(filled(parts.slice(0, 1), { maxFrames: 100, maxBytes: bytes }).opening), [0, 40]);
  assert.equal(filled(parts.slice(0, 1), { maxFrames: 100, maxBytes: bytes - 1 }).opening, undefined);
});

test('clear forgets', () => {
  const cache = filled(slices([keyframe(0)]));
  cache.clear();
  assert.equal(cache.opening, undefined);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MediaMemory } from '../../edge/budget/media-memory.ts';
import type { RtmpMessage } from '../../edge/rtmp/message.ts';
import { toUntimedFrame } from '../../edge/stream/frame.ts';
import { GopCache } from '../../edge/stream/gop-cache.ts';
import { HeaderSet } from '../../edge/stream/headers.ts';
import { PackedFrames } from '../../edge/stream/packed-frames.ts';
import { rtmpFormat } from '../../edge/stream/rtmp-format.ts';
import { Slice } from '../../edge/stream/slice.ts';
import { audioFrame, audioHeader, interFrame, keyframe, videoHeader } from '../support/media.ts';

function frames(...messages: RtmpMessage[]): PackedFrames {
  return PackedFrames.of(messages.map((message) => ({ ...toUntimedFrame(message)!, timeMs: message.timestamp })));
}

/** Slices that follow on each other. */
function slices(...parts: RtmpMessage[][]): Slice[] {
  let headers = HeaderSet.empty;
  return parts.map((part) => {
    const slice = new Slice({ frames: frames(...part), headersBefore: headers, lastTimes: [] });
    headers = slice.headersAfter;
    return slice;
  });
}

const roomy = { maxFrames: 100, maxBytes: 100_000 };

function filled(parts: Slice[], limits = roomy): GopCache {
  const cache = new GopCache(MediaMemory.unbounded);
  for (const slice of parts) cache.add(slice, limits);
  return cache;
}

function times(slices: readonly Slice[]): number[] {
  return slices.flatMap(({ frames }) => {
    const times: number[] = [];
    for (let at = 0; at < frames.end; at = frames.next(at)) times.push(frames.timeMs(at));
    return times;
  });
}

test('holds what came since the last keyframe, over slices and within one', () => {
  const [first, second, third, fourth] = slices(
    [videoHeader(0), keyframe(0), interFrame(40)],
    [interFrame(80), audioFrame(85)],
    [interFrame(120), keyframe(160), audioFrame(165)],
    [interFrame(200)],
  );
  assert.deepEqual(new GopCache(MediaMemory.unbounded).opening, []);
  assert.deepEqual(times(filled([first!]).opening), [0, 40]);
  assert.deepEqual(times(filled([first!, second!]).opening), [0, 40, 80, 85]);
  assert.deepEqual(times(filled([first!, second!, third!]).newest), [160, 165]);
  assert.deepEqual(times(filled([first!, second!, third!, fourth!]).opening), [160, 165, 200]);
  assert.equal(filled([first!]).holdsPicture, true);
});

test('before the first keyframe, and of sound alone, the newest second of sound is held', () => {
  const early = filled(slices([audioFrame(0)], [interFrame(40), audioFrame(45)]));
  assert.deepEqual(times(early.opening), [0, 45]);
  assert.equal(early.holdsPicture, false);
  assert.deepEqual(filled(slices([interFrame(40)])).opening, [], 'video alone that cannot be decoded is nothing');

  const sound = Array.from({ length: 100 }, (_, index) => [audioFrame(index * 100)]);
  assert.deepEqual(
    times(filled(slices(...sound)).opening),
    Array.from({ length: 11 }, (_, index) => 8_900 + index * 100),
  );
});

test('the opening has the headers of its keyframe before it, and is in step with the next slice', () => {
  const parts = slices(
    [videoHeader(0), audioHeader(0), keyframe(0), audioHeader(20, 1), interFrame(40)],
    [interFrame(80)],
    [audioFrame(120)],
  );
  const [first, second, third] = parts;
  const cache = filled([first!, second!]);
  const [opening] = cache.opening;
  assert.deepEqual(
    opening!.headersBefore.frames.map(({ payload }) => payload),
    [videoHeader(0).payload, audioHeader(0).payload],
  );
  assert.equal(opening!.headersAfter, third!.headersBefore);
  assert.equal(cache.opening[0], opening, 'made once for all who join now');
});

test('a changed video header ends the GOP, a repeated one or one of audio does not', () => {
  const gop = [videoHeader(0), audioHeader(0), keyframe(0)];
  assert.equal(filled(slices(gop, [videoHeader(40, 1)])).holdsPicture, false);
  assert.deepEqual(times(filled(slices(gop, [videoHeader(40)])).opening), [0, 40]);
  assert.deepEqual(times(filled(slices(gop, [audioHeader(40, 1)])).opening), [0, 40]);
  assert.deepEqual(times(filled(slices(gop, [videoHeader(40, 1), keyframe(40)])).opening), [40]);
});

test('of a GOP that is too long its sound is kept, and the next GOP is taken', () => {
  const parts = slices(
    [keyframe(0), interFrame(40)],
    [interFrame(80), audioFrame(81)],
    [interFrame(120), audioFrame(121), interFrame(130)],
    [keyframe(160)],
  );
  const byCount = { maxFrames: 2, maxBytes: 100_000 };
  assert.deepEqual(times(filled(parts.slice(0, 1), byCount).opening), [0, 40]);
  assert.deepEqual(times(filled(parts.slice(0, 2), byCount).opening), [81]);
  assert.deepEqual(times(filled(parts.slice(0, 3), byCount).opening), [81, 121], 'what follows is sound without video');
  assert.equal(filled(parts.slice(0, 3), byCount).holdsPicture, false);
  assert.deepEqual(times(filled(parts, byCount).opening), [160]);

  const bytes = keyframe(0).payload.length + interFrame(0).payload.length;
  assert.deepEqual(times(filled(parts.slice(0, 1), { maxFrames: 100, maxBytes: bytes }).opening), [0, 40]);
  assert.deepEqual(filled(parts.slice(0, 1), { maxFrames: 100, maxBytes: bytes - 1 }).opening, []);
});

test('sound is kept within the limits, too', () => {
  const parts = slices(...Array.from({ length: 50 }, (_, index) => [audioFrame(index * 10, index, 100)]));
  assert.equal(filled(parts, { maxFrames: 7, maxBytes: 1e6 }).opening.length, 7);
  const bytes = filled(parts, { maxFrames: 1e6, maxBytes: 1_000 }).opening.reduce(
    (sum, each) => sum + each.payloadBytes,
    0,
  );
  assert.ok(bytes > 800 && bytes <= 1_000, `${bytes} bytes`);
});

test('a long GOP is held in pages: those that are finished are the same for all who join before it ends', () => {
  const parts = slices(
    ...Array.from({ length: 20 }, (_, at) => [at === 0 ? keyframe(0, 0, 20_000) : interFrame(at, at, 20_000)]),
  );
  const cache = filled(parts.slice(0, 18), { maxFrames: 100, maxBytes: 1e6 });
  const before = cache.opening;
  cache.add(parts[18]!, { maxFrames: 100, maxBytes: 1e6 });
  const after = cache.opening;
  assert.deepEqual(
    times(after),
    Array.from({ length: 19 }, (_, at) => at),
  );
  assert.deepEqual(before.slice(0, 4), after.slice(0, 4));
  for (let page = 0; page < 4; page++) assert.equal(before[page], after[page]);
  for (const [index, page] of after.entries()) {
    assert.equal(page.leadMs, page.endMs, 'a page is as far as its own newest frame');
    if (index > 0) assert.equal(page.headersBefore, after[index - 1]!.headersAfter);
  }
});

test('just behind a keyframe, the GOP before comes first, until the next slice', () => {
  const [first, second, third] = slices(
    [videoHeader(0), audioHeader(0), keyframe(0), audioFrame(5)],
    [interFrame(40), audioHeader(45, 1), audioFrame(46), keyframe(80)],
    [interFrame(120)],
  );
  const cache = filled([first!, second!]);
  const [before, newest] = cache.opening;
  assert.deepEqual(times(cache.opening), [0, 5, 40, 45, 46, 80]);
  assert.deepEqual(times([newest!]), [80]);
  assert.equal(newest!.headersBefore, before!.headersAfter, 'who has the first is in step with the second');
  assert.equal(newest!.headersAfter, third!.headersBefore);
  assert.deepEqual(newest!.lastTimes, [46, 40]);
  assert.equal(cache.opening[0], before, 'made once for all who join now');

  cache.add(third!, roomy);
  assert.deepEqual(times(cache.opening), [80, 120]);
});

test('the GOP before is left out where it is too much, or has another video header', () => {
  const gop = [videoHeader(0), keyframe(0), interFrame(40)];
  const both = slices(gop, [interFrame(80), keyframe(120)]);
  assert.deepEqual(times(filled(both, { maxFrames: 4, maxBytes: 100_000 }).opening), [0, 40, 80, 120]);
  assert.deepEqual(times(filled(both, { maxFrames: 3, maxBytes: 100_000 }).opening), [120]);
  assert.deepEqual(times(filled(slices(gop, [videoHeader(80, 1), keyframe(80)])).opening), [80]);
});

test('what is kept of two GOPs is counted, and no more when they are gone', () => {
  const memory = new MediaMemory(() => Number.POSITIVE_INFINITY);
  const cache = new GopCache(memory);
  for (const slice of slices([keyframe(0)], [interFrame(40), keyframe(80)])) cache.add(slice, roomy);
  const kept = cache.keptBytes;
  assert.ok(kept > 0);
  assert.equal(memory.bytesOf('gop_cache'), kept);
  for (const slice of cache.opening) slice.opening(rtmpFormat(4096, false));
  assert.ok(memory.bytesOf('gop_cache') > kept, 'the encoded form of the one before');
  const [last] = slices([interFrame(120)]);
  cache.add(last!, roomy);
  assert.ok(memory.bytesOf('gop_cache') < kept);
  cache.clear();
  assert.equal(memory.bytesOf('gop_cache'), 0);
});

test('clear forgets', () => {
  const cache = filled(slices([keyframe(0)]));
  cache.clear();
  assert.deepEqual(cache.opening, []);
});

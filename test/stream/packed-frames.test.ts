/** Frames that lie in one buffer are the frames that were put in, and their memory is never looked at when it has gone. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BufferPool } from '../../edge/stream/buffer-pool.ts';
import type { Frame, FrameRole, Track } from '../../edge/stream/frame.ts';
import { FramePacker } from '../../edge/stream/frame-packer.ts';
import { PackedFrames } from '../../edge/stream/packed-frames.ts';
import fc from '../support/property.ts';

const arbitraryFrame: fc.Arbitrary<Frame> = fc.record(
  {
    type: fc.constantFrom(8, 9, 18),
    track: fc.constantFrom<Track>(0, 1, 2),
    role: fc.constantFrom<FrameRole>('header', 'metadata', 'keyframe', 'media', 'data'),
    timeMs: fc.integer({ min: -(2 ** 40), max: 2 ** 40 }),
    sourceTime: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
    payload: fc.uint8Array({ maxLength: 9_000 }).map((bytes) => Buffer.from(bytes)),
  },
  { noNullPrototype: true },
);
const arbitraryFrames = fc.array(arbitraryFrame, { maxLength: 20 });

function unpacked(frames: PackedFrames): Frame[] {
  const all: Frame[] = [];
  for (let at = 0; at < frames.end; at = frames.next(at)) all.push(frames.frame(at));
  return all;
}

test('frames come out as they went in, however they were put in', () => {
  const property = fc.property(arbitraryFrames, arbitraryFrames, (first, second) => {
    assert.deepEqual(unpacked(PackedFrames.of(first)), first);
    const packer = new FramePacker(new BufferPool());
    for (const frames of [first, second]) {
      for (const frame of frames) packer.add(frame);
      assert.equal(packer.count, frames.length);
      assert.deepEqual(unpacked(packer.take()), frames);
    }
  });
  fc.assert(property, { numRuns: 100 });
});

test('a part has memory of its own: it stays when the whole has gone', () => {
  const property = fc.property(arbitraryFrames, fc.nat(), (frames, cut) => {
    const pool = new BufferPool();
    const packer = new FramePacker(pool);
    for (const frame of frames) packer.add(frame);
    const whole = packer.take();
    const middle = frames.length === 0 ? 0 : cut % frames.length;
    let at = 0;
    for (let index = 0; index < middle; index++) at = whole.next(at);
    const parts = [
      whole.filter((each) => each < at),
      whole.filter((each) => each >= at),
      whole.filter((each) => whole.track(each) !== 1),
    ];
    whole.free(pool);
    pool.takeRoom(whole.end).fill(0xee);
    const [before, behind, others] = parts.map((part) => unpacked(part));
    assert.deepEqual([...(before ?? []), ...(behind ?? [])], frames);
    assert.equal(before?.length, middle);
    assert.deepEqual(
      others,
      frames.filter(({ track }) => track !== 1),
    );
  });
  fc.assert(property, { numRuns: 100 });
});

test('memory that was given back is looked at no more', () => {
  const pool = new BufferPool();
  const packer = new FramePacker(pool);
  packer.add({ type: 9, track: 1, role: 'media', timeMs: 40, sourceTime: 40, payload: Buffer.from('picture') });
  const frames = packer.take();
  frames.free(pool);
  assert.throws(() => frames.timeMs(0), RangeError);
  assert.throws(() => frames.next(0), RangeError);
});

/** What a GOP cache keeps becomes the same frames again, and its memory is not used again while anybody looks at it. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BufferPool } from '../../edge/stream/buffer-pool.ts';
import type { Frame } from '../../edge/stream/frame.ts';
import { PackedFrames } from '../../edge/stream/packed-frames.ts';
import fc from '../support/property.ts';

const anyFrame: fc.Arbitrary<Frame> = fc.record(
  {
    type: fc.constantFrom(8, 9, 18),
    track: fc.constantFrom(0, 1, 2),
    role: fc.constantFrom('header', 'metadata', 'keyframe', 'media', 'data'),
    timeMs: fc.double({ noNaN: true, noDefaultInfinity: true }),
    sourceTime: fc.nat({ max: 0xffffffff }),
    payload: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  },
  { noNullPrototype: true },
);

test('frames come out as they went in, from any of them on', () => {
  fc.assert(
    fc.property(fc.array(anyFrame, { maxLength: 20 }), fc.nat({ max: 20 }), (frames, start) => {
      const from = Math.min(start, frames.length);
      const packed = new PackedFrames(frames, from, new BufferPool());
      assert.deepEqual(packed.unpack(), frames.slice(from));
      assert.equal(packed.count, frames.length - from);
      assert.equal(
        packed.payloadBytes,
        packed.unpack().reduce((sum, { payload }) => sum + payload.length, 0),
      );
    }),
  );
});

test('its memory goes back to the pool, unless somebody has frames that lie in it', () => {
  const pool = new BufferPool();
  const frame: Frame = {
    type: 9,
    track: 1,
    role: 'keyframe',
    timeMs: 1,
    sourceTime: 1,
    payload: Buffer.from('picture'),
  };
  new PackedFrames([frame], 0, pool).free();
  const { freeBytes } = pool;
  assert.ok(freeBytes > 0, 'it was given back');

  const viewed = new PackedFrames([frame], 0, pool);
  const [unpacked] = viewed.unpack();
  viewed.free();
  assert.equal(pool.freeBytes, 0, 'the frame lies in it');
  new PackedFrames([{ ...frame, payload: Buffer.from('another') }], 0, pool).free();
  assert.equal(unpacked?.payload.toString(), 'picture');
});

/** The memory that frames are packed in: how it grows, what is handed over, and what goes back to the pool. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BufferPool } from '../../edge/stream/buffer-pool.ts';
import { FramePacker } from '../../edge/stream/frame-packer.ts';
import { packedSize } from '../../edge/stream/packed-frames.ts';
import { interFrame } from '../support/media.ts';
import { frameOf } from '../support/slices.ts';

const recordBytes = packedSize({ ...frameOf(interFrame(0)), payload: Buffer.alloc(0) });

/** A packer, and what adds a frame that takes so many bytes. */
function packing(pool = new BufferPool()) {
  const packer = new FramePacker(pool);
  const add = (bytes: number): void => {
    packer.add({ ...frameOf(interFrame(0)), payload: Buffer.alloc(bytes - recordBytes) });
  };
  return { pool, packer, add, room: () => packer.frames.bytes };
}

test('frames that have room are not moved, the last one that just fits included', () => {
  const { packer, add, room } = packing();
  add(600);
  const first = room();
  add(300);
  add(first.length - 900);
  assert.equal(room(), first);
  assert.equal(packer.packedBytes, first.length);
});

test('room doubles up to 1 MiB, so that frames are moved seldom; then it grows by what is needed', () => {
  const { packer, add, room } = packing();
  const rooms = new Set<Buffer>();
  for (let bytes = 0; bytes < 1024 * 1024; bytes += 512) {
    add(512);
    rooms.add(room());
  }
  assert.ok(rooms.size <= 11, `moved ${rooms.size - 1} times`);
  add(1024 * 1024);
  add(1024);
  assert.equal(room().length, packer.packedBytes);
});

test('what is outgrown, and what is discarded, goes back to the pool', () => {
  const { pool, packer, add, room } = packing();
  add(1_000);
  const first = room();
  add(1_000);
  assert.equal(pool.freeBytes, first.length);
  const second = room();
  packer.discard();
  assert.equal(pool.freeBytes, first.length + second.length);
  assert.deepEqual([packer.count, packer.packedBytes], [0, 0]);
  add(1_000);
  assert.equal(packer.count, 1);
  assert.equal(room().buffer, first.buffer, 'it is used again');
});

test('the next frames have as much room at once as the last ones took', () => {
  const { packer, add, room } = packing();
  for (let count = 0; count < 20; count++) add(2_000);
  packer.take();
  add(2_000);
  const first = room();
  for (let count = 1; count < 20; count++) add(2_000);
  assert.equal(room(), first);
});

test('little behind much is handed over in little memory, and the rest goes back', () => {
  const { pool, packer, add } = packing();
  for (let count = 0; count < 20; count++) add(2_000);
  packer.take();
  const { freeBytes } = pool;
  add(2_000);
  const frames = packer.take();
  assert.equal(frames.end, 2_000);
  assert.ok(frames.bytes.length <= 3_000, `${frames.bytes.length} bytes`);
  assert.ok(pool.freeBytes >= freeBytes + 38_000);
});

test('memory that is well used, or small, is handed over as it is', () => {
  for (const sizes of [[5_000], [100]]) {
    const { packer, add, room } = packing();
    for (const bytes of sizes) add(bytes);
    const filled = room();
    assert.equal(packer.take().bytes, filled);
  }
});

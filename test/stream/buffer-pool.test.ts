/** The memory of slices is used again, and never while anybody may still look at it. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultVhost } from '../../edge/conf/defaults.ts';
import { BufferPool } from '../../edge/stream/buffer-pool.ts';
import type { Feed } from '../../edge/stream/feed.ts';
import { flvFormat } from '../../edge/stream/flv-format.ts';
import { LiveStream } from '../../edge/stream/live-stream.ts';
import { Player } from '../../edge/stream/player.ts';
import type { PlayerSink } from '../../edge/stream/player-sink.ts';
import { rtmpFormat } from '../../edge/stream/rtmp-format.ts';
import { audioFrame, audioHeader, interFrame, keyframe, videoHeader } from '../support/media.ts';

test('what was given back is taken again, whatever part of it is needed', () => {
  const pool = new BufferPool();
  const first = pool.take(20_000);
  assert.equal(first.length, 20_000);
  pool.give(first);
  const second = pool.take(17_000);
  assert.equal(second.length, 17_000);
  assert.equal(second.buffer, first.buffer);
  assert.notEqual(pool.take(17_000).buffer, first.buffer, 'it is in use');
});

test('memory that others share, and what is large, is not used again', () => {
  const pool = new BufferPool();
  const shared = Buffer.from('eight bytes');
  pool.give(shared);
  assert.notEqual(pool.take(shared.buffer.byteLength).buffer, shared.buffer);
  const large = pool.take(5_000_000);
  pool.give(large);
  assert.notEqual(pool.take(5_000_000).buffer, large.buffer);
});

test('there is room for what is asked, and no more than a third of it is wasted beyond the smallest size', () => {
  const pool = new BufferPool();
  for (let bytes = 1; bytes < 600_000; bytes += 511) {
    const room = pool.takeRoom(bytes);
    assert.ok(room.length >= bytes && room.length <= Math.max(1_024, 1.5 * bytes), `${room.length} for ${bytes}`);
    assert.equal(pool.take(bytes).length, bytes);
  }
});

test('what is free has a bound, and what is taken again is free no more', () => {
  const pool = new BufferPool();
  const taken = Array.from({ length: 9_000 }, (_, index) => pool.take(1_000 + 8_192 * (index % 9)));
  for (const buffer of taken) pool.give(buffer);
  const { freeBytes } = pool;
  assert.ok(freeBytes > 100_000_000 && freeBytes <= 96 * 1024 * 1024, `${freeBytes} bytes are free`);
  const again = pool.take(1_000);
  assert.ok(taken.some(({ buffer }) => buffer === again.buffer));
  assert.equal(pool.freeBytes, freeBytes - 1_024);
});

test('what 1,000 streams let go of in one moment and take in the next is not made again', () => {
  const pool = new BufferPool();
  const bytes = 65_536;
  const taken = new Set(Array.from({ length: 1_000 }, () => pool.take(bytes)));
  const memories = new Set([...taken].map(({ buffer }) => buffer));
  for (const buffer of taken) pool.give(buffer);
  pool.trim();
  assert.equal(pool.freeBytes, 1_000 * bytes, 'all of it was in use since the last trim');
  const again = Array.from({ length: 1_000 }, () => pool.take(bytes));
  assert.ok(again.every(({ buffer }) => memories.has(buffer)));
});

test('what nobody needs goes back, by halves', () => {
  const pool = new BufferPool();
  const taken = Array.from({ length: 16 }, () => pool.take(1_024));
  for (const buffer of taken) pool.give(buffer);
  const free: number[] = [];
  for (let turn = 0; turn < 7; turn++) {
    pool.trim();
    free.push(pool.freeBytes / 1_024);
    // Four are in use at a time.
    if (turn < 3) for (const buffer of Array.from({ length: 4 }, () => pool.take(1_024))) pool.give(buffer);
  }
  assert.deepEqual(free, [16, 10, 7, 5, 2, 1, 0]);
});

test('sizes that nobody takes any more make room for those in use', () => {
  const pool = new BufferPool();
  const first = Array.from({ length: 400 }, () => pool.take(150_000));
  for (const buffer of first) pool.give(buffer);
  const used = Array.from({ length: 100 }, () => pool.take(30_000));
  for (const buffer of used) pool.give(buffer);
  const again = Array.from({ length: 100 }, () => pool.take(30_000));
  assert.ok(again.every(({ buffer }) => used.some((each) => each.buffer === buffer)));
});

/** Keeps the buffers themselves, and a copy of what was in them. */
class KeepingSink implements PlayerSink {
  readonly pendingBytes: number | undefined;
  readonly #accepts: boolean;
  readonly given: { bytes: Buffer; copy: Buffer }[] = [];

  constructor(pendingBytes: number | undefined, accepts = true) {
    this.pendingBytes = pendingBytes;
    this.#accepts = accepts;
  }

  write(bytes: Buffer): boolean {
    this.given.push({ bytes, copy: Buffer.from(bytes) });
    return this.#accepts;
  }

  writeParts(parts: readonly Buffer[]): boolean {
    return parts.map((part) => this.write(part)).every(Boolean);
  }

  end(): void {}

  get memories(): Set<ArrayBufferLike> {
    return new Set(this.given.map(({ bytes }) => bytes.buffer));
  }
}

function bringSlices(feed: Feed, count: number): void {
  for (const message of [videoHeader(0), audioHeader(0), keyframe(0)]) feed.push(message, 0);
  feed.flush(Number.POSITIVE_INFINITY);
  for (let index = 1; index <= count; index++) {
    const timeMs = 40 * index;
    feed.push(interFrame(timeMs), timeMs);
    feed.push(audioFrame(timeMs + 3), timeMs);
    feed.flush(Number.POSITIVE_INFINITY);
  }
}

const formats = { RTMP: rtmpFormat(60_000, true), 'HTTP-FLV': flvFormat('bare', { audio: true, video: true }) };

for (const [name, format] of Object.entries(formats)) {
  const play = (...sinks: KeepingSink[]): void => {
    const stream = new LiveStream({ vhost: 'v', app: 'a', stream: 's' }, defaultVhost({ minLatency: true }));
    for (const sink of sinks) {
      stream.attach(new Player({ format, sink, limits: () => ({ queueLengthMs: 30_000, queueMaxBytes: 1e9 }) }));
    }
    bringSlices(stream.openFeed(), 40);
  };

  test(`${name}: slices that the kernel has taken at once have the same memory`, () => {
    const sink = new KeepingSink(0);
    play(sink, new KeepingSink(0));
    assert.equal(sink.given.length, 41);
    assert.ok(sink.memories.size <= 4, `${sink.memories.size} buffers`);
  });

  for (const [kind, slow] of [
    ['a socket that has not taken all', new KeepingSink(1)],
    ['a sink that cannot tell', new KeepingSink(undefined)],
    ['a player that wants no more', new KeepingSink(1, false)],
  ] as const) {
    test(`${name}: nothing is written into what ${kind} was given`, () => {
      play(new KeepingSink(0), slow, new KeepingSink(0));
      assert.ok(slow.given.length > 0);
      for (const { bytes, copy } of slow.given) assert.deepEqual(bytes, copy);
    });
  }
}

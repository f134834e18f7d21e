/** What waits for a slow player: its order, and how much it is said to be. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MediaMemory } from '../../edge/budget/media-memory.ts';
import { defaultVhost } from '../../edge/conf/defaults.ts';
import type { RtmpMessage } from '../../edge/rtmp/message.ts';
import { Backlog } from '../../edge/stream/backlog.ts';
import { queueLimits } from '../../edge/stream/queue-limits.ts';
import type { Slice } from '../../edge/stream/slice.ts';
import { interFrame, keyframe } from '../support/media.ts';
import { sliceOf } from '../support/slices.ts';

function bytesOf(...messages: RtmpMessage[]): number {
  return messages.reduce((sum, { payload }) => sum + payload.length, 0);
}

function scene(): { memory: MediaMemory; backlog: Backlog } {
  const memory = new MediaMemory(() => Number.POSITIVE_INFINITY);
  return { memory, backlog: new Backlog(memory) };
}

const before = [interFrame(0), interFrame(40)];
const entry = [keyframe(120), interFrame(160)];
const behind = [interFrame(200)];

function three(): [Slice, Slice, Slice] {
  return [sliceOf(...before), sliceOf(interFrame(80), ...entry), sliceOf(...behind)];
}

test('what is dropped to the newest place to begin at counts no more', () => {
  const { memory, backlog } = scene();
  const slices = three();
  for (const slice of slices) backlog.push(slice);
  assert.equal(backlog.bytes, bytesOf(...before, interFrame(80), ...entry, ...behind));
  assert.equal(backlog.spanMs, 160);
  assert.equal(backlog.dropToEntry(), true);
  assert.equal(backlog.bytes, bytesOf(...entry, ...behind));
  assert.equal(backlog.oldest?.startMs, 120);
  assert.equal(backlog.dropToEntry(), false, 'it is the oldest');
  assert.equal(backlog.shift()?.startMs, 120);
  assert.equal(backlog.bytes, bytesOf(...behind));
  assert.equal(backlog.shift(), slices[2]);
  assert.equal(backlog.shift(), undefined);
  assert.equal(backlog.bytes, 0);
  assert.equal(memory.bytesOf('backlog'), 0);
});

test('dropped to the newest slice, it holds nothing', () => {
  const { memory, backlog } = scene();
  const slices = three();
  for (const slice of slices) backlog.push(slice);
  assert.notEqual(memory.bytesOf('backlog'), 0);
  assert.equal(backlog.dropToNewest(), slices[2]);
  assert.equal(backlog.oldest, undefined);
  assert.equal(backlog.bytes, 0);
  assert.equal(memory.bytesOf('backlog'), 0);
});

test('an opening counts against no limit', () => {
  const { memory, backlog } = scene();
  const [first, second, third] = three();
  backlog.open([first, second], 0);
  assert.deepEqual([backlog.bytes, backlog.spanMs], [0, 0]);
  assert.notEqual(memory.bytesOf('backlog'), 0);
  backlog.push(third);
  assert.deepEqual([backlog.bytes, backlog.spanMs], [third.payloadBytes, 0]);
  assert.equal(backlog.shift(), first);
  assert.equal(backlog.shift(), second);
  assert.equal(backlog.bytes, third.payloadBytes);
  assert.equal(backlog.shift(), third);
  assert.deepEqual([backlog.bytes, memory.bytesOf('backlog')], [0, 0]);
});

test('much may go through it: order, bytes and the place to begin at stay right', () => {
  const { memory, backlog } = scene();
  const slices = Array.from({ length: 100 }, (_, at) => sliceOf(at === 90 ? keyframe(at * 40) : interFrame(at * 40)));
  backlog.open(slices.slice(0, 10), 0);
  for (const slice of slices.slice(10)) backlog.push(slice);
  for (const slice of slices.slice(0, 70)) assert.equal(backlog.shift(), slice);
  assert.equal(
    backlog.bytes,
    slices.slice(70).reduce((sum, { payloadBytes }) => sum + payloadBytes, 0),
  );
  assert.equal(backlog.spanMs, 29 * 40);
  assert.equal(backlog.dropToEntry(), true);
  assert.equal(
    backlog.bytes,
    slices.slice(90).reduce((sum, { payloadBytes }) => sum + payloadBytes, 0),
  );
  for (const slice of slices.slice(90)) assert.equal(backlog.shift()?.startMs, slice.startMs);
  assert.deepEqual([backlog.bytes, memory.bytesOf('backlog')], [0, 0]);
});

test('what may wait is configured in seconds, and in bytes', () => {
  const vhost = defaultVhost({ play: { queueLengthSeconds: 7 } });
  assert.deepEqual(queueLimits(vhost), { queueLengthMs: 7_000, queueMaxBytes: vhost.edge.playQueueMaxBytes });
});

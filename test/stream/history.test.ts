/** What a stream remembers of its frames, where its tracks are far apart. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { placed, toUntimedFrame, type UntimedFrame } from '../../edge/stream/frame.ts';
import { History } from '../../edge/stream/history.ts';
import { audioFrame, interFrame, keyframe } from '../support/media.ts';
import { frameOf } from '../support/slices.ts';

function frame(message: typeof audioFrame, timeMs: number, id: number): UntimedFrame {
  const untimed = toUntimedFrame(message(timeMs, id));
  assert.ok(untimed !== undefined);
  return untimed;
}

test('each track is remembered by its own times', () => {
  for (const audioMs of [0, 30_000, -30_000]) {
    const history = new History();
    for (let ms = 0; ms <= 1_000; ms += 40) {
      for (const untimed of [frame(audioFrame, 60_000 + audioMs + ms, ms), frame(interFrame, 60_000 + ms, ms)]) {
        history.add(placed(untimed, untimed.sourceTime));
      }
    }
    for (const [message, fromMs] of [
      [audioFrame, 60_000 + audioMs],
      [interFrame, 60_000],
    ] as const) {
      assert.equal(history.compare(frame(message, fromMs + 400, 400)), 'had');
      assert.equal(history.compare(frame(message, fromMs + 410, 9_000)), 'past', `${audioMs}`);
      assert.equal(history.compare(frame(message, fromMs - 250, 9_003)), 'past', 'origins interleave as they like');
      assert.equal(history.compare(frame(message, fromMs - 251, 9_004)), 'foreign');
      assert.equal(history.compare(frame(message, fromMs - 5_000, 9_001)), 'foreign', `${audioMs}`);
      assert.equal(history.compare(frame(message, fromMs + 1_000, 9_005)), 'next', 'another one of the same time');
      assert.equal(history.compare(frame(message, fromMs + 1_040, 9_002)), 'next');
    }
  }
});

/** A history of pictures every 40 ms, with a key frame every so many. */
function pictures(count: number, framesPerGop: number): History {
  const history = new History();
  for (let at = 0; at < count; at++) history.add(frameOf((at % framesPerGop === 0 ? keyframe : interFrame)(at * 40)));
  return history;
}

/** Whether the picture of this number is remembered. */
function had(history: History, at: number, framesPerGop: number): boolean {
  return history.compare(frameOf((at % framesPerGop === 0 ? keyframe : interFrame)(at * 40))) === 'had';
}

test('the GOP before the present one is remembered, and none before that', () => {
  const history = pictures(225, 75);
  assert.deepEqual(
    [0, 74, 75, 149, 150, 224].map((at) => had(history, at, 75)),
    [false, false, true, true, true, true],
  );
  history.clear();
  assert.deepEqual(
    [75, 224].map((at) => had(history, at, 75)),
    [false, false],
  );
});

test('of short GOPs, the last 2 s are remembered', () => {
  for (let count = 100; count < 160; count++) {
    const history = pictures(count, 5);
    assert.equal(had(history, count - 50, 5), true, `${count}`);
    assert.equal(had(history, count - 150, 5), false);
  }
});

test('of a GOP without end, the last 5,000 frames are remembered, and twice as many at most', () => {
  for (const count of [10_001, 12_000, 15_002, 17_000]) {
    const history = pictures(count, Number.POSITIVE_INFINITY);
    assert.equal(had(history, count - 5_000, Number.POSITIVE_INFINITY), true);
    assert.equal(had(history, count - 10_003, Number.POSITIVE_INFINITY), false);
  }
});

test('by how much a source’s clock differs is told by a frame that looks like one other', () => {
  const history = new History();
  for (const [timeMs, id] of [
    [1_000, 1],
    [1_020, 0],
    [1_040, 0],
    [1_060, 2],
  ] as const)
    history.add(frameOf(audioFrame(timeMs, id)));
  const shift = (timeMs: number, id: number): number | undefined => history.shiftOf(frameOf(audioFrame(timeMs, id)));
  assert.equal(shift(0, 1), 1_000);
  assert.equal(shift(5_000, 2), -3_940);
  assert.equal(shift(1_060, 2), 0);
  assert.equal(shift(0, 0), undefined, 'silence looks the same everywhere');
  assert.equal(shift(1_040, 0), 0, 'and at the same time it is the same');
  assert.equal(shift(0, 3), undefined);
});

/** What a stream remembers of its frames, where its tracks are far apart. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { placed, toUntimedFrame, type UntimedFrame } from '../../edge/stream/frame.ts';
import { History } from '../../edge/stream/history.ts';
import { audioFrame, interFrame } from '../support/media.ts';

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
      assert.equal(history.compare(frame(message, fromMs - 5_000, 9_001)), 'foreign', `${audioMs}`);
      assert.equal(history.compare(frame(message, fromMs + 1_040, 9_002)), 'next');
    }
  }
});

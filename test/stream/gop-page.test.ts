/** A part of a GOP: what players are shown of it, and when its memory may be used again. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BufferPool } from '../../edge/stream/buffer-pool.ts';
import { GopPage } from '../../edge/stream/gop-page.ts';
import { wholeOf } from '../../edge/stream/slice-part.ts';
import { interFrame, keyframe } from '../support/media.ts';
import { sliceOf } from '../support/slices.ts';

const part = wholeOf(sliceOf(keyframe(0)));

test('it is shown as one slice until more is added', () => {
  const page = new GopPage(part, 1000, new BufferPool());
  page.add(part);
  const shown = page.show();
  assert.equal(page.show(), shown);
  page.add(wholeOf(sliceOf(interFrame(40))));
  const more = page.show();
  assert.deepEqual([shown.frameCount, more.frameCount], [1, 2]);
  assert.deepEqual([more.startMs, more.endMs], [0, 40]);
});

test('its memory is used again, unless somebody has been shown it', () => {
  for (const isShown of [false, true]) {
    const pool = new BufferPool();
    const page = new GopPage(part, 1000, pool);
    page.add(part);
    if (isShown) page.show();
    const { roomBytes } = page;
    page.free();
    assert.equal(pool.freeBytes, isShown ? 0 : roomBytes);
    assert.equal(page.roomBytes, 0);
  }
});

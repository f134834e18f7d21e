/** Frames are known again by samples of their bytes: of real media that is as good as all of them. */

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { checksum } from '../../edge/stream/checksum.ts';
import { makeClip } from '../support/ffmpeg.ts';
import { isFrame, readFlv } from '../support/programs-flv.ts';

test('different frames of a real clip have different checksums', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'checksum-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const frames = readFlv(makeClip(directory, 'clip', { seconds: 20, gop: 50 })).filter(isFrame);
  assert.ok(frames.length > 1_000, `${frames.length} frames`);
  const distinct = new Map(frames.map(({ payload }) => [payload.toString('latin1'), payload]));
  const known = new Set([...distinct.values()].map((payload) => `${payload.length} ${checksum(payload)}`));
  assert.equal(known.size, distinct.size);
});

test('a copy has the same checksum, and a change in its first or last bytes shows', () => {
  for (const length of [0, 1, 63, 64, 100, 143, 144, 145, 146, 147, 200, 1_000, 70_001]) {
    const payload = randomBytes(length);
    assert.equal(checksum(Buffer.from(payload)), checksum(payload));
    for (const at of [0, 5, 63, length - 16, length - 1]) {
      if (at < 0 || at >= length) continue;
      const changed = Buffer.from(payload);
      changed[at] = (changed[at] as number) ^ 1;
      assert.notEqual(checksum(changed), checksum(payload), `byte ${at} of ${length}`);
    }
  }
});

test('a change in any stretch of a long payload shows, and of a short one in any byte', () => {
  for (const length of [145, 200, 1_000, 70_001]) {
    const payload = randomBytes(length);
    const stretch = Math.ceil((length - 80) / 16) + 4;
    for (let from = 0; from + stretch <= length; from += 4) {
      const changed = Buffer.from(payload);
      for (let at = from; at < from + stretch; at++) changed[at] = (changed[at] as number) ^ 0x5a;
      assert.ok(checksum(changed) !== checksum(payload), `bytes from ${from} of ${length}`);
    }
  }
  const short = randomBytes(144);
  for (let at = 0; at < short.length; at++) {
    const changed = Buffer.from(short);
    changed[at] = (changed[at] as number) ^ 1;
    assert.ok(checksum(changed) !== checksum(short), `byte ${at}`);
  }
});

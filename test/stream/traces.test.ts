/** What is left of frames that have gone out. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checksum } from '../../edge/stream/checksum.ts';
import { isTraceOf, Traces } from '../../edge/stream/traces.ts';
import { audioFrame, dataMessage, interFrame } from '../support/media.ts';
import { frameOf } from '../support/slices.ts';

test('a thousand frames are known again, each by its type, bytes and time', () => {
  const makers = [interFrame, audioFrame, dataMessage];
  const frames = Array.from({ length: 1_000 }, (_, at) => frameOf(makers[at % 3]!(4_294_900_000 + 40 * at, at)));
  const traces = new Traces();
  for (const frame of frames) traces.add(frame);
  assert.equal(traces.count, frames.length);
  assert.equal(traces.startMs, frames[0]?.timeMs);
  for (const [at, { type, track, role, sourceTime, payload }] of frames.entries()) {
    const trace = { type, track, isMedia: role === 'media', sourceTime, bytes: payload.length };
    assert.deepEqual(traces.at(at), { ...trace, checksum: checksum(payload) });
    assert.deepEqual(
      [at, (at + 1) % 1_000, (at + 3) % 1_000].map((other) => isTraceOf(traces.at(at), frames[other]!)),
      [true, false, false],
    );
  }
  traces.clear();
  assert.equal(traces.count, 0);
  traces.add(frames[7]!);
  assert.equal(traces.startMs, frames[7]?.timeMs);
});

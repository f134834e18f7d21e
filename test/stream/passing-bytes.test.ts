/** What a source brings may lie in memory that the next read fills again: whoever keeps a part of it keeps a copy. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultVhost } from '../../edge/conf/defaults.ts';
import type { RtmpMessage } from '../../edge/rtmp/message.ts';
import { LiveStream } from '../../edge/stream/live-stream.ts';
import { FirstFrames } from '../../edge/upstream/pull/first-frames.ts';
import {
  audioFrame,
  audioHeader,
  clip,
  dataMessage,
  interFrame,
  keyframe,
  metadata,
  videoHeader,
} from '../support/media.ts';
import { attachPlayer } from '../support/playback.ts';
import fc, { inputs } from '../support/property.ts';

/** Messages whose bytes change as soon as the next one is made. */
function passing(): (message: RtmpMessage) => RtmpMessage {
  const memory = Buffer.alloc(4096);
  return (message) => {
    memory.fill(0xee);
    message.payload.copy(memory);
    return { ...message, payload: memory.subarray(0, message.payload.length) };
  };
}

/** One source after the other brings its messages, one each 20 ms; returns all that a player gets. */
function play(sources: readonly (readonly RtmpMessage[])[], bring: (message: RtmpMessage) => RtmpMessage): Buffer {
  const stream = new LiveStream({ vhost: 'v', app: 'a', stream: 's' }, defaultVhost({ minLatency: true }));
  const { sink } = attachPlayer(stream);
  let nowMs = 0;
  for (const messages of sources) {
    const feed = stream.openFeed();
    for (const message of messages) {
      feed.push(bring(message), nowMs);
      feed.flush(Number.POSITIVE_INFINITY);
      nowMs += 20;
    }
  }
  return Buffer.concat(sink.writes);
}

function later(messages: readonly RtmpMessage[], byMs: number): RtmpMessage[] {
  return messages.map((message) => ({ ...message, timestamp: message.timestamp + byMs }));
}

const jump = [
  ...clip({ gops: 1 }),
  ...later(clip({ gops: 3, seed: 1 }).slice(3), 500_000),
  ...later([interFrame(0, 77), interFrame(40, 78), interFrame(80, 79), interFrame(120, 80)], 900_000),
];

const scenes: Record<string, readonly (readonly RtmpMessage[])[]> = {
  'headers and data before the first frame': [
    [metadata(0), dataMessage(0, 5), videoHeader(0), audioHeader(0), dataMessage(0, 6), keyframe(0), audioFrame(3)],
  ],
  'a clock that jumps': [jump],
  'another source with other headers': [
    clip(),
    [metadata(0, { width: 320 }), videoHeader(0, 1), audioHeader(0, 1), ...clip({ seed: 1 })],
  ],
  'a picture that looked like one that was there': [
    [videoHeader(0), keyframe(0, 1), interFrame(40, 2), interFrame(80, 3)],
    [
      videoHeader(0),
      keyframe(7_000, 1),
      audioFrame(7_003, 9),
      interFrame(7_040, 98),
      interFrame(7_080, 99),
      keyframe(7_120, 97),
    ],
  ],
};

for (const [name, sources] of Object.entries(scenes)) {
  test(`${name}: players get the same from memory that is used again`, () => {
    const expected = play(sources, (message) => message);
    assert.ok(expected.length > 0);
    assert.deepEqual(play(sources, passing()), expected);
  });
}

test('players get the same from memory that is used again, whatever comes', () => {
  const message = fc.tuple(
    fc.constantFrom(
      videoHeader,
      audioHeader,
      metadata,
      dataMessage,
      keyframe,
      interFrame,
      interFrame,
      audioFrame,
      audioFrame,
    ),
    fc.oneof({ weight: 8, arbitrary: fc.nat(400) }, { weight: 1, arbitrary: fc.nat(2 ** 31) }),
    fc.nat(6),
  );
  const source = fc
    .array(message, { maxLength: 40 })
    .map((made) =>
      made.map(([make, timestamp, id]) =>
        make === metadata ? metadata(timestamp, { id }) : (make as typeof keyframe)(timestamp, id),
      ),
    );
  fc.assert(
    fc.property(fc.array(source, { minLength: 1, maxLength: 3 }), (sources) => {
      assert.deepEqual(
        play(sources, passing()),
        play(sources, (each) => each),
      );
    }),
    { numRuns: inputs(400) },
  );
});

test('what an origin sends before it is known to have the stream is kept as it came', () => {
  const messages = clip();
  const bring = passing();
  const first = new FirstFrames();
  const taken: Buffer[] = [];
  for (const message of messages.slice(0, 4)) {
    for (const { payload } of first.next(bring(message))) taken.push(Buffer.from(payload));
  }
  assert.deepEqual(
    taken,
    messages.slice(0, 4).map(({ payload }) => payload),
  );
});

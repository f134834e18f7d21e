/** What is counted of a stream. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultVhost } from '../../edge/conf/defaults.ts';
import { LiveStream } from '../../edge/stream/live-stream.ts';
import { clip, dataMessage, interFrame } from '../support/media.ts';
import { attachPlayer } from '../support/playback.ts';
import { frameOf } from '../support/slices.ts';

const name = { vhost: 'v', app: 'a', stream: 's' };

test('frames and bytes are counted by what they are', () => {
  const stream = new LiveStream(name, defaultVhost({ minLatency: true }));
  const feed = stream.openFeed();
  const messages = [...clip({ gops: 1, framesPerGop: 4 }), dataMessage(200)];
  for (const message of messages) {
    feed.push(message, 0);
    feed.flush(Number.POSITIVE_INFINITY);
  }
  const { framesReceived, videoFrames, audioFrames, bytesReceived, slices } = stream.stats;
  // Metadata, two headers, and four times a picture with sound; then data.
  assert.deepEqual(
    { framesReceived, videoFrames, audioFrames },
    { framesReceived: 12, videoFrames: 5, audioFrames: 5 },
  );
  assert.equal(
    bytesReceived,
    messages.reduce((sum, message) => sum + frameOf(message).payload.length, 0),
  );
  assert.ok(slices > 0 && slices <= messages.length);
  const had = slices;
  feed.push(interFrame(240), 0);
  feed.flush(Number.POSITIVE_INFINITY);
  assert.equal(stream.stats.slices, had + 1);
});

test('a stream that has ended gives nothing out any more', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const stream = new LiveStream(name, defaultVhost());
  const { sink } = attachPlayer(stream);
  const feed = stream.openFeed();
  for (const message of clip({ gops: 1 })) feed.push(message, 0);
  feed.flush(performance.now());
  t.mock.timers.tick(10_000);
  const had = sink.writes.length;
  assert.notEqual(had, 0);
  // This one waits for the end of its interval.
  feed.push(interFrame(400), 0);
  feed.flush(performance.now());
  assert.equal(sink.writes.length, had);
  stream.dispose();
  t.mock.timers.tick(10_000);
  assert.equal(sink.writes.length, had);
});

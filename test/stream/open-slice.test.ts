/** The slice that is being filled: when it leaves, what the first one waits for, and the times of headers in it. */

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { MediaMemory } from '../../edge/budget/media-memory.ts';
import { defaultVhost, type VhostOverrides } from '../../edge/conf/defaults.ts';
import type { RtmpMessage } from '../../edge/rtmp/message.ts';
import { slicePool } from '../../edge/stream/buffer-pool.ts';
import type { Feed } from '../../edge/stream/feed.ts';
import { LiveStream } from '../../edge/stream/live-stream.ts';
import { rtmpFormat } from '../../edge/stream/rtmp-format.ts';
import { noReports } from '../../edge/stream/stream-reports.ts';
import { audioFrame, audioHeader, interFrame, keyframe, videoHeader } from '../support/media.ts';
import { attachPlayer, decodeRtmp, type RecordingSink } from '../support/playback.ts';
import { stopClock } from '../support/stopped-clock.ts';

const chunkSize = 60_000;

function scene(t: TestContext, overrides: VhostOverrides = { minLatency: true }) {
  const goOn = stopClock(t);
  const memory = new MediaMemory(() => Number.POSITIVE_INFINITY);
  const stream = new LiveStream({ vhost: 'v', app: 'a', stream: 's' }, defaultVhost(overrides), noReports, memory);
  const { sink } = attachPlayer(stream, { format: rtmpFormat(chunkSize, true) });
  return { goOn, memory, stream, feed: stream.openFeed(), sink };
}

/** Pushes what was read at once. */
function bring(feed: Feed, ...messages: RtmpMessage[]): void {
  for (const message of messages) feed.push(message, performance.now());
  feed.flush(performance.now());
}

/** Kind and time of all that a player got. */
function played({ writes }: RecordingSink): string[] {
  return decodeRtmp(writes, chunkSize).map(
    ({ type, timestamp, payload }) =>
      `${type === 9 ? 'video' : 'audio'} ${payload[1] === 0 ? 'header ' : ''}${timestamp}`,
  );
}

test('the first slice waits for a track that has a header: half a second from when it was due, and no longer', (t) => {
  const { goOn, feed, sink, stream } = scene(t);
  bring(feed, videoHeader(0), audioHeader(0));
  goOn(1_000);
  bring(feed, keyframe(0));
  goOn(300);
  bring(feed, interFrame(300));
  goOn(199);
  assert.deepEqual([sink.writes.length, sink.lives], [0, 0], 'whether it has sound is not known yet');
  goOn(1);
  assert.deepEqual(played(sink), ['video header 0', 'audio header 0', 'video 0', 'video 300']);
  bring(feed, interFrame(500));
  assert.deepEqual([sink.writes.length, sink.lives], [2, 1]);
  feed.close();
  assert.equal(stream.stats.slices, 2, 'what is empty is no slice');
});

test('it leaves with the first frame of that track', (t) => {
  const { goOn, feed, sink } = scene(t);
  bring(feed, videoHeader(0), audioHeader(0), keyframe(0));
  goOn(100);
  bring(feed, audioFrame(60));
  assert.deepEqual(played(sink), ['video header 0', 'audio header 0', 'video 0', 'audio 60']);
});

test('the first slice of each publication waits', (t) => {
  const { goOn, stream, sink } = scene(t);
  for (let publication = 1; publication <= 2; publication++) {
    const feed = stream.openFeed();
    bring(feed, videoHeader(0), audioHeader(0), keyframe(0, publication));
    goOn(499);
    assert.equal(sink.writes.length, publication - 1);
    goOn(1);
    assert.equal(sink.writes.length, publication);
    feed.close();
    stream.forget();
  }
});

test('a source that takes over is live at once, though its first slice is due later', (t) => {
  const { goOn, stream, feed } = scene(t, { play: { mwLatencyMs: 350, gopCache: false } });
  bring(feed, keyframe(0));
  feed.close();
  goOn(100);
  bring(stream.openFeed(), keyframe(9_000, 1));
  const { sink } = attachPlayer(stream);
  assert.deepEqual([sink.writes.length, sink.lives], [0, 1]);
});

test('a slice of a megabyte does not wait until the interval is over', (t) => {
  const { feed, sink } = scene(t, { play: { mwLatencyMs: 60_000 } });
  bring(feed, keyframe(0));
  bring(feed, interFrame(40, 1, 600_000));
  assert.equal(sink.writes.length, 1);
  bring(feed, interFrame(80, 2, 600_000));
  assert.equal(sink.writes.length, 2);
});

test('mw_msgs: where the second interval is over, too, nothing more is waited for', (t) => {
  const { goOn, feed, sink } = scene(t, { play: { mwLatencyMs: 40, mwMsgs: 3 } });
  bring(feed, keyframe(0));
  bring(feed, interFrame(40));
  // The process was held up.
  goOn(80);
  assert.equal(sink.writes.length, 2);
});

test('a stream that is not used again hands on nothing more, and gives all its memory back', (t) => {
  const { goOn, feed, memory, sink, stream } = scene(t, { play: { mwLatencyMs: 40, mwMsgs: 0 } });
  bring(feed, keyframe(0));
  bring(feed, interFrame(40, 1, 100_000));
  const { freeBytes } = slicePool;
  stream.dispose();
  assert.ok(slicePool.freeBytes >= freeBytes + 100_000);
  goOn(1_000);
  assert.equal(sink.writes.length, 1);
  assert.deepEqual([memory.total, memory.gopCaches.size], [0, 0]);
});

test('headers that have the time of the track that is ahead do not shift their own', (t) => {
  const { feed, sink } = scene(t);
  bring(feed, videoHeader(12_500), audioHeader(12_500), keyframe(12_500));
  bring(feed, audioFrame(10_000), audioFrame(10_020));
  assert.deepEqual(played(sink), ['video header 2500', 'audio header 0', 'video 2500', 'audio 0', 'audio 20']);
});

test('a header that has left cannot be moved: its track stands still until it is past that time', (t) => {
  const { goOn, feed, sink } = scene(t);
  bring(feed, videoHeader(12_500), audioHeader(12_500), keyframe(12_500));
  goOn(500);
  assert.equal(sink.writes.length, 1);
  bring(feed, interFrame(13_000), audioFrame(10_500), audioFrame(10_520));
  bring(feed, audioFrame(12_480), audioFrame(12_510), audioFrame(12_530));
  assert.deepEqual(
    played(sink).filter((each) => each.startsWith('audio')),
    ['audio header 0', 'audio 0', 'audio 0', 'audio 0', 'audio 10', 'audio 30'],
  );
});

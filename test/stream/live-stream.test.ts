import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MediaMemory } from '../../edge/budget/media-memory.ts';
import { defaultVhost, type VhostOverrides } from '../../edge/conf/defaults.ts';
import type { RtmpMessage } from '../../edge/rtmp/message.ts';
import type { Feed } from '../../edge/stream/feed.ts';
import { flvFormat } from '../../edge/stream/flv-format.ts';
import { LiveStream } from '../../edge/stream/live-stream.ts';
import { Player } from '../../edge/stream/player.ts';
import { Refusal } from '../../edge/stream/request.ts';
import { rtmpFormat } from '../../edge/stream/rtmp-format.ts';
import { noReports } from '../../edge/stream/stream-reports.ts';
import type { StreamSource } from '../../edge/stream/stream-source.ts';
import type { WireFormat } from '../../edge/stream/wire-format.ts';
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
import { attachPlayer, decodeFlv, decodeRtmp, RecordingSink } from '../support/playback.ts';
import { streamRequest } from '../support/requests.ts';
import { stopClock } from '../support/stopped-clock.ts';

const flv = flvFormat('bare', { audio: true, video: true });

function newStream(overrides: VhostOverrides = { minLatency: true }): LiveStream {
  return new LiveStream({ vhost: 'v', app: 'a', stream: 's' }, defaultVhost(overrides));
}

function join(stream: LiveStream, format: WireFormat = flv, queueLengthMs = 30_000, isEdge = false) {
  const sink = new RecordingSink();
  const player = new Player({ format, sink, isEdge, limits: () => ({ queueLengthMs, queueMaxBytes: 16_000_000 }) });
  stream.attach(player);
  return { sink, player };
}

/** Pushes all and closes a slice if one is due. */
function bring(feed: Feed, ...messages: RtmpMessage[]): void {
  for (const message of messages) feed.push(message, message.timestamp);
  feed.flush(performance.now());
}

function payloads(sink: RecordingSink): Buffer[] {
  return decodeFlv(sink.writes, 'bare').map(({ payload }) => payload);
}

test('players in step are handed the very same bytes, one write each for a slice', () => {
  const stream = newStream();
  const feed = stream.openFeed();
  bring(feed, ...clip({ gops: 1 }));
  const rtmp = rtmpFormat(60_000, true);
  const early = join(stream, rtmp);
  bring(feed, interFrame(200), audioFrame(203));
  const late = join(stream, rtmp);
  const otherFormat = join(stream, rtmpFormat(4_096, true));
  bring(feed, interFrame(240), audioFrame(243));
  assert.equal(early.sink.writes.length, 3);
  assert.equal(late.sink.writes.length, 2);
  assert.equal(late.sink.writes[1], early.sink.writes[2]);
  assert.notEqual(otherFormat.sink.writes[1], early.sink.writes[2]);
  const alsoLate = join(stream, rtmp);
  assert.notEqual(alsoLate.sink.writes[0], early.sink.writes[0]);
  const asLate = join(stream, rtmp);
  assert.equal(asLate.sink.writes[0], alsoLate.sink.writes[0], 'those who join at the same time share, too');
});

test('who joins just behind a key frame has the GOP before it, in step with all that follows', () => {
  const stream = newStream();
  const feed = stream.openFeed();
  const chunkSize = 60_000;
  const early = join(stream, rtmpFormat(chunkSize, false));
  bring(feed, ...clip({ gops: 1, framesPerGop: 3 }));
  bring(feed, audioFrame(110), keyframe(120));
  const late = join(stream, rtmpFormat(chunkSize, false));
  const byFlv = join(stream);
  const edge = join(stream, rtmpFormat(chunkSize, false), 30_000, true);
  bring(feed, audioFrame(130), interFrame(160));
  const all = decodeRtmp(early.sink.writes, chunkSize);
  assert.deepEqual(decodeRtmp(late.sink.writes, chunkSize), all);
  assert.deepEqual(
    payloads(byFlv.sink),
    all.map(({ payload }) => payload),
  );
  const byEdge = decodeRtmp(edge.sink.writes, chunkSize);
  assert.deepEqual(byEdge.slice(-3), all.slice(-3));
  assert.equal(byEdge.at(-3)?.timestamp, 120);
  assert.ok(byEdge.length < all.length, 'an edge begins where other origins begin');
  const asLate = join(stream, rtmpFormat(chunkSize, false));
  assert.equal(
    decodeRtmp(asLate.sink.writes, chunkSize).at(-3)?.timestamp,
    120,
    'from the next slice on the new GOP alone',
  );
});

test('mw_latency: the first slice leaves at once, the next ones together when the interval is over', (t) => {
  const goOn = stopClock(t);
  const stream = newStream({ play: { mwLatencyMs: 40, mwMsgs: 0 } });
  const { sink } = join(stream);
  const feed = stream.openFeed();
  bring(feed, keyframe(0));
  assert.equal(sink.writes.length, 1);
  bring(feed, interFrame(40));
  bring(feed, interFrame(80), audioFrame(85));
  goOn(30);
  assert.equal(sink.writes.length, 1);
  goOn(10);
  assert.equal(sink.writes.length, 2);
  assert.deepEqual(decodeFlv(sink.writes.slice(0, 0).concat(sink.writes[1]!), 'bare').length, 3);
});

test('mw_msgs: too few messages wait for one more interval, and no longer', (t) => {
  const goOn = stopClock(t);
  const stream = newStream({ play: { mwLatencyMs: 40, mwMsgs: 3 } });
  const { sink } = join(stream);
  const feed = stream.openFeed();
  bring(feed, keyframe(0));
  bring(feed, interFrame(40));
  goOn(40);
  assert.equal(sink.writes.length, 1, 'one message is too few');
  bring(feed, interFrame(80));
  goOn(39);
  assert.equal(sink.writes.length, 1);
  goOn(1);
  assert.equal(sink.writes.length, 2);
  assert.deepEqual(payloads(sink).length, 3);

  bring(feed, interFrame(120), interFrame(160), interFrame(200));
  goOn(40);
  assert.equal(sink.writes.length, 3, 'three are enough');
});

test('min_latency: every flush is a slice, though no time has passed', (t) => {
  stopClock(t);
  const stream = newStream({ minLatency: true });
  const { sink } = join(stream);
  const feed = stream.openFeed();
  for (let index = 0; index < 10; index++) bring(feed, index === 0 ? keyframe(0) : interFrame(index));
  assert.equal(sink.writes.length, 10);
});

test('the merged-write interval comes to its end by itself', { timeout: 90_000 }, async () => {
  const stream = newStream({ play: { mwLatencyMs: 5, mwMsgs: 2 } });
  const written = Promise.withResolvers<void>();
  class Waiting extends RecordingSink {
    override write(bytes: Buffer): boolean {
      const wantsMore = super.write(bytes);
      if (this.writes.length === 2) written.resolve();
      return wantsMore;
    }
  }
  const sink = new Waiting();
  stream.attach(new Player({ format: flv, sink, limits: () => ({ queueLengthMs: 1_000, queueMaxBytes: 16_000_000 }) }));
  const feed = stream.openFeed();
  bring(feed, keyframe(0));
  bring(feed, interFrame(40));
  await written.promise;
  assert.equal(payloads(sink).length, 2);
});

test('a feed that closes hands on what it brought, and leaves the players where they are', () => {
  const stream = newStream({ play: { mwLatencyMs: 60_000 } });
  const { sink } = join(stream);
  const counts: number[] = [];
  stream.sourcedBy(countingSource(counts));
  const feed = stream.openFeed();
  bring(feed, keyframe(0));
  bring(feed, interFrame(40));
  assert.equal(stream.live, true);
  feed.close();
  assert.equal(stream.live, false);
  assert.equal(stream.playerCount, 1);
  assert.equal(payloads(sink).length, 2);
  assert.deepEqual(sink.ends, []);
  feed.push(interFrame(80), 80);
  feed.close();
  assert.equal(payloads(sink).length, 2);
  assert.deepEqual(counts, [], 'nobody came or went');
});

function countingSource(counts: number[]): StreamSource {
  return {
    state: 'live',
    origin: undefined,
    players: (count) => counts.push(count),
    published: () => {},
    reconfigured: () => {},
    stop: () => {},
  };
}

test('the source is told how many players there are', () => {
  const stream = newStream();
  const counts: number[] = [];
  stream.sourcedBy(countingSource(counts));
  const one = join(stream);
  const two = join(stream);
  stream.detach(one.player);
  stream.detach(one.player);
  stream.detach(two.player);
  assert.deepEqual(counts, [1, 2, 1, 0]);
});

test('who joins while nothing feeds the stream gets the last GOP at once', () => {
  const stream = newStream();
  const feed = stream.openFeed();
  bring(feed, ...clip({ gops: 2, framesPerGop: 3 }));
  feed.close();
  const { sink } = join(stream);
  const roles = payloads(sink).map((payload) => payload[0]);
  assert.deepEqual(roles, [0x02, 0x17, 0xaf, 0x17, 0xaf, 0x27, 0xaf, 0x27, 0xaf]);
});

test('gop_cache off: a player gets headers and what comes next', () => {
  const stream = newStream({ minLatency: true, play: { gopCache: false } });
  const feed = stream.openFeed();
  bring(feed, ...clip({ gops: 1 }));
  const { sink } = join(stream);
  assert.equal(sink.writes.length, 0);
  bring(feed, interFrame(200));
  assert.deepEqual(payloads(sink), [
    ...clip({ gops: 1 })
      .slice(0, 3)
      .map(({ payload }, index) => (index === 0 ? payload.subarray(16) : payload)),
    interFrame(200).payload,
  ]);
});

test('nothing is kept for newcomers when a reload turns gop_cache off, and when nothing has come for long', () => {
  for (const [title, forget] of [
    ['reload', (stream: LiveStream) => (stream.vhost = defaultVhost({ minLatency: true, play: { gopCache: false } }))],
    ['silence', (stream: LiveStream) => stream.dropGop()],
  ] as const) {
    const memory = new MediaMemory(() => Number.POSITIVE_INFINITY);
    const name = { vhost: 'v', app: 'a', stream: 's' };
    const stream = new LiveStream(name, defaultVhost({ minLatency: true }), noReports, memory);
    const feed = stream.openFeed();
    bring(feed, videoHeader(0), keyframe(0));
    assert.ok(memory.total > 0);
    forget(stream);
    bring(feed, interFrame(40));
    assert.equal(memory.total, 0, title);
    if (title === 'reload') bring(feed, keyframe(80));
    assert.equal(memory.total, 0, title);
    assert.equal(join(stream).sink.writes.length, 0);
  }
});

test('an opening of several pieces is given as it is taken, in order', () => {
  const stream = newStream();
  const feed = stream.openFeed();
  for (let index = 0; index < 6; index++)
    bring(feed, index === 0 ? keyframe(0, 0, 50_000) : interFrame(index * 40, index, 50_000));
  const sink = new RecordingSink();
  sink.credit = 2;
  const player = new Player({
    format: flv,
    sink,
    limits: () => ({ queueLengthMs: 30_000, queueMaxBytes: 16_000_000 }),
  });
  stream.attach(player);
  assert.equal(sink.writes.length, 2);
  bring(feed, interFrame(240));
  sink.credit = Number.POSITIVE_INFINITY;
  player.drained();
  assert.deepEqual(
    decodeFlv(sink.writes, 'bare').map(({ timestamp }) => timestamp),
    [0, 40, 80, 120, 160, 200, 240],
  );
});

test('a player that comes between headers and media begins with the media', () => {
  const stream = newStream({ minLatency: true, play: { gopCache: false } });
  const feed = stream.openFeed();
  bring(feed, videoHeader(5_000), keyframe(5_000));
  const { sink } = join(stream, rtmpFormat(60_000, true));
  bring(feed, metadata(5_040));
  assert.equal(sink.writes.length, 0);
  bring(feed, keyframe(5_080));
  assert.deepEqual(
    decodeRtmp(sink.writes, 60_000).map(({ type, timestamp }) => [type, timestamp]),
    [
      [18, 0],
      [9, 0],
      [9, 0],
    ],
  );
});

test('what is from before the zero of a player is at zero; by all else the player is in step at once', () => {
  const stream = newStream({ minLatency: true, play: { gopCache: false } });
  const feed = stream.openFeed();
  const format = rtmpFormat(60_000, true);
  const early = join(stream, format);
  bring(feed, videoHeader(5_000), keyframe(5_000));
  const late = join(stream, format);
  bring(feed, metadata(4_000), keyframe(5_040));
  bring(feed, interFrame(5_080));
  assert.equal(late.sink.writes.at(-1), early.sink.writes.at(-1));
  bring(feed, dataMessage(5_080));
  assert.deepEqual(
    decodeRtmp(late.sink.writes, 60_000)
      .slice(-4)
      .map(({ type, timestamp }) => [type, timestamp]),
    [
      [18, 0],
      [9, 0],
      [9, 40],
      [18, 40],
    ],
  );
});

test('a source that waits to take over, and leaves, changes nothing for the present one', () => {
  const stream = newStream();
  const feed = stream.openFeed();
  bring(feed, keyframe(0), interFrame(40));
  const waiting = stream.openFeed();
  bring(waiting, interFrame(9_000, 1));
  assert.equal(waiting.delivering, false);
  waiting.close();
  assert.equal(stream.live, true);
  assert.equal(join(stream).sink.lives, 1);
});

test('tracks that are far apart do not make a queue longer than it is', () => {
  const stream = newStream();
  const feed = stream.openFeed();
  const { player, sink } = join(stream, rtmpFormat(60_000, true), 1_000);
  bring(feed, keyframe(12_500), audioFrame(10_000));
  sink.credit = 1;
  for (let ms = 40; ms <= 600; ms += 40) {
    bring(feed, interFrame(12_500 + ms));
    bring(feed, audioFrame(10_000 + ms));
  }
  assert.equal(player.droppedGops, 0);
});

test('time begins where a track that is behind the other goes on: both keep their distance', () => {
  const stream = newStream({ minLatency: true, play: { gopCache: false } });
  const feed = stream.openFeed();
  const send = (message: RtmpMessage, arrivalMs: number): void => {
    feed.push(message, arrivalMs);
    feed.flush(Number.POSITIVE_INFINITY);
  };
  for (let ms = 0; ms < 1_000; ms += 40) {
    send(keyframe(12_500 + ms), ms);
    send(audioFrame(10_000 + ms), ms);
  }
  const { sink } = join(stream, rtmpFormat(60_000, true));
  send(keyframe(13_500), 1_000);
  send(audioFrame(11_000), 1_000);
  const [video, audio] = [9, 8].map((type) => decodeRtmp(sink.writes, 60_000).find((played) => played.type === type));
  assert.equal((video?.timestamp ?? 0) - (audio?.timestamp ?? 0), 2_500);
});

test('reduce_sequence_header drops repetitions and lets changes through; without it all pass', () => {
  const sent = [
    metadata(0),
    videoHeader(0),
    audioHeader(0),
    keyframe(0),
    videoHeader(40),
    audioHeader(40),
    interFrame(40),
    videoHeader(80, 1),
    keyframe(80),
    audioFrame(83),
    metadata(83),
  ];
  for (const reduceSequenceHeader of [true, false]) {
    const stream = newStream({ minLatency: true, play: { reduceSequenceHeader } });
    const { sink } = join(stream);
    bring(stream.openFeed(), ...sent);
    const expected = reduceSequenceHeader ? sent.filter((_, index) => index !== 4 && index !== 5) : sent;
    // Players get metadata without `@setDataFrame`.
    const plain = expected.map(({ type, payload }) => (type === 18 ? payload.subarray(16) : payload));
    assert.deepEqual(payloads(sink), plain);
  }
});

test('a publisher met between keyframes: its sound is heard, its video is seen from the next keyframe on', () => {
  const stream = newStream();
  const { sink } = join(stream);
  const sent = [
    videoHeader(0),
    interFrame(0),
    audioFrame(3),
    interFrame(40),
    audioFrame(43),
    keyframe(80),
    interFrame(120),
  ];
  bring(stream.openFeed(), ...sent);
  assert.deepEqual(
    payloads(sink),
    [sent[0], sent[2], sent[4], sent[5], sent[6]].map((message) => message!.payload),
  );
});

test('a stream that never has a keyframe is played after all', () => {
  const stream = newStream();
  const first = join(stream);
  const feed = stream.openFeed();
  bring(feed, videoHeader(0));
  for (let index = 0; index < 3_100; index++) bring(feed, interFrame(index * 40));
  assert.equal(payloads(first.sink).length, 1 + 100);
  const second = join(stream);
  bring(feed, interFrame(3_100 * 40));
  assert.equal(payloads(second.sink).length, 2);
});

test('a source of headers and data alone fills no memory and gives nothing to play', () => {
  const stream = newStream();
  const { sink } = join(stream);
  const feed = stream.openFeed();
  bring(feed, videoHeader(0));
  for (let index = 0; index < 1_000; index++) bring(feed, dataMessage(index));
  assert.equal(sink.writes.length, 0);
  assert.equal(stream.stats.framesReceived, 0);
  bring(feed, keyframe(1_000));
  assert.equal(payloads(sink).length, 64 + 1);
  assert.deepEqual(payloads(sink)[0], videoHeader(0).payload, 'data goes before headers do');
});

test('what an earlier source sent before it had any frame is not taken for the next one', () => {
  const stream = newStream();
  const { sink } = join(stream);
  const first = stream.openFeed();
  bring(first, videoHeader(0, 1));
  first.close();
  bring(stream.openFeed(), videoHeader(0, 2), keyframe(0));
  assert.deepEqual(payloads(sink), [videoHeader(0, 2).payload, keyframe(0).payload]);
});

test('what is no media is passed over, and the age of a stream is that of its first frame', (t) => {
  const goOn = stopClock(t);
  const stream = newStream();
  const { sink } = join(stream);
  const feed = stream.openFeed();
  goOn(1_000);
  bring(feed, { type: 20, timestamp: 0, streamId: 1, payload: Buffer.from([2, 0, 1, 0x61]) });
  assert.deepEqual([stream.ageMs, sink.writes.length], [0, 0]);
  bring(feed, keyframe(0));
  goOn(500);
  bring(feed, interFrame(40), { ...interFrame(80), payload: Buffer.alloc(0) });
  assert.deepEqual([stream.ageMs, payloads(sink).length], [500, 2]);
});

test('statistics count what came in, and the splice', (t) => {
  const goOn = stopClock(t);
  const stream = newStream();
  const feed = stream.openFeed();
  const sent = clip({ gops: 1, framesPerGop: 3 });
  bring(feed, ...sent);
  assert.equal(stream.stats.framesReceived, 9);
  assert.equal(stream.stats.videoFrames, 4);
  assert.equal(stream.stats.splices, 0);
  assert.equal(stream.hasVideo && stream.hasAudio, true);
  const lastMs = performance.now();
  feed.push(interFrame(120, 9), lastMs);
  feed.close();
  goOn(700);
  stream.openFeed().push(keyframe(9_000, 1), performance.now());
  assert.equal(stream.stats.splices, 1);
  assert.equal(stream.stats.lastSpliceGapMs, 700);
  goOn(300);
  stream.openFeed().push(keyframe(20_000, 2), performance.now());
  const { splices, lastSpliceGapMs, spliceGapsMs } = stream.stats;
  assert.deepEqual([splices, lastSpliceGapMs, spliceGapsMs], [2, 300, 1_000]);
});

test('a slow player is given up for whole GOPs; a fast one beside it sees everything', () => {
  const stream = newStream();
  const feed = stream.openFeed();
  const format = rtmpFormat(60_000, true);
  const fast = join(stream, format);
  const slow = join(stream, format, 500);
  const sent = clip({ gops: 20, framesPerGop: 5 });
  for (const [index, message] of sent.entries()) {
    if (index === 10) slow.sink.credit = 1;
    bring(feed, message);
  }
  slow.sink.credit = Number.POSITIVE_INFINITY;
  slow.player.drained();
  const all = decodeRtmp(fast.sink.writes, 60_000);
  const some = decodeRtmp(slow.sink.writes, 60_000);
  assert.equal(all.length, sent.length);
  assert.equal(fast.player.droppedGops, 0);
  assert.ok(slow.player.droppedGops > 0);
  const resumed = some[11]!;
  assert.equal(resumed.payload[0], 0x17);
  assert.deepEqual(some.slice(0, 11), all.slice(0, 11));
  assert.deepEqual(some.slice(11), all.slice(all.findIndex(({ payload }) => payload.equals(resumed.payload))));
  assert.ok(all.at(-1)!.timestamp - resumed.timestamp <= 500, 'no more than the queue was waiting');
  assert.equal(
    slow.player.bytesSent,
    slow.sink.writes.reduce((sum, { length }) => sum + length, 0),
  );
});

for (const [title, before] of [
  ['a key frame that is more than may wait is given up, too: the player goes on with the next one', []],
  ['that goes for one behind frames that wait, too', [interFrame(220)]],
] as const) {
  test(title, () => {
    const stream = newStream();
    const feed = stream.openFeed();
    const sink = new RecordingSink();
    const limits = () => ({ queueLengthMs: 30_000, queueMaxBytes: 50_000 });
    const player = new Player({ format: flv, sink, limits });
    stream.attach(player);
    bring(feed, ...clip({ gops: 1 }));
    const had = payloads(sink).length;
    sink.credit = 1;
    bring(feed, interFrame(200));
    for (const message of before) bring(feed, message);
    bring(feed, keyframe(240, 1, 80_000));
    assert.equal(player.droppedGops, 1);
    sink.credit = Number.POSITIVE_INFINITY;
    player.drained();
    bring(feed, interFrame(280), audioFrame(283));
    bring(feed, keyframe(320, 2));
    // Times, and no payloads: of so many bytes, the report of a failure would take minutes.
    const times = decodeFlv(sink.writes, 'bare').map(({ timestamp }) => timestamp);
    assert.deepEqual(times.slice(had), [200, 283, 320]);
  });
}

test('a player that fell behind goes on with the newest keyframe that waits for it', () => {
  const stream = newStream();
  const feed = stream.openFeed();
  const { sink, player } = join(stream, rtmpFormat(60_000, true), 500);
  sink.credit = 1;
  const queue = clip({ gops: 20, framesPerGop: 5 });
  let newestKeyframe: Buffer | undefined;
  while (player.droppedGops === 0) {
    const message = queue.shift()!;
    if (message.type === 9 && message.payload[0] === 0x17 && message.payload[1] === 1) newestKeyframe = message.payload;
    bring(feed, message);
  }
  sink.credit = Number.POSITIVE_INFINITY;
  player.drained();
  const played = decodeRtmp(sink.writes, 60_000);
  const firstWrite = decodeRtmp(sink.writes.slice(0, 1), 60_000).length;
  assert.deepEqual(played[firstWrite]!.payload, newestKeyframe);
});

test('whom the origin will not have is sent away, and nobody else', () => {
  const stream = newStream();
  const ours = join(stream);
  const [refused, other] = ['10.0.0.1', '10.0.0.2'].map((ip) =>
    attachPlayer(stream, { request: streamRequest({ ip }) }),
  );
  assert.deepEqual(
    stream.requests.map(({ ip }) => ip),
    ['10.0.0.1', '10.0.0.2'],
    'a player of our own asked for nothing',
  );
  stream.refuse(({ ip }) => ip === '10.0.0.1', new Refusal('NetStream.Play.Failed', 'not you'));
  assert.deepEqual(
    [refused, other, ours].map((each) => each?.sink.ends),
    [['not you'], [], []],
  );
});

test('the end of a stream reaches every player with its reason, behind what was still open', () => {
  const stream = newStream({ play: { mwLatencyMs: 60_000 } });
  const one = join(stream);
  const feed = stream.openFeed();
  bring(feed, keyframe(0));
  bring(feed, interFrame(40));
  stream.end('no origin');
  stream.dispose();
  assert.equal(payloads(one.sink).length, 2);
  assert.deepEqual(one.sink.ends, ['no origin']);
});

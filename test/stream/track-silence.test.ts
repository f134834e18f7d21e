/** A track that falls silent: who joins then must not wait for it, nor begin where it stopped. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultVhost } from '../../edge/conf/defaults.ts';
import { MessageType, type RtmpMessage } from '../../edge/rtmp/message.ts';
import type { Feed } from '../../edge/stream/feed.ts';
import { flvFormat } from '../../edge/stream/flv-format.ts';
import { Track } from '../../edge/stream/frame.ts';
import { LiveStream } from '../../edge/stream/live-stream.ts';
import { TrackSilence } from '../../edge/stream/track-silence.ts';
import { audioFrame, audioHeader, clip, interFrame, keyframe, metadata, videoHeader } from '../support/media.ts';
import { attachPlayer, decodeFlv, type Played, type RecordingSink } from '../support/playback.ts';

const format = flvFormat('bare', { audio: true, video: true });

function newStream(): LiveStream {
  return new LiveStream({ vhost: 'v', app: 'a', stream: 's' }, defaultVhost({ minLatency: true }));
}

const join = (stream: LiveStream): RecordingSink => attachPlayer(stream, { format }).sink;

/** Pushes all as one slice. */
function bring(feed: Feed, ...messages: RtmpMessage[]): void {
  for (const message of messages) feed.push(message, message.timestamp);
  feed.flush(performance.now());
}

/** Audio alone, 40 ms apart, from one time to another. */
function sound(feed: Feed, fromMs: number, toMs: number): void {
  for (let timeMs = fromMs; timeMs < toMs; timeMs += 40) bring(feed, audioFrame(timeMs));
}

function pictures(feed: Feed, fromMs: number, toMs: number): void {
  for (let timeMs = fromMs; timeMs < toMs; timeMs += 40) {
    bring(feed, (timeMs - fromMs) % 400 === 0 ? keyframe(timeMs) : interFrame(timeMs));
  }
}

const played = (sink: RecordingSink): Played[] => decodeFlv(sink.writes, 'bare');
const types = (messages: readonly Played[]): Set<number> => new Set(messages.map(({ type }) => type));
const onlySound = new Set<number>([MessageType.dataAmf0, MessageType.audio]);

test('who joins a stream whose video has stopped gets sound of now, and no header of video', () => {
  const stream = newStream();
  const feed = stream.openFeed();
  bring(feed, ...clip({ gops: 1 }));
  sound(feed, 203, 9_000);
  const early = played(join(stream));
  assert.equal(early.filter(({ type }) => type === MessageType.video).length, 6, 'a short pause is none');
  sound(feed, 9_003, 15_000);
  const late = played(join(stream));
  assert.deepEqual(types(late), onlySound);
  assert.ok(late.length < 35, `${late.length} messages are more than a second of sound`);
  assert.equal(stream.hasMedia(Track.video), false);
  assert.equal(stream.hasMedia(Track.audio), true);
});

test('video that comes back comes with its header, and for newcomers from its key frame on', () => {
  const stream = newStream();
  const feed = stream.openFeed();
  bring(feed, ...clip({ gops: 1 }));
  const stayed = join(stream);
  sound(feed, 203, 12_003);
  const joined = join(stream);
  const before = played(stayed).length;
  bring(feed, interFrame(12_010), audioFrame(12_013));
  bring(feed, keyframe(12_050), audioFrame(12_053));
  const video = (messages: readonly Played[]): string[] =>
    messages.filter(({ type }) => type === MessageType.video).map(({ payload }) => payload.toString('hex', 0, 2));
  assert.deepEqual(video(played(stayed).slice(before)), ['1700', '2701', '1701']);
  assert.deepEqual(video(played(joined)), ['1700', '1701']);
  assert.deepEqual(video(played(join(stream))), ['1700', '1701']);
  assert.equal(stream.hasMedia(Track.video), true);
});

test('who stays gets no header twice when a track falls silent', () => {
  const stream = newStream();
  const feed = stream.openFeed();
  bring(feed, ...clip({ gops: 1 }));
  const stayed = join(stream);
  const before = played(stayed).length;
  sound(feed, 203, 12_003);
  assert.equal(played(stayed).length - before, 295);
  assert.ok(
    played(stayed)
      .slice(before)
      .every(({ type, payload }) => type === MessageType.audio && payload[1] === 1),
  );
});

test('a header that changes while its track is silent is the one that it comes back with', () => {
  const stream = newStream();
  const feed = stream.openFeed();
  bring(feed, ...clip({ gops: 1 }));
  sound(feed, 203, 12_003);
  bring(feed, videoHeader(12_005, 7));
  assert.deepEqual(types(played(join(stream))), onlySound);
  bring(feed, keyframe(12_010));
  const headers = played(join(stream)).filter(({ type, payload }) => type === MessageType.video && payload[1] === 0);
  assert.deepEqual(
    headers.map(({ payload }) => payload),
    [videoHeader(0, 7).payload],
  );
});

test('who joins a stream whose sound has stopped is promised none', () => {
  const stream = newStream();
  const feed = stream.openFeed();
  bring(feed, ...clip({ gops: 1 }));
  pictures(feed, 200, 12_000);
  const late = played(join(stream));
  assert.deepEqual(types(late), new Set<number>([MessageType.dataAmf0, MessageType.video]));
  assert.equal(stream.hasMedia(Track.audio), false);
});

test('a player who leaves at a key frame leaves at once where none is to come', () => {
  const stream = newStream();
  const feed = stream.openFeed();
  bring(feed, ...clip({ gops: 1 }));
  const { player } = attachPlayer(stream, { format });
  sound(feed, 203, 12_003);
  let left = 0;
  stream.atKeyframe(player, () => left++);
  assert.equal(left, 1);
});

test('what is published next has no headers of the publication before', () => {
  const stream = newStream();
  const first = stream.openFeed();
  bring(first, ...clip({ gops: 1 }));
  const stays = join(stream);
  first.close();
  stream.forget();
  const second = stream.openFeed();
  const before = played(stays).length;
  bring(second, metadata(0, { width: 0 }), audioHeader(0, 1), audioFrame(0, 7), audioFrame(23, 8));
  for (const messages of [played(join(stream)), played(stays).slice(before)]) {
    assert.deepEqual(types(messages), onlySound);
    assert.ok(messages.some(({ payload }) => payload.equals(audioHeader(0, 1).payload)));
  }
});

test('silence is told by the other track alone, and by the pauses that a track is known for', () => {
  const silence = new TrackSilence();
  silence.take(Track.video, 0);
  silence.take(Track.audio, 0);
  // Both stand still for a minute.
  silence.take(Track.audio, 60_000);
  assert.equal(silence.track, undefined);
  // A picture each 9 s, then none.
  let timeMs = 60_000;
  for (let picture = 0; picture < 3; picture++) {
    silence.take(Track.video, timeMs);
    for (const end = timeMs + 9_000; timeMs < end; timeMs += 500) silence.take(Track.audio, timeMs);
  }
  silence.take(Track.video, timeMs);
  const fromMs = timeMs;
  for (; silence.track === undefined && timeMs < fromMs + 60_000; timeMs += 500) silence.take(Track.audio, timeMs);
  assert.equal(silence.track, Track.video);
  assert.ok(timeMs - fromMs > 17_000, `after ${timeMs - fromMs} ms`);
  silence.take(Track.video, timeMs);
  assert.equal(silence.track, undefined);
});

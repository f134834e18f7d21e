/** Players who leave at a key frame: they have had all before it and nothing behind it. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultVhost, type VhostOverrides } from '../../edge/conf/defaults.ts';
import type { RtmpMessage } from '../../edge/rtmp/message.ts';
import type { Feed } from '../../edge/stream/feed.ts';
import { flvFormat } from '../../edge/stream/flv-format.ts';
import { LiveStream } from '../../edge/stream/live-stream.ts';
import type { Player } from '../../edge/stream/player.ts';
import { audioFrame, audioHeader, clip, interFrame, keyframe, videoHeader } from '../support/media.ts';
import { attachPlayer, decodeFlv, type RecordingSink } from '../support/playback.ts';

const format = flvFormat('bare', { audio: true, video: true });

function newStream(overrides: VhostOverrides = {}): LiveStream {
  return new LiveStream({ vhost: 'v', app: 'a', stream: 's' }, defaultVhost(overrides));
}

const join = (stream: LiveStream) => attachPlayer(stream, { format });

/** Pushes all as one slice. */
function bring(feed: Feed, ...messages: RtmpMessage[]): void {
  for (const message of messages) feed.push(message, message.timestamp);
  feed.flush(performance.now());
}

function times(sink: RecordingSink): number[] {
  return decodeFlv(sink.writes, 'bare').map(({ timestamp }) => timestamp);
}

/** Leaves at the next key frame; what it says is how often that was. */
function leave(stream: LiveStream, player: Player): { times: number } {
  const left = { times: 0 };
  stream.atKeyframe(player, () => {
    left.times++;
    stream.detach(player);
  });
  return left;
}

test('a key frame in the middle of a slice ends it there, and the others go on', () => {
  const stream = newStream({ minLatency: true });
  const feed = stream.openFeed();
  bring(feed, ...clip({ gops: 1 }));
  const [leaving, staying] = [join(stream), join(stream)];
  const before = times(leaving.sink).length;
  const left = leave(stream, leaving.player);
  bring(feed, interFrame(200), audioFrame(203));
  assert.equal(left.times, 0);
  bring(feed, interFrame(240), audioFrame(243), keyframe(280), audioFrame(283), interFrame(320));
  assert.equal(left.times, 1);
  assert.deepEqual(times(leaving.sink).slice(before), [200, 203, 240, 243]);
  bring(feed, keyframe(360));
  assert.deepEqual(times(staying.sink).slice(before), [200, 203, 240, 243, 280, 283, 320, 360]);
  assert.deepEqual([left.times, stream.playerCount], [1, 1]);
});

test('a key frame that comes first leaves nothing to send, whatever state a player is in', () => {
  const stream = newStream({ minLatency: true });
  const feed = stream.openFeed();
  bring(feed, ...clip({ gops: 1 }));
  const players = Array.from({ length: 3 }, () => join(stream));
  const [, waiting, slow] = players;
  waiting?.player.awaitKeyframe();
  slow!.sink.credit = 1;
  bring(feed, audioFrame(190));
  const writes = players.map(({ sink }) => sink.writes.length);
  const left = players.map(({ player }) => leave(stream, player));
  bring(feed, keyframe(200), interFrame(240));
  assert.deepEqual(
    left.map(({ times }) => times),
    [1, 1, 1],
  );
  assert.deepEqual(
    players.map(({ sink }) => sink.writes.length),
    writes,
  );
});

test('one whose video waits gets none of it, and sound up to the key frame', () => {
  const stream = newStream({ minLatency: true, play: { gopCache: false } });
  const feed = stream.openFeed();
  bring(feed, videoHeader(0), audioHeader(0), keyframe(0), audioFrame(3));
  const { sink, player } = join(stream);
  player.awaitKeyframe();
  const left = leave(stream, player);
  bring(feed, interFrame(40), audioFrame(43), keyframe(80));
  assert.equal(left.times, 1);
  assert.ok(!decodeFlv(sink.writes, 'bare').some(({ type, payload }) => type === 9 && payload[1] === 1));
});

test('a slow one leaves at the key frame, too, and is not sent what it has not taken', () => {
  const stream = newStream({ minLatency: true });
  const feed = stream.openFeed();
  bring(feed, ...clip({ gops: 1 }));
  const { sink, player } = join(stream);
  sink.credit = 1;
  bring(feed, interFrame(200));
  const left = leave(stream, player);
  bring(feed, interFrame(240), keyframe(280));
  assert.equal(left.times, 1);
  assert.equal(times(sink).at(-1), 200);
});

test('a stream without video, or that nothing feeds, is left at once', () => {
  const silent = newStream();
  assert.equal(leave(silent, join(silent).player).times, 1);
  const radio = newStream({ minLatency: true });
  bring(radio.openFeed(), audioHeader(0), audioFrame(3));
  assert.equal(leave(radio, join(radio).player).times, 1);
});

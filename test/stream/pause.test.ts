/** RTMP's `pause`, `receiveAudio` and `receiveVideo`: what a player is spared, and how it goes on. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultVhost } from '../../edge/conf/defaults.ts';
import type { RtmpMessage } from '../../edge/rtmp/message.ts';
import type { Feed } from '../../edge/stream/feed.ts';
import { Track } from '../../edge/stream/frame.ts';
import { LiveStream } from '../../edge/stream/live-stream.ts';
import { Player } from '../../edge/stream/player.ts';
import { rtmpFormat } from '../../edge/stream/rtmp-format.ts';
import { audioFrame, clip, interFrame, keyframe } from '../support/media.ts';
import { decodeRtmp, RecordingSink } from '../support/playback.ts';

const chunkSize = 60_000;

interface Scene {
  readonly stream: LiveStream;
  readonly player: Player;
  readonly sink: RecordingSink;
  readonly send: (...messages: ReturnType<typeof clip>) => void;
  /** Type and time of what the player was given since this was called last. */
  readonly given: () => string[];
}

function scene(play: { gopCache?: boolean; gopCacheMaxFrames?: number } = {}): Scene {
  const vhost = defaultVhost({ minLatency: true, play });
  const stream = new LiveStream({ vhost: 'video.test', app: 'live', stream: 'one' }, vhost);
  const feed: Feed = stream.openFeed();
  const sink = new RecordingSink();
  const format = rtmpFormat(chunkSize, false, 1);
  const player = new Player({ format, sink, limits: () => ({ queueLengthMs: 30_000, queueMaxBytes: 16_000_000 }) });
  stream.attach(player);
  let seen = 0;
  return {
    stream,
    player,
    sink,
    send: (...messages) => {
      for (const message of messages) feed.push(message, performance.now());
      feed.flush(performance.now());
    },
    given: () => {
      const played = decodeRtmp(sink.writes, chunkSize);
      const fresh = played.slice(seen);
      seen = played.length;
      return fresh
        .filter(({ type }) => type !== 18)
        .map(({ type, timestamp, payload }) => {
          const isHeader = payload[1] === 0;
          return `${type === 9 ? 'video' : 'audio'} ${isHeader ? 'header' : timestamp}`;
        });
    },
  };
}

const headers = ['video header', 'audio header'];

test('it goes on with the newest GOP where it has had nothing of that, and its time runs on', () => {
  const { player, stream, send, given } = scene();
  send(...clip({ gops: 1, framesPerGop: 2 }));
  given();
  player.pause();
  send(...clip({ startMs: 80, gops: 2, framesPerGop: 2, seed: 1 }).slice(3));
  assert.deepEqual(given(), []);
  stream.resume(player);
  assert.deepEqual(given(), [...headers, 'video 160', 'audio 163', 'video 200', 'audio 203']);
  send(interFrame(240, 9), audioFrame(243, 9));
  assert.deepEqual(given(), ['video 240', 'audio 243']);
});

test('it goes on with the newest GOP, just behind its key frame, where it has had a part of the one before', () => {
  const { player, stream, send, given } = scene();
  send(...clip({ gops: 1, framesPerGop: 2 }));
  given();
  player.pause();
  send(interFrame(80, 8), audioFrame(83, 8));
  send(keyframe(120, 9));
  stream.resume(player);
  assert.deepEqual(given(), [...headers, 'video 120']);
});

for (const [title, gopCache] of [
  ['it waits for the next key frame where it has had a part of the GOP', true],
  ['it waits for the next key frame where no GOP is kept', false],
] as const) {
  test(title, () => {
    const { player, stream, send, given } = scene({ gopCache });
    send(...clip({ gops: 1, framesPerGop: 2 }));
    given();
    player.pause();
    send(interFrame(80, 8), audioFrame(83, 8));
    stream.resume(player);
    assert.deepEqual(given(), []);
    send(interFrame(120, 9), audioFrame(123, 9), keyframe(160, 10), audioFrame(163, 10));
    const all = given();
    assert.deepEqual(all.filter((each) => each.includes('header')).sort(), [...headers].sort());
    assert.deepEqual(
      all.filter((each) => !each.includes('header')),
      ['audio 123', 'video 160', 'audio 163'],
    );
  });
}

test('who missed nothing goes on as if nothing had been', () => {
  const { player, stream, send, given } = scene();
  send(...clip({ gops: 1, framesPerGop: 2 }));
  given();
  player.pause();
  player.pause();
  stream.resume(player);
  stream.resume(player);
  send(interFrame(80, 8));
  assert.deepEqual(given(), ['video 80']);
});

test('what waited for a slow player when it paused is given up', () => {
  const { player, stream, sink, send, given } = scene();
  send(...clip({ gops: 1, framesPerGop: 2 }));
  sink.credit = 1;
  send(interFrame(80, 7));
  send(interFrame(120, 8));
  player.pause();
  sink.credit = Number.POSITIVE_INFINITY;
  player.drained();
  given();
  send(keyframe(160, 9));
  stream.resume(player);
  assert.deepEqual(given(), [...headers, 'video 160']);
});

test('who pauses while something waits misses that, even where nothing comes meanwhile', () => {
  const { player, stream, sink, send, given } = scene({ gopCache: false });
  send(...clip({ gops: 1, framesPerGop: 2 }));
  sink.credit = 1;
  send(interFrame(80, 7));
  send(interFrame(120, 8));
  given();
  player.pause();
  sink.credit = Number.POSITIVE_INFINITY;
  player.drained();
  assert.deepEqual(given(), []);
  stream.resume(player);
  send(interFrame(160, 9));
  assert.deepEqual(given(), [], 'it lacks the picture before');
  send(keyframe(200, 10));
  assert.deepEqual(given(), [...headers, 'video 200']);
});

test('it waits for the next key frame where the GOP has outgrown what is kept, and sound goes on', () => {
  const { player, stream, send, given } = scene({ gopCacheMaxFrames: 8 });
  send(...clip({ gops: 1, framesPerGop: 2 }));
  given();
  player.pause();
  for (let timeMs = 80; timeMs < 400; timeMs += 40) send(interFrame(timeMs, timeMs), audioFrame(timeMs + 3, timeMs));
  stream.resume(player);
  assert.deepEqual(given(), []);
  send(interFrame(400, 400), audioFrame(403, 403));
  assert.deepEqual(given(), [...headers, 'audio 403']);
  send(keyframe(440, 440));
  assert.deepEqual(given(), ['video 440']);
});

test('who goes on without a pause is not given again what was given up', () => {
  const { player, stream, sink, send, given } = scene();
  send(...clip({ gops: 1, framesPerGop: 2 }));
  sink.credit = 1;
  send(interFrame(80, 7));
  send(keyframe(120, 8));
  assert.equal(player.giveUpBacklog(), true);
  given();
  stream.resume(player);
  sink.credit = Number.POSITIVE_INFINITY;
  player.drained();
  assert.deepEqual(given(), []);
});

test('it begins to play while it is paused, and is sent away at a key frame', () => {
  const { player, stream, send, given } = scene();
  player.pause();
  send(...clip({ gops: 1, framesPerGop: 2 }));
  assert.deepEqual(given(), []);
  stream.resume(player);
  assert.deepEqual(given(), [...headers, 'video 0', 'audio 3', 'video 40', 'audio 43']);
  player.pause();
  let left = 0;
  stream.atKeyframe(player, () => left++);
  send(interFrame(80, 8));
  assert.equal(left, 0);
  send(interFrame(120, 9), audioFrame(123, 9), keyframe(160, 10));
  assert.equal(left, 1);
  assert.deepEqual(given(), []);
});

test('who wants no sound gets the pictures, and sound again at once, at its time', () => {
  const { player, send, given } = scene();
  send(...clip({ gops: 1, framesPerGop: 2 }));
  given();
  player.receive(Track.audio, false);
  send(interFrame(80, 7), audioFrame(83, 7));
  send(audioFrame(103, 8));
  send(keyframe(120, 9), audioFrame(123, 9));
  assert.deepEqual(given(), ['video 80', 'video 120']);
  player.receive(Track.audio, true);
  send(interFrame(160, 10), audioFrame(163, 10));
  send(interFrame(200, 11), audioFrame(203, 11));
  assert.deepEqual(given(), ['video 160', 'audio 163', 'video 200', 'audio 203']);
});

test('a track that comes alone while it is not wanted keeps its time, also for who reads slowly', () => {
  for (const isSlow of [false, true]) {
    const { player, sink, send, given } = scene();
    send(...clip({ gops: 1, framesPerGop: 2 }));
    given();
    if (isSlow) sink.credit = 1;
    send(interFrame(80, 7));
    player.receive(Track.audio, false);
    send(audioFrame(83, 7));
    send(audioFrame(103, 8));
    player.receive(Track.audio, true);
    send(audioFrame(143, 9));
    player.receive(Track.video, false);
    send(interFrame(160, 10));
    player.receive(Track.video, true);
    send(keyframe(200, 11));
    sink.credit = Number.POSITIVE_INFINITY;
    player.drained();
    assert.deepEqual(given(), ['video 80', 'audio 143', 'video 200'], isSlow ? 'slow' : '');
  }
});

test('who wants no pictures gets the sound, and pictures again from a key frame on', () => {
  const { player, send, given } = scene();
  send(...clip({ gops: 1, framesPerGop: 2 }));
  given();
  player.receive(Track.video, false);
  send(interFrame(80, 7), audioFrame(83, 7));
  send(keyframe(120, 8), audioFrame(123, 8));
  assert.deepEqual(given(), ['audio 83', 'audio 123']);
  player.receive(Track.video, true);
  send(interFrame(160, 9), audioFrame(163, 9));
  assert.deepEqual(given(), ['audio 163'], 'it lacks the picture before');
  send(keyframe(200, 10), audioFrame(203, 10));
  send(interFrame(240, 11), audioFrame(243, 11));
  assert.deepEqual(given(), ['video 200', 'audio 203', 'video 240', 'audio 243']);
});

test('who wants neither gets headers alone, those of a change as well', () => {
  const { player, send, given } = scene();
  send(...clip({ gops: 1, framesPerGop: 2 }));
  given();
  player.receive(Track.audio, false);
  player.receive(Track.video, false);
  const [, videoHeader, audioHeader] = clip({ seed: 3 });
  send(interFrame(80, 7), audioFrame(83, 7));
  assert.deepEqual(given(), []);
  send(videoHeader as RtmpMessage, audioHeader as RtmpMessage, keyframe(120, 8), audioFrame(123, 8));
  assert.deepEqual(given(), headers);
  player.receive(Track.video, true);
  player.receive(Track.audio, true);
  send(interFrame(160, 9), audioFrame(163, 9), keyframe(200, 9));
  assert.deepEqual(given(), ['audio 163', 'video 200']);
});

test('what it does not want is not in what waits for it, nor in the GOP that it goes on with after a pause', () => {
  const { player, stream, sink, send, given } = scene();
  send(...clip({ gops: 1, framesPerGop: 2 }));
  sink.credit = 1;
  send(interFrame(80, 7), audioFrame(83, 7));
  given();
  player.receive(Track.audio, false);
  send(interFrame(120, 8), audioFrame(123, 8));
  send(interFrame(160, 9), audioFrame(163, 9));
  sink.credit = Number.POSITIVE_INFINITY;
  player.drained();
  assert.deepEqual(given(), ['video 120', 'video 160']);
  player.pause();
  send(keyframe(200, 10), audioFrame(203, 10));
  stream.resume(player);
  send(interFrame(240, 11), audioFrame(243, 11));
  assert.deepEqual(given(), []);
  send(keyframe(280, 12), audioFrame(283, 12));
  assert.deepEqual(given(), [...headers, 'video 280']);
});

/** A track goes on in another codec: who joins then is not given the header of the one before. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultVhost } from '../../edge/conf/defaults.ts';
import { codecName } from '../../edge/flv/media.ts';
import { MessageType, type RtmpMessage } from '../../edge/rtmp/message.ts';
import type { Feed } from '../../edge/stream/feed.ts';
import { LiveStream } from '../../edge/stream/live-stream.ts';
import { audioTrack } from '../interop/enhanced-messages.ts';
import { audioFrame, audioHeader, clip, interFrame, keyframe, videoHeader } from '../support/media.ts';
import { attachPlayer, decodeFlv, type RecordingSink } from '../support/playback.ts';

/** MP3 has no header. */
function mp3Frame(timestamp: number): RtmpMessage {
  return {
    type: MessageType.audio,
    timestamp,
    streamId: 1,
    payload: Buffer.from([0x2f, 0xff, 0xfb, timestamp & 0xff]),
  };
}

function scene(): { readonly stream: LiveStream; readonly feed: Feed } {
  const stream = new LiveStream({ vhost: 'v', app: 'a', stream: 's' }, defaultVhost({ minLatency: true }));
  return { stream, feed: stream.openFeed() };
}

function bring(feed: Feed, ...messages: RtmpMessage[]): void {
  for (const message of messages) {
    feed.push(message, message.timestamp);
    feed.flush(performance.now());
  }
}

/** Codec and time of what a player was given, metadata left out. */
function given({ writes }: RecordingSink): string[] {
  return decodeFlv(writes, 'bare').flatMap(({ type, timestamp, payload }) => {
    const isHeader = payload[1] === 0 || (payload[0] as number) >>> 4 === 9;
    return type === 18 ? [] : [`${codecName(type, payload)} ${isHeader ? 'header' : timestamp}`];
  });
}

/** As many as leave no doubt, 1 ms apart. */
function mp3Frames(fromMs: number): RtmpMessage[] {
  return Array.from({ length: 20 }, (_, index) => mp3Frame(fromMs + index));
}

test('from AAC to MP3: who plays goes on, who joins later gets MP3 alone; then back to AAC', () => {
  const { stream, feed } = scene();
  const early = attachPlayer(stream);
  bring(feed, ...clip({ gops: 1, framesPerGop: 2 }));
  bring(feed, ...mp3Frames(83), keyframe(110), mp3Frame(113), interFrame(130));
  const late = attachPlayer(stream);
  bring(feed, mp3Frame(133));
  assert.deepEqual(given(late.sink), ['H264 header', 'H264 110', 'MP3 113', 'H264 130', 'MP3 133']);
  assert.deepEqual(given(early.sink).slice(-5), ['MP3 102', 'H264 110', 'MP3 113', 'H264 130', 'MP3 133']);
  bring(feed, audioHeader(170), audioFrame(173), keyframe(190), audioFrame(193));
  assert.deepEqual(given(late.sink).slice(5), ['AAC header', 'AAC 173', 'H264 190', 'AAC 193']);
  bring(feed, interFrame(200));
  const last = attachPlayer(stream);
  assert.deepEqual(given(last.sink), ['H264 header', 'AAC header', 'H264 190', 'AAC 193', 'H264 200']);
});

test('a header that an origin still has of the codec before is soon in force no more', () => {
  for (const begins of [[], [interFrame(30)]]) {
    const { stream, feed } = scene();
    bring(
      feed,
      videoHeader(0),
      audioHeader(0),
      ...begins,
      ...mp3Frames(33),
      keyframe(60),
      mp3Frame(73),
      interFrame(80),
    );
    const late = attachPlayer(stream);
    assert.deepEqual(given(late.sink), ['H264 header', 'H264 60', 'MP3 73', 'H264 80']);
    bring(feed, audioHeader(80), ...mp3Frames(83), keyframe(120), interFrame(160));
    const later = attachPlayer(stream);
    assert.deepEqual(given(later.sink), ['H264 header', 'H264 120', 'H264 160']);
  }
});

test('so is one that comes while the track is silent, of which the codec was certain', () => {
  const { stream, feed } = scene();
  bring(feed, videoHeader(0), keyframe(0), ...mp3Frames(1));
  // Silence is 10 s.
  for (let timeMs = 500; timeMs <= 12_000; timeMs += 500) bring(feed, interFrame(timeMs));
  bring(feed, audioHeader(12_010), ...mp3Frames(12_020), keyframe(12_100), interFrame(12_140));
  const late = attachPlayer(stream);
  assert.deepEqual(given(late.sink), ['H264 header', 'H264 12100', 'H264 12140']);
});

test('a few frames of another codec change nothing, however often they come', () => {
  const { stream, feed } = scene();
  bring(feed, ...clip({ gops: 1, framesPerGop: 2 }));
  for (let timeMs = 83; timeMs < 183; timeMs += 2) bring(feed, mp3Frame(timeMs), audioFrame(timeMs + 1));
  bring(feed, { ...interFrame(190), payload: Buffer.from([0x50, 0]) }, keyframe(200), audioFrame(203), interFrame(240));
  const late = attachPlayer(stream);
  assert.deepEqual(given(late.sink), ['H264 header', 'AAC header', 'H264 200', 'AAC 203', 'H264 240']);
});

test('other tracks of the same medium keep their headers', () => {
  const { stream, feed } = scene();
  const data = Buffer.from('header');
  bring(feed, ...clip({ gops: 1, framesPerGop: 2 }), audioTrack(80, 'start', { track: 1, fourCc: 'Opus', data }));
  const second = { track: 1, fourCc: 'Opus', data: Buffer.from('frame') };
  bring(feed, audioTrack(81, 'frame', second), audioFrame(83), keyframe(90), audioTrack(91, 'frame', second));
  bring(feed, ...mp3Frames(93), keyframe(130), audioTrack(131, 'frame', second), interFrame(170));
  const late = attachPlayer(stream);
  assert.deepEqual(given(late.sink).slice(0, 3), ['H264 header', 'Opus header', 'H264 130']);
});

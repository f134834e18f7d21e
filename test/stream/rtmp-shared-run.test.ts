/**
 * Players who rejoin a stream, each from another place, share the bytes: whatever a client has had, it decodes the run
 * as it is, and nothing but the first header of each track is its own.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultVhost } from '../../edge/conf/defaults.ts';
import { ChunkReader } from '../../edge/rtmp/chunk-reader.ts';
import { encodeMessage } from '../../edge/rtmp/chunk-writer.ts';
import type { RtmpMessage } from '../../edge/rtmp/message.ts';
import { type Frame, Track } from '../../edge/stream/frame.ts';
import { LiveStream } from '../../edge/stream/live-stream.ts';
import { PackedFrames } from '../../edge/stream/packed-frames.ts';
import { rtmpFormat } from '../../edge/stream/rtmp-format.ts';
import { chunkStreamOfTrack } from '../../edge/stream/rtmp-stream-ids.ts';
import { type Rejoining, type Run, wholeRoundMs } from '../../edge/stream/wire-format.ts';
import { audioFrame, audioHeader, keyframe, videoHeader } from '../support/media.ts';
import { attachPlayer, decodeRtmp } from '../support/playback.ts';
import fc, { inputs } from '../support/property.ts';

const chunkSize = 128;
const streamId = 1;
/** From here on a time needs the extended field. */
const extended = 0xffffff;
const allTracks = [Track.audio, Track.video, Track.data];
const typeOf = { [Track.audio]: 8, [Track.video]: 9, [Track.data]: 18 } as const;

function frame(track: Track, timeMs: number, payload: Buffer, role: Frame['role'] = 'media'): Frame {
  return { type: typeOf[track], track, role, timeMs, sourceTime: timeMs >>> 0, payload };
}

const shared = (run: Run) => rtmpFormat(chunkSize, true, streamId).share(run);

/** Time on the wire. */
const wireTime = (timeMs: number, baseMs: number): number => (timeMs - baseMs) % 2 ** 32;

/** What a client decodes that has had a message of each track at these times. */
function decoded(had: Run['lastTimes'], baseMs: number, parts: readonly Buffer[]) {
  const messages: Pick<RtmpMessage, 'type' | 'timestamp' | 'payload'>[] = [];
  const reader = new ChunkReader({ chunkSize });
  for (const track of allTracks) {
    const timeMs = had[track];
    if (timeMs === undefined) continue;
    const before = {
      type: typeOf[track],
      timestamp: wireTime(timeMs, baseMs),
      streamId,
      payload: Buffer.from('before'),
    };
    reader.push(encodeMessage(before, chunkStreamOfTrack[track], chunkSize), () => {});
  }
  reader.push(Buffer.concat(parts), ({ type, timestamp, payload }) => messages.push({ type, timestamp, payload }));
  return messages;
}

const span = fc.constantFrom(0, 0, 1, 40, extended - 1, extended, extended + 1);
const payload = fc.tuple(fc.constantFrom(1, chunkSize, chunkSize + 1, 3 * chunkSize), fc.nat(255));

const scene = fc.record({
  startMs: fc.constantFrom(0, 1_000, extended, 2 ** 32 - 5),
  /** By how much each track is behind, of which nothing may have come yet. */
  begins: fc.tuple(...allTracks.map(() => fc.option(span, { nil: undefined }))),
  frames: fc.array(fc.record({ track: fc.constantFrom(...allTracks), stepMs: span, payload }), { maxLength: 8 }),
  withHeaders: fc.boolean(),
  inStep: fc.nat(7),
  /** By how much the client is behind on each track, or ahead; undefined: it has had nothing that counts. */
  missed: fc.tuple(...allTracks.map(() => fc.option(fc.oneof(span, fc.constant(-40)), { nil: undefined }))),
  /** Where the client's time begins, from the stream's time before the run on. */
  base: fc.option(fc.constantFrom(-extended, -40, 0, 1, 40), { nil: undefined }),
});

test('whatever a client has had, it decodes every message at its time', () => {
  const property = fc.property(scene, ({ startMs, begins, frames: steps, withHeaders, inStep, missed, base }) => {
    const lastTimes = begins.map((aheadMs) => (aheadMs === undefined ? undefined : startMs + aheadMs));
    const times = lastTimes.map((timeMs = startMs) => timeMs);
    const frames = steps.map(({ track, stepMs, payload: [size, content] }) => {
      times[track] = (times[track] ?? 0) + stepMs;
      return frame(track, times[track], Buffer.alloc(size, content));
    });
    const headersMs = Math.min(...frames.map(({ timeMs }) => timeMs), Number.MAX_SAFE_INTEGER);
    const headers = withHeaders && frames.length > 0 ? [Track.video, Track.audio] : [];
    const packedHeaders = headers.map((track) => frame(track, 0, Buffer.alloc(200, 0xaa), 'header'));
    const baseMs = base === undefined ? wholeRoundMs : startMs + base;
    // What it has had is not before its time began; with headers before the run all that counts no more.
    const hadAt = (timeMs: number | undefined): number | undefined =>
      timeMs === undefined || timeMs < baseMs || headers.length > 0 ? undefined : timeMs;
    const known = lastTimes.map((timeMs, track) => {
      const missedMs = missed[track];
      return timeMs === undefined || missedMs === undefined ? undefined : hadAt(timeMs - missedMs);
    });
    const isInStep = (track: Track): boolean => (inStep & (1 << track)) !== 0 && hadAt(lastTimes[track]) !== undefined;
    const player: Rejoining = {
      inStep: allTracks.filter(isInStep).reduce<number>((mask, track) => mask | (1 << track), 0),
      known: known.map((timeMs, track) => (isInStep(track as Track) ? undefined : timeMs)),
      baseMs,
    };
    const run = {
      frames: PackedFrames.of(frames),
      headers: PackedFrames.of(packedHeaders),
      headersMs,
      lastTimes,
      baseMs: 0,
    };
    const parts = shared(run).parts(player);
    assert.ok(parts.every(({ length }) => length > 0));
    const had = allTracks.map((track) => (isInStep(track) ? lastTimes[track] : player.known[track]));
    const sent = [...packedHeaders.map((header) => ({ ...header, timeMs: headersMs })), ...frames];
    assert.deepEqual(
      decoded(had, baseMs, parts),
      sent.map(({ type, timeMs, payload }) => ({
        type,
        // Before the client's zero there is no time.
        timestamp: timeMs < baseMs ? 0 : wireTime(timeMs, baseMs),
        payload,
      })),
    );
  });
  fc.assert(property, { numRuns: inputs(2_000) });
});

/** Bytes that are not those that all players are given. */
function ownBytes(run: Run, player: Rejoining): number {
  const sharedRun = shared(run);
  const [whole] = sharedRun.parts({ ...player, inStep: 7 });
  assert.equal(whole?.length, sharedRun.heldBytes);
  const own = sharedRun.parts(player).filter(({ buffer }) => buffer !== whole?.buffer);
  return own.reduce((sum, { length }) => sum + length, 0);
}

test('who goes on behind what it has missed has no more than two headers of its own, however old the stream is', () => {
  const nowMs = 30 * 24 * 3_600_000;
  const frames = PackedFrames.of([
    frame(Track.video, nowMs, Buffer.alloc(80_000, 1), 'keyframe'),
    frame(Track.audio, nowMs + 3, Buffer.alloc(400, 2)),
    frame(Track.video, nowMs + 40, Buffer.alloc(80_000, 3)),
  ]);
  const run = { frames, headers: PackedFrames.none, headersMs: nowMs, lastTimes: [nowMs - 20, nowMs - 40], baseMs: 0 };
  const known = [nowMs - 2_000, nowMs - 2_000, undefined];
  assert.ok(ownBytes(run, { inStep: 0, known, baseMs: 0 }) <= 2 * 8);
  // Who has had nothing of a track begins with a time that all but the first message are counted from.
  assert.ok(ownBytes(run, { inStep: 0, known: [], baseMs: nowMs }) <= 2 * 12);
  // A small message has one header only, which has room for the time.
  const audio = { ...run, frames: PackedFrames.of([frame(Track.audio, nowMs, Buffer.alloc(100, 2))]) };
  assert.ok(ownBytes(audio, { inStep: 0, known: [], baseMs: 0 }) <= 16);
});

test('a time that needs the extended field stands in every chunk of the message, and no other does', () => {
  // Our own reader gets along without; others do not.
  for (const timeMs of [extended - 1, extended, extended + 1]) {
    for (const aheadMs of [40, extended]) {
      const payload = Buffer.alloc(3 * chunkSize, 5);
      const frames = PackedFrames.of([frame(Track.video, timeMs, payload, 'keyframe')]);
      const lastTimes = [undefined, timeMs - aheadMs];
      const run = { frames, headers: PackedFrames.none, headersMs: timeMs, lastTimes, baseMs: 0 };
      const parts = shared(run).parts({ inStep: 0, known: [], baseMs: 0 });
      const message = { type: 9, timestamp: timeMs, streamId, payload };
      const alone = encodeMessage(message, chunkStreamOfTrack[Track.video], chunkSize);
      assert.ok(Buffer.concat(parts).equals(alone), `${timeMs} ms, ${aheadMs} ms behind the message before`);
    }
  }
});

test('video that comes back after five hours: who has joined meanwhile can decode it', () => {
  const vhost = defaultVhost({ minLatency: true, play: { gopCache: false } });
  const stream = new LiveStream({ vhost: 'v', app: 'a', stream: 's' }, vhost);
  const feed = stream.openFeed();
  const bring = (...messages: RtmpMessage[]): void => {
    for (const message of messages) feed.push(message, message.timestamp);
    feed.flush(Number.POSITIVE_INFINITY);
  };
  bring(videoHeader(0), audioHeader(0), keyframe(0), audioFrame(0));
  const minuteMs = 60_000;
  const backMs = 5 * 60 * minuteMs;
  for (let ms = minuteMs; ms < backMs; ms += minuteMs) bring(audioFrame(ms));
  const { sink } = attachPlayer(stream, { format: rtmpFormat(60_000, true) });
  bring(audioFrame(backMs));
  bring(keyframe(backMs + 40, 7, 80_000), audioFrame(backMs + 43));
  const played = decodeRtmp(sink.writes, 60_000).slice(-2);
  assert.deepEqual(
    played.map(({ timestamp }) => timestamp),
    [40, 43],
  );
  assert.ok(played[0]?.payload.equals(keyframe(backMs + 40, 7, 80_000).payload));
});

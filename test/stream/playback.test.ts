/**
 * The promise of the shared bytes: whenever a player joins, however slow it is, whatever its format, it decodes
 * headers, then exactly the stream, where video begins with a keyframe.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MediaMemory } from '../../edge/budget/media-memory.ts';
import { defaultVhost } from '../../edge/conf/defaults.ts';
import { MessageType, type RtmpMessage } from '../../edge/rtmp/message.ts';
import { type FlvFraming, type FlvTracks, flvFormat } from '../../edge/stream/flv-format.ts';
import { isHeader, Track, toUntimedFrame, type UntimedFrame } from '../../edge/stream/frame.ts';
import { LiveStream } from '../../edge/stream/live-stream.ts';
import { Player } from '../../edge/stream/player.ts';
import { rtmpFormat } from '../../edge/stream/rtmp-format.ts';
import { noReports } from '../../edge/stream/stream-reports.ts';
import { audioFrame, audioHeader, dataMessage, interFrame, keyframe, metadata, videoHeader } from '../support/media.ts';
import { decodeFlv, decodeRtmp, type Played, RecordingSink } from '../support/playback.ts';
import fc, { inputs } from '../support/property.ts';

type Wire =
  | { readonly kind: 'rtmp'; readonly chunkSize: number; readonly zeroBased: boolean }
  | { readonly kind: 'flv'; readonly framing: FlvFraming; readonly tracks: FlvTracks };

type Step =
  | { readonly kind: 'keyframe' | 'inter' | 'audio'; readonly stepMs: number; readonly size: number }
  | { readonly kind: 'data' | 'metadata' | 'videoHeader' | 'audioHeader' | 'repeatHeaders' }
  | { readonly kind: 'slice' }
  | { readonly kind: 'join'; readonly wire: Wire; readonly queueLengthMs: number }
  | { readonly kind: 'credit'; readonly player: number; readonly credit: number };

const wire: fc.Arbitrary<Wire> = fc.oneof(
  fc.record({
    kind: fc.constant('rtmp' as const),
    chunkSize: fc.constantFrom(128, 60_000),
    zeroBased: fc.constantFrom(true, true, false),
  }),
  fc.record({
    kind: fc.constant('flv' as const),
    framing: fc.constantFrom<FlvFraming>('bare', 'chunked', 'websocket'),
    tracks: fc.constantFrom<FlvTracks>(
      { audio: true, video: true },
      { audio: true, video: true },
      { audio: false, video: true },
      { audio: true, video: false },
    ),
  }),
);

const stepMs = fc.constantFrom(0, 1, 20, 33, 40, 150);
const size = fc.constantFrom(4, 50, 127, 128, 300);

function frameStep(kind: 'keyframe' | 'inter' | 'audio'): fc.Arbitrary<Step> {
  return fc.record({ kind: fc.constant(kind), stepMs, size });
}

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: frameStep('inter') },
  { weight: 8, arbitrary: frameStep('audio') },
  { weight: 2, arbitrary: frameStep('keyframe') },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('slice' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        'data' as const,
        'metadata' as const,
        'videoHeader' as const,
        'audioHeader' as const,
        'repeatHeaders' as const,
      ),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('join' as const), wire, queueLengthMs: fc.constantFrom(150, 1_000) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('credit' as const),
      player: fc.nat(5),
      credit: fc.constantFrom(0, 0, 1, 2, Number.POSITIVE_INFINITY),
    }),
  },
);

interface Session {
  readonly wire: Wire;
  readonly player: Player;
  readonly sink: RecordingSink;
  /** Messages that the stream had had when the player came. */
  readonly joinedAt: number;
}

interface Outcome {
  readonly sent: readonly UntimedFrame[];
  readonly sessions: readonly Session[];
}

const vhost = defaultVhost({ minLatency: true });

/** Plays the plan against a stream; in the end everyone is fast and everything is sliced. */
function run(steps: readonly Step[], startMs: number): Outcome {
  const memory = new MediaMemory(() => Number.POSITIVE_INFINITY);
  const stream = new LiveStream({ vhost: 'v', app: 'a', stream: 's' }, vhost, noReports, memory);
  const feed = stream.openFeed();
  const sent: UntimedFrame[] = [];
  const sessions: Session[] = [];
  let videoMs = startMs;
  let audioMs = startMs;
  let id = 0;
  const versions = { videoHeader: 0, audioHeader: 0, metadata: 0 };
  let needsKeyframe = true;

  const push = (message: RtmpMessage): void => {
    sent.push(toUntimedFrame(message) as UntimedFrame);
    feed.push(message, Math.max(videoMs, audioMs));
  };
  const pushFrame = (kind: 'keyframe' | 'inter' | 'audio', step: number, size: number): void => {
    if (kind === 'audio') {
      // The tracks of a real stream stay near each other, and either may be ahead.
      audioMs = Math.min(Math.max(audioMs + step, videoMs - 240), videoMs + 240);
      push(audioFrame(audioMs, id++, size));
    } else {
      videoMs = Math.min(Math.max(videoMs + step, audioMs - 240), audioMs + 240);
      push(kind === 'keyframe' || needsKeyframe ? keyframe(videoMs, id++, size) : interFrame(videoMs, id++, size));
      needsKeyframe = false;
    }
  };
  push(metadata(startMs, { version: 0 }));
  push(videoHeader(startMs));
  push(audioHeader(startMs));
  for (const step of steps) {
    switch (step.kind) {
      case 'keyframe':
      case 'inter':
      case 'audio':
        pushFrame(step.kind, step.stepMs, step.size);
        break;
      case 'data':
        push(dataMessage(Math.max(videoMs, audioMs), id++));
        break;
      case 'metadata':
        push(metadata(Math.max(videoMs, audioMs), { version: ++versions.metadata }));
        break;
      case 'videoHeader':
        push(videoHeader(videoMs, ++versions.videoHeader));
        needsKeyframe = true;
        break;
      case 'audioHeader':
        push(audioHeader(audioMs, ++versions.audioHeader));
        break;
      case 'repeatHeaders':
        push(videoHeader(videoMs, versions.videoHeader));
        push(audioHeader(audioMs, versions.audioHeader));
        break;
      case 'slice':
        feed.flush(Number.POSITIVE_INFINITY);
        break;
      case 'join': {
        const { wire, queueLengthMs } = step;
        const format =
          wire.kind === 'rtmp' ? rtmpFormat(wire.chunkSize, wire.zeroBased) : flvFormat(wire.framing, wire.tracks);
        const sink = new RecordingSink();
        const player = new Player({
          format,
          sink,
          limits: () => ({ queueLengthMs, queueMaxBytes: 16_000_000 }),
          memory,
        });
        sessions.push({ wire, player, sink, joinedAt: sent.length });
        stream.attach(player);
        break;
      }
      case 'credit': {
        const session = sessions[step.player];
        if (session === undefined) break;
        session.sink.credit = step.credit;
        if (session.sink.writable) session.player.drained();
        break;
      }
    }
  }
  feed.flush(Number.POSITIVE_INFINITY);
  for (const { sink, player } of sessions) {
    sink.credit = Number.POSITIVE_INFINITY;
    player.drained();
  }
  assert.equal(memory.bytesOf('backlog'), 0, 'nothing waits for players that keep up');
  for (const { player } of sessions) stream.detach(player);
  stream.dispose();
  assert.equal(memory.total, 0, 'what nobody holds is not counted');
  return { sent, sessions };
}

function decode({ wire, sink }: Session): Played[] {
  return wire.kind === 'rtmp' ? decodeRtmp(sink.writes, wire.chunkSize) : decodeFlv(sink.writes, wire.framing);
}

/** The key a header is kept under: here each track has one. */
function slot({ type }: { type: number }): number {
  return type;
}

function isHeaderMessage({ type, timestamp, payload }: Played): boolean {
  return isHeader(toUntimedFrame({ type, timestamp, payload, streamId: 1 }) as UntimedFrame);
}

function wanted(wire: Wire, frame: UntimedFrame): boolean {
  if (wire.kind === 'rtmp' || frame.track === Track.data) return true;
  return frame.track === Track.audio ? wire.tracks.audio : wire.tracks.video;
}

/** Returns how many gaps it saw. */
function check(session: Session, allSent: readonly UntimedFrame[]): number {
  const sent = allSent.filter((frame) => wanted(session.wire, frame));
  const played = decode(session);
  const first = played.findIndex((message) => !isHeaderMessage(message));
  if (first < 0) return 0;
  const firstPlayed = played[first]!;
  const indexOf = (message: Played, from: number): number =>
    sent.findIndex((frame, index) => index >= from && frame.payload.equals(message.payload));
  const start = indexOf(firstPlayed, 0);
  assert.ok(start >= 0, 'the first frame was never sent');

  const firstVideo = played.findIndex((message) => message.type === 9 && !isHeaderMessage(message));
  if (firstVideo >= 0) assert.equal(played[firstVideo]!.payload[0], 0x17, 'video begins with a keyframe');

  // One constant lies between the player's time and the stream's.
  const offset = (sent[start]!.sourceTime - firstPlayed.timestamp) | 0;
  const zeroBased = session.wire.kind === 'rtmp' && session.wire.zeroBased;
  if (!zeroBased) assert.equal(offset, 0);
  const isFlv = session.wire.kind === 'flv';
  const dueTime = (frame: UntimedFrame): number => {
    // Metadata in FLV has no time.
    if (isFlv && frame.role === 'metadata') return 0;
    const time = (frame.sourceTime - offset) | 0;
    // Before the player's zero there is no time.
    return (zeroBased ? Math.max(0, time) : time) >>> 0;
  };

  const isFrame = (message: Played): boolean => message.type !== MessageType.dataAmf0 && !isHeaderMessage(message);
  const firstMedia = played.find(isFrame) ?? firstPlayed;
  const decoder = new Map<number, Buffer>();
  for (const header of played.slice(0, first)) {
    decoder.set(slot(header), header.payload);
    const isMetadata = isFlv && header.type === MessageType.dataAmf0;
    if (isMetadata) assert.equal(header.timestamp, 0);
    if (sent.length < allSent.length || header.type === MessageType.dataAmf0) continue;
    // A track that has brought nothing yet may turn out to be behind the other.
    const isAhead = (of: Played): boolean => ((of.timestamp - header.timestamp) | 0) < -240;
    const ofTrack = played.find((message) => message.type === header.type && isFrame(message));
    assert.ok(
      !isAhead(firstMedia) || ofTrack === undefined || !isAhead(ofTrack),
      'headers are not ahead of what they are for',
    );
  }
  const inForce = (index: number): Map<number, Buffer> => {
    const headers = new Map<number, Buffer>();
    for (const frame of sent.slice(0, index)) if (isHeader(frame)) headers.set(slot(frame), frame.payload);
    return headers;
  };
  const assertHeaders = (index: number): void => {
    for (const [key, payload] of inForce(index)) {
      assert.deepEqual(decoder.get(key), payload, `header ${key} in force before frame ${index}`);
    }
  };
  assertHeaders(start);

  const isVideo = (frame: UntimedFrame): boolean => frame.track === Track.video && !isHeader(frame);
  let expected = start;
  let videoWaits = true;
  /** Frames were dropped: from then on video may be left out until a keyframe. */
  let mayWait = false;
  let least = Number.POSITIVE_INFINITY;
  let gaps = 0;
  for (let at = first; at < played.length; at++) {
    const message = played[at]!;
    const next = sent[expected];
    if (next === undefined || !next.payload.equals(message.payload) || message.timestamp !== dueTime(next)) {
      // Something was left out: headers, if they changed, and then the stream goes on.
      let resumed = at;
      while (resumed < played.length && isHeaderMessage(played[resumed]!)) {
        decoder.set(slot(played[resumed]!), played[resumed]!.payload);
        resumed++;
      }
      if (resumed === played.length) break;
      const index = indexOf(played[resumed]!, expected);
      // What was left out may have been of a track that this player does not get.
      const onlyHeaders = index === expected && resumed > at;
      assert.ok(index > expected || onlyHeaders, 'a frame came twice, or out of order');
      const skipped = sent.slice(expected, index).filter((frame) => !isHeader(frame));
      const dropped = skipped.some((frame) => !isVideo(frame) || !(videoWaits || mayWait));
      if (dropped) {
        assert.ok(session.player.droppedGops > 0, `frame ${expected} is missing and nothing was dropped`);
        gaps++;
        mayWait = true;
      }
      videoWaits ||= skipped.some(isVideo);
      assertHeaders(index);
      expected = index;
      at = resumed;
    }
    const frame = sent[expected]!;
    const got = played[at]!;
    assert.equal(got.timestamp, dueTime(frame), `time of frame ${expected}`);
    if (isVideo(frame)) {
      if (videoWaits) assert.equal(frame.role, 'keyframe', 'video goes on at a keyframe');
      videoWaits = false;
      mayWait = false;
    }
    if (isHeader(frame)) decoder.set(slot(got), got.payload);
    else least = Math.min(least, got.timestamp);
    expected++;
  }
  if (session.sink.writes.length > 0 && session.player.droppedGops === 0) {
    const missing = sent.slice(expected).filter((frame) => !isHeader(frame));
    const waited = videoWaits && missing.every((frame) => isVideo(frame) && frame.role !== 'keyframe');
    assert.ok(missing.length === 0 || waited, 'the end is missing');
  }
  assert.ok(gaps <= session.player.droppedGops);
  // A track that is behind the other may have nothing yet: then time begins where its next frame can be.
  if (zeroBased) assert.ok(least >= 0 && least <= 240 + 150, `time begins at ${least}`);
  return gaps;
}

test('every player decodes headers, a keyframe, and from there the stream, whenever it joins and however slow', () => {
  let gaps = 0;
  let bytes = 0;
  fc.assert(
    fc.property(
      fc.array(step, { minLength: 5, maxLength: 120, size: 'max' }),
      fc.constantFrom(0, 5_000, 0xffffff - 300, 2 ** 31 - 100, 2 ** 32 - 300),
      (steps, startMs) => {
        const { sent, sessions } = run(steps, startMs);
        for (const session of sessions) {
          gaps += check(session, sent);
          bytes += session.player.bytesSent;
        }
      },
    ),
    { numRuns: inputs(1_500) },
  );
  assert.ok(gaps > 50 && bytes > 1_000_000, `the plans hardly test anything: ${gaps} gaps, ${bytes} bytes`);
});

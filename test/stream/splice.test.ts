/** Another source takes over: what players see of it. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultVhost } from '../../edge/conf/defaults.ts';
import type { RtmpMessage } from '../../edge/rtmp/message.ts';
import type { Feed } from '../../edge/stream/feed.ts';
import { flvFormat } from '../../edge/stream/flv-format.ts';
import { HeaderSet } from '../../edge/stream/headers.ts';
import { History } from '../../edge/stream/history.ts';
import { LiveStream } from '../../edge/stream/live-stream.ts';
import type { Player } from '../../edge/stream/player.ts';
import { Splice } from '../../edge/stream/splice.ts';
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
import { attachPlayer, decodeFlv, type Played, type RecordingSink } from '../support/playback.ts';
import fc, { inputs } from '../support/property.ts';
import { frameOf } from '../support/slices.ts';

const format = flvFormat('bare', { audio: true, video: true });

interface Watched {
  readonly stream: LiveStream;
  readonly player: Player;
  readonly sink: RecordingSink;
}

/** A stream with a player that sees all of it; each flush makes a slice. */
function watched(): Watched {
  const stream = new LiveStream({ vhost: 'v', app: 'a', stream: 's' }, defaultVhost({ minLatency: true }));
  return { stream, ...attachPlayer(stream, { format }) };
}

function bring(feed: Feed, messages: readonly RtmpMessage[], arrivalMs = 0): void {
  for (const message of messages) feed.push(message, arrivalMs);
  feed.flush(Number.POSITIVE_INFINITY);
}

function seen({ sink }: Watched): Played[] {
  return decodeFlv(sink.writes, 'bare');
}

/** What players get of a message. */
function asPlayed({ type, timestamp, payload }: RtmpMessage): Played {
  const setDataFrame = payload.indexOf('@setDataFrame') === 3;
  return { type, timestamp, payload: setDataFrame ? payload.subarray(16) : payload };
}

function later(messages: readonly RtmpMessage[], byMs: number): RtmpMessage[] {
  return messages.map((message) => ({ ...message, timestamp: (message.timestamp + byMs) >>> 0 }));
}

const isTrack =
  (type: number) =>
  (message: { readonly type: number }): boolean =>
    message.type === type;

test('a backup of the same media is joined frame-exactly at any point, whatever its time begins at', () => {
  const headerCount = 3;
  const plan = fc.record({
    framesPerGop: fc.integer({ min: 1, max: 8 }),
    /** Messages that the first source has brought when the backup's first one comes, and when it dies. */
    before: fc.nat(60),
    meanwhile: fc.nat(20),
    startMs: fc.constantFrom(0, 90_000, 2 ** 32 - 600),
    /** How far the publisher's audio is from its video. */
    audioMs: fc.constantFrom(0, 0, 2_500, -2_500, 30_000, -30_000),
    /** Origins that let everyone begin at zero differ by a constant. */
    shiftMs: fc.constantFrom(0, 0, 40, -40, 1_000_000, -86_400_000),
    /** Who is heard next while both are there. */
    turns: fc.array(fc.boolean(), { minLength: 200, maxLength: 200 }),
    /** Where the backup sends an audio frame before the picture that the first source sent before it. */
    swaps: fc.array(fc.boolean(), { minLength: 60, maxLength: 60 }),
    /** The backup's cache begins with the keyframe before the newest one. */
    olderGop: fc.boolean(),
  });
  fc.assert(
    fc.property(plan, ({ framesPerGop, before, meanwhile, startMs, audioMs, shiftMs, turns, swaps, olderGop }) => {
      const published = clip({ startMs, framesPerGop, gops: Math.ceil(80 / framesPerGop) }).map((message) =>
        message.type === 8 ? { ...message, timestamp: (message.timestamp + audioMs) >>> 0 } : message,
      );
      const headers = published.slice(0, headerCount);
      const media = published.slice(headerCount);
      const isKeyframe = (message: RtmpMessage): boolean => message.payload[0] === 0x17;
      // The backup has what it sends first in common with the first source, a keyframe first.
      const opened = Math.max(1, before);
      const keyframes = [...media.keys()].filter((index) => index < opened && isKeyframe(media[index]!));
      const start = (olderGop ? keyframes.at(-2) : undefined) ?? keyframes.at(-1)!;
      const backup = media.slice(start);
      for (const [index, swap] of swaps.entries()) {
        const at = 2 + index * 2;
        const [first, second] = [backup[at], backup[at + 1]];
        if (swap && first !== undefined && second !== undefined) [backup[at], backup[at + 1]] = [second, first];
      }

      const world = watched();
      const superseded: string[] = [];
      const first = world.stream.openFeed({ superseded: () => superseded.push('first') });
      bring(first, [...headers, ...media.slice(0, opened)]);
      const second = world.stream.openFeed({ superseded: () => superseded.push('second') });
      const firstQueue = media.slice(opened, opened + meanwhile);
      const secondQueue = later([...headers, ...backup], shiftMs);
      for (const turn of turns) {
        const message = (turn ? firstQueue : secondQueue).shift();
        if (message !== undefined) bring(turn ? first : second, [message]);
        if (secondQueue.length === 0) break;
      }
      first.close();
      bring(second, secondQueue);

      assert.equal(second.delivering, true);
      assert.ok(superseded.length === 0 || (superseded.length === 1 && superseded[0] === 'first'));
      const played = seen(world).slice(headerCount);
      for (const type of [8, 9]) {
        const got = played.filter(isTrack(type));
        assert.deepEqual(got, media.filter(isTrack(type)).map(asPlayed), `track ${type}`);
      }
      assert.equal(played.length, media.length, 'headers are not repeated');
    }),
    { numRuns: inputs(300) },
  );
});

test('a source with another clock goes on at its first keyframe, in time, without headers that players have', () => {
  const world = watched();
  const first = world.stream.openFeed();
  const before = clip({ gops: 1, framesPerGop: 5 });
  bring(first, before);
  first.close();

  const second = world.stream.openFeed();
  const other = clip({ startMs: 700_000, gops: 1, framesPerGop: 3, seed: 1 });
  const unusable = [interFrame(699_920, 1_001), audioFrame(699_925, 1_002)];
  bring(second, [...other.slice(0, 3), ...unusable, ...other.slice(3)], 200);

  const played = seen(world);
  assert.deepEqual(played.slice(0, before.length), before.map(asPlayed));
  // The first source ended with a picture at 160 ms and audio 3 ms behind; a step is 40 ms.
  assert.deepEqual(played.slice(before.length), later(other.slice(3), 203 - 700_000).map(asPlayed));
});

test('changed headers come before the keyframe', () => {
  const world = watched();
  const first = world.stream.openFeed();
  bring(first, clip({ gops: 1 }));
  const had = seen(world).length;
  first.close();
  const second = world.stream.openFeed();
  const frames = [keyframe(5_000, 900), audioFrame(5_003, 901)];
  bring(second, [metadata(5_000), videoHeader(5_000, 7), audioHeader(5_000), interFrame(4_990, 899), ...frames], 300);
  assert.deepEqual(
    seen(world)
      .slice(had)
      .map(({ payload }) => payload),
    [videoHeader(0, 7), ...frames].map(({ payload }) => payload),
  );
});

test('only the newest header of a track is sent, and none that the present source has brought meanwhile', () => {
  const world = watched();
  const first = world.stream.openFeed();
  bring(first, clip({ gops: 1 }));
  const second = world.stream.openFeed();
  bring(second, [videoHeader(9_000, 1), videoHeader(9_000, 2), audioHeader(9_000, 3)]);
  bring(first, [audioHeader(200, 3)]);
  const had = seen(world).length;
  bring(second, [keyframe(9_000, 900)]);
  assert.deepEqual(
    seen(world)
      .slice(had)
      .map(({ payload }) => payload),
    [videoHeader(0, 2).payload, keyframe(9_000, 900).payload],
  );
});

test('headers that the present source has replaced meanwhile are sent again', () => {
  const world = watched();
  const first = world.stream.openFeed();
  bring(first, clip({ gops: 1 }));
  const second = world.stream.openFeed();
  bring(second, [videoHeader(9_000)]);
  bring(first, [videoHeader(200, 5), keyframe(200, 800)]);
  const had = seen(world).length;
  bring(second, [keyframe(9_000, 900)]);
  assert.deepEqual(
    seen(world)
      .slice(had)
      .map(({ payload }) => payload),
    [videoHeader(0).payload, keyframe(9_000, 900).payload],
  );
});

test('make before break: the old feed delivers until the new one can, is told once, and is not heard after', () => {
  const world = watched();
  let told = 0;
  const first = world.stream.openFeed({ superseded: () => told++ });
  bring(first, clip({ gops: 1 }));
  const second = world.stream.openFeed();
  bring(second, [videoHeader(9_000), interFrame(9_000, 900)], 210);
  assert.equal(told, 0);
  assert.equal(first.delivering, true);
  bring(first, [interFrame(200, 700)]);
  const had = seen(world).length;
  bring(second, [keyframe(9_040, 901)], 250);
  assert.equal(told, 1);
  assert.equal(first.delivering, false);
  assert.equal(second.delivering, true);
  bring(first, [interFrame(240, 701)]);
  first.close();
  bring(second, [interFrame(9_080, 902)], 290);
  assert.equal(told, 1);
  assert.equal(world.stream.live, true);
  assert.deepEqual(
    seen(world)
      .slice(had)
      .map(({ timestamp, payload }) => [timestamp, payload]),
    [
      [240, keyframe(0, 901).payload],
      [280, interFrame(0, 902).payload],
    ],
  );
});

test('a source is told once that it carries what the stream has had', () => {
  const world = watched();
  const published = clip({ gops: 2 });
  const first = world.stream.openFeed();
  bring(first, published);
  let told = 0;
  const second = world.stream.openFeed({ overlaps: () => told++ });
  bring(second, published.slice(0, 3));
  assert.equal(told, 0);
  for (const message of published.slice(3)) bring(second, [message]);
  assert.equal(told, 1);
  assert.equal(first.delivering, true);
});

test('silence does not make two sources the same', () => {
  const world = watched();
  const first = world.stream.openFeed();
  const silence = (time: number): RtmpMessage => audioFrame(time, 0);
  bring(first, [videoHeader(0), keyframe(0, 1), silence(0), interFrame(40, 2), silence(23), interFrame(80, 3)]);
  first.close();
  // Restarted, with the same clock from zero and the same silence, and another picture.
  const second = world.stream.openFeed();
  const had = seen(world).length;
  bring(second, [videoHeader(0), silence(0), keyframe(0, 11), silence(23), interFrame(40, 12)], 120);
  assert.deepEqual(
    seen(world)
      .slice(had)
      .map(({ timestamp, payload }) => [timestamp, payload]),
    [
      [120, keyframe(0, 11).payload],
      [143, silence(0).payload],
      [160, interFrame(0, 12).payload],
    ],
  );
});

test('a publisher that starts anew right after a frame-exact join is seen at once', () => {
  const world = watched();
  const first = world.stream.openFeed();
  const published = clip({ startMs: 50_000, gops: 2, framesPerGop: 5 });
  bring(first, published.slice(0, 12));
  first.close();
  const second = world.stream.openFeed();
  bring(second, published);
  const had = seen(world).length;
  assert.equal(had, published.length);
  const anew = clip({ startMs: 0, gops: 1, framesPerGop: 3, seed: 9 }).slice(3);
  bring(second, anew, 50_400);
  assert.deepEqual(
    seen(world)
      .slice(had)
      .map(({ payload }) => payload),
    anew.map(({ payload }) => payload),
  );
});

test('a backup that starts anew while it repeats what we had is joined at its keyframe', () => {
  const world = watched();
  const first = world.stream.openFeed();
  const published = clip({ startMs: 50_000, gops: 1, framesPerGop: 8 });
  bring(first, published);
  first.close();
  const second = world.stream.openFeed();
  bring(second, published.slice(0, 8));
  const had = seen(world).length;
  bring(second, [interFrame(0, 500), keyframe(40, 501), audioFrame(43, 502)], 50_500);
  assert.deepEqual(
    seen(world)
      .slice(had)
      .map(({ payload }) => payload),
    [keyframe(0, 501).payload, audioFrame(0, 502).payload],
  );
});

test('what an earlier source brought on another clock says nothing about the present one', () => {
  const world = watched();
  const first = world.stream.openFeed();
  bring(first, clip({ gops: 1 }));
  first.close();
  const second = world.stream.openFeed();
  const published = clip({ startMs: 1_000_000, gops: 1, framesPerGop: 8, seed: 1 });
  bring(second, published);
  second.close();
  const third = world.stream.openFeed();
  bring(third, published.slice(0, 8));
  const had = seen(world).length;
  // It begins anew, at times that the first source has had.
  bring(third, [keyframe(40, 501), audioFrame(43, 502)]);
  assert.deepEqual(
    seen(world)
      .slice(had)
      .map(({ payload }) => payload),
    [keyframe(0, 501).payload, audioFrame(0, 502).payload],
  );
});

test('a stream of sound alone goes on with the first frame of the next source', () => {
  const world = watched();
  const first = world.stream.openFeed();
  bring(first, [audioHeader(0), audioFrame(0, 1), audioFrame(23, 2)]);
  first.close();
  const second = world.stream.openFeed();
  bring(second, [audioHeader(0), audioFrame(1_000, 3), audioFrame(1_023, 4)], 50);
  assert.deepEqual(
    seen(world).map(({ timestamp }) => timestamp),
    [0, 0, 23, 46, 69],
  );
});

test('a source that has lost its video is heard after a while', () => {
  const world = watched();
  const first = world.stream.openFeed();
  bring(first, clip({ gops: 1 }));
  first.close();
  const had = seen(world).length;
  const second = world.stream.openFeed();
  for (let index = 0; index < 400; index++) bring(second, [audioFrame(index * 23, 10_000 + index)], 1_000 + index * 23);
  assert.equal(second.delivering, true);
  assert.equal(seen(world).length - had, 150);
});

test('data messages survive a frame-exact join, once each', () => {
  const world = watched();
  const published = [
    videoHeader(0),
    keyframe(0, 1),
    dataMessage(0, 2),
    interFrame(40, 3),
    dataMessage(0, 4),
    interFrame(80, 5),
    dataMessage(80, 6),
    interFrame(120, 7),
  ];
  const first = world.stream.openFeed();
  bring(first, published.slice(0, 4));
  first.close();
  bring(world.stream.openFeed(), published);
  assert.deepEqual(
    seen(world).map(({ payload }) => payload),
    published.map(({ payload }) => payload),
  );
});

test('pictures of a still scene are alike and prove nothing: the source begins at its keyframe', () => {
  const world = watched();
  const headers = [videoHeader(0), audioHeader(0)];
  const scene = [0, 1, 2].flatMap((gop) => [keyframe(gop * 1_000, gop), audioFrame(gop * 1_000 + 20, 100 + gop)]);
  const first = world.stream.openFeed();
  bring(first, [...headers, ...scene]);
  first.close();
  const shown = seen(world).length;
  // Its first picture is like the stream's first, which is not where the stream has got to.
  const other = [keyframe(50_000, 0), interFrame(50_040, 77), audioFrame(50_050, 78)];
  bring(world.stream.openFeed(), [...headers, ...other]);
  const after = seen(world).slice(shown);
  assert.deepEqual(
    after.map(({ payload }) => payload),
    other.map(({ payload }) => payload),
  );
  assert.ok(after.every(({ timestamp }) => timestamp > 2_000 && timestamp < 3_000));
});

/** What becomes of each message of a source that may take over, where the stream has had these. */
function steps(had: readonly RtmpMessage[], hasVideo: boolean): { splice: Splice; kind: (m: RtmpMessage) => string } {
  const history = new History();
  for (const message of had) history.add(frameOf(message));
  const splice = new Splice({ history, headers: () => HeaderSet.empty, hasVideo });
  return { splice, kind: (message) => splice.next(frameOf(message)).kind };
}

test('a source that is met between two key frames begins with the next one, and not with sound', () => {
  const { kind } = steps([keyframe(0, 1), audioFrame(3, 1)], true);
  assert.equal(kind(interFrame(0, 7)), 'skip');
  for (let at = 0; at < 1_000; at++) assert.equal(kind(audioFrame(20 * at, 100 + at)), 'skip');
  assert.equal(kind(keyframe(20_000, 8)), 'join');
});

test('a source that never sends a key frame is joined after a while', () => {
  const { kind } = steps([keyframe(0, 1)], true);
  for (let at = 0; at < 3_000; at++) assert.equal(kind(interFrame(40 * at, 100 + at)), 'skip');
  assert.equal(kind(interFrame(120_000, 9_999)), 'join');
});

test('data alone is nothing to begin with', () => {
  const { kind } = steps([audioFrame(0, 1)], false);
  assert.equal(kind(dataMessage(0, 9)), 'skip');
  assert.equal(kind(audioFrame(0, 9)), 'join');
});

test('on another clock, two frames that the stream has had prove that the source is the same', () => {
  const had = [keyframe(0, 1), interFrame(40, 2), interFrame(80, 3)];
  const { splice, kind } = steps(had, true);
  const [first, second, third] = later(had, 5_000);
  assert.equal(kind(first as RtmpMessage), 'skip');
  assert.equal(splice.overlaps, false);
  assert.equal(kind(second as RtmpMessage), 'skip');
  assert.equal(splice.overlaps, true);
  assert.equal(kind(third as RtmpMessage), 'skip');
  assert.equal(kind(interFrame(5_120, 4)), 'join');
  assert.equal(splice.shift, -5_000);
});

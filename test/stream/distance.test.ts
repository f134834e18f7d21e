/** Audio and video as far apart as they were published: what players of each kind see of it. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultVhost } from '../../edge/conf/defaults.ts';
import { MessageType, type RtmpMessage } from '../../edge/rtmp/message.ts';
import type { Feed } from '../../edge/stream/feed.ts';
import type { FlvEpoch } from '../../edge/stream/flv-epochs.ts';
import { flvFormat } from '../../edge/stream/flv-format.ts';
import { isMedia, toUntimedFrame } from '../../edge/stream/frame.ts';
import { LiveStream } from '../../edge/stream/live-stream.ts';
import { Player } from '../../edge/stream/player.ts';
import { rtmpFormat } from '../../edge/stream/rtmp-format.ts';
import { noReports, type StreamReports } from '../../edge/stream/stream-reports.ts';
import { audioFrame, audioHeader, interFrame, keyframe, metadata, videoHeader } from '../support/media.ts';
import { decodeFlv, decodeRtmp, type Played, RecordingSink } from '../support/playback.ts';
import fc, { inputs } from '../support/property.ts';

const both = { audio: true, video: true };
const chunkSize = 60_000;
const gopMs = 1_000;

/** What an encoder sends: 25 pictures and 50 sounds a second, in the order in which they are made. */
interface Encoder {
  /** Times of the first picture and the first sound; undefined for none. */
  readonly videoMs?: number | undefined;
  readonly audioMs?: number | undefined;
  /** How much later than the other the first picture, or the first sound, is made. */
  readonly videoLateMs?: number;
  readonly audioLateMs?: number;
  readonly durationMs?: number;
  readonly stepMs?: number;
  /** Told apart by its frames. */
  readonly seed?: number;
}

interface Made {
  readonly message: RtmpMessage;
  readonly atMs: number;
}

function encode(encoder: Encoder): Made[] {
  const { videoMs, audioMs, videoLateMs = 0, audioLateMs = 0, durationMs = 4_000, stepMs = 40, seed = 0 } = encoder;
  const made: Made[] = [];
  const id = (index: number): number => seed * 2 ** 24 + index;
  if (videoMs !== undefined) {
    for (let ms = 0; ms < durationMs; ms += stepMs) {
      const frame = ms % gopMs === 0 ? keyframe : interFrame;
      made.push({ message: frame((videoMs + ms) >>> 0, id(made.length)), atMs: videoLateMs + ms });
    }
  }
  if (audioMs !== undefined) {
    for (let ms = 0; ms < durationMs; ms += stepMs / 2) {
      made.push({ message: audioFrame((audioMs + ms) >>> 0, id(made.length)), atMs: audioLateMs + ms });
    }
  }
  return made.sort((one, two) => one.atMs - two.atMs);
}

function headers({ videoMs, audioMs }: Encoder): RtmpMessage[] {
  return [
    metadata(0),
    ...(videoMs === undefined ? [] : [videoHeader(videoMs >>> 0)]),
    ...(audioMs === undefined ? [] : [audioHeader(audioMs >>> 0)]),
  ];
}

interface Watcher {
  readonly name: string;
  readonly zeroBased: boolean;
  readonly player: Player;
  readonly sink: RecordingSink;
  readonly epoch: () => FlvEpoch | undefined;
  decode(): Played[];
}

class World {
  readonly stream: LiveStream;
  readonly watchers: Watcher[] = [];
  /** The monotonic clock, which runs faster here than it does elsewhere. */
  readonly #startMs = performance.now();
  #nowMs = 0;

  constructor(reports: StreamReports = noReports) {
    this.stream = new LiveStream({ vhost: 'v', app: 'a', stream: 's' }, defaultVhost({ minLatency: true }), reports);
  }

  get nowMs(): number {
    return this.#startMs + this.#nowMs;
  }

  /** A player of each kind. */
  join(name = ''): void {
    const add = (kind: 'rtmp' | 'flv', zeroBased: boolean): void => {
      const sink = new RecordingSink();
      let epoch: FlvEpoch | undefined;
      const ofEpoch = (zeroMs: number) => {
        epoch = this.stream.flvEpochs.join(zeroMs);
        return epoch.format('bare', both);
      };
      const flv = zeroBased ? ofEpoch : flvFormat('bare', both);
      const format = kind === 'rtmp' ? rtmpFormat(chunkSize, zeroBased) : flv;
      const player = new Player({ format, sink, limits: () => ({ queueLengthMs: 30_000, queueMaxBytes: 16_000_000 }) });
      const decode = (): Played[] =>
        kind === 'rtmp' ? decodeRtmp(sink.writes, chunkSize) : decodeFlv(sink.writes, 'bare');
      const watcher = { name: `${name} ${kind} ${zeroBased}`, zeroBased, player, sink, epoch: () => epoch, decode };
      this.watchers.push(watcher);
      this.stream.attach(player);
    };
    for (const zeroBased of [true, false]) for (const kind of ['rtmp', 'flv'] as const) add(kind, zeroBased);
  }

  /** Brings headers, and media when they are made, `fromMs` on from the frame before. */
  bring(feed: Feed, first: readonly RtmpMessage[], made: readonly Made[], on: (atMs: number) => void = () => {}): void {
    const fromMs = this.#nowMs;
    for (const message of first) feed.push(message, this.nowMs);
    for (const [index, { message, atMs }] of made.entries()) {
      if (fromMs + atMs > this.#nowMs) on(atMs);
      this.#nowMs = fromMs + atMs;
      feed.push(message, this.nowMs);
      const next = made[index + 1];
      if (next === undefined || next.atMs > atMs) feed.flush(Math.max(this.nowMs, performance.now()));
    }
    this.#nowMs += 20;
  }
}

function isPlayedMedia({ type, timestamp, payload }: Played): boolean {
  const frame = toUntimedFrame({ type, timestamp, payload, streamId: 1 });
  return frame !== undefined && isMedia(frame);
}

interface Seen {
  /** For audio and video: the player's time minus the publisher's, in the order of frames. */
  readonly audio: number[];
  readonly video: number[];
  readonly leastMs: number;
  readonly runsBack: boolean;
}

function see(watcher: Watcher, published: readonly Made[], exceptZero = false): Seen {
  const byPayload = new Map(published.map(({ message }) => [message.payload.toString('latin1'), message.timestamp]));
  const seen = { audio: [] as number[], video: [] as number[], leastMs: Number.POSITIVE_INFINITY, runsBack: false };
  const last = new Map<number, number>();
  for (const played of watcher.decode()) {
    const { type, timestamp, payload } = played;
    if (!isPlayedMedia(played)) continue;
    if (((timestamp - (last.get(type) ?? timestamp)) | 0) < 0) seen.runsBack = true;
    last.set(type, timestamp);
    seen.leastMs = Math.min(seen.leastMs, timestamp);
    if (exceptZero && watcher.zeroBased && timestamp === 0) continue;
    const source = byPayload.get(payload.toString('latin1'));
    assert.ok(source !== undefined, 'a frame that nobody published');
    seen[type === MessageType.audio ? 'audio' : 'video'].push((timestamp - source) | 0);
  }
  return seen;
}

/**
 * Every player has one constant between its time and the publisher's, for both tracks, and begins at 0.
 * @param beforeZero a track comes that is behind where some players began: it has the time 0 until it gets there
 */
function assertKept(world: World, made: readonly Made[], what: string, beforeZero = false): void {
  for (const watcher of world.watchers) {
    const { audio, video, leastMs, runsBack } = see(watcher, made, beforeZero);
    const about = `${what}: ${watcher.name}`;
    assert.ok(audio.length > 10 && video.length > 10, about);
    assert.deepEqual([new Set(audio).size, new Set(video).size], [1, 1], about);
    assert.equal(video[0], audio[0], about);
    assert.equal(runsBack, false, about);
    if (watcher.zeroBased) assert.ok(leastMs <= 40, `${about}: time begins at ${leastMs}`);
    else assert.equal(audio[0], 0, about);
  }
}

const named: Readonly<Record<string, Encoder>> = {
  'pictures 2,500 ms ahead of sound': { videoMs: 2_500, audioMs: 0 },
  'pictures 2,500 ms behind': { videoMs: 0, audioMs: 2_500 },
  'pictures 200 ms ahead': { videoMs: 200, audioMs: 0 },
  'pictures that begin at 0 after 3 s of sound': { videoMs: 0, audioMs: 0, videoLateMs: 3_000 },
  'sound that begins at 0 after 3 s of pictures': { videoMs: 0, audioMs: 0, audioLateMs: 3_000 },
  'sound 30 s ahead': { videoMs: 0, audioMs: 30_000 },
  'pictures 30 s ahead': { videoMs: 90_000, audioMs: 60_000 },
  'both beyond 2^31': { videoMs: 2 ** 31 + 500, audioMs: 2 ** 31 },
  'the end of 32 bits, pictures first': { videoMs: 2 ** 32 - 500, audioMs: 2 ** 32 - 2_500 },
  'sound beyond the end of 32 bits, pictures before it': { videoMs: 2 ** 32 - 2_500, audioMs: 10 },
  'a picture each 3 s': { videoMs: 0, audioMs: 0, stepMs: 3_000, durationMs: 40_000 },
};

for (const [what, encoder] of Object.entries(named)) {
  test(`${what}: all players see that, whenever they come`, () => {
    const world = new World();
    const feed = world.stream.openFeed();
    const made = encode(encoder);
    world.join('first');
    const joins = [1_020, 1_500, 1_980];
    const due = (atMs: number): boolean => joins[0] !== undefined && atMs >= joins[0];
    world.bring(feed, headers(encoder), made, (atMs) => {
      if (due(atMs)) world.join(`from ${joins.shift()} ms`);
    });
    assertKept(world, made, what, encoder.videoLateMs !== undefined || encoder.audioLateMs !== undefined);
    world.stream.dispose();
  });
}

test('tracks further apart than 60 s are put 60 s apart; the log says so once, and tells of jumps and dropped frames', () => {
  const said: string[] = [];
  let odd = 0;
  const reports = {
    ...noReports,
    oddFrames: (count: number) => {
      odd += count;
    },
    warn: (_: object, event: string) => said.push(event),
  };
  const world = new World(reports);
  const far = encode({ videoMs: 200_000, audioMs: 0, durationMs: 8_000 });
  const feed = world.stream.openFeed();
  world.join('first');
  world.bring(feed, headers({ videoMs: 0, audioMs: 0 }), far);
  for (const watcher of world.watchers) {
    const { audio, video, runsBack } = see(watcher, far);
    assert.deepEqual([new Set(audio).size, new Set(video).size, runsBack], [1, 1, false]);
    assert.equal((video[0] ?? 0) + 200_000 - (audio[0] ?? 0), 60_000, watcher.name);
  }
  assert.equal(said.filter((event) => event.includes('60 s')).length, 1);
  assert.equal(odd, 0);

  feed.push(audioFrame(123_456_789, 9_999), world.nowMs);
  feed.push(audioFrame(8_000, 10_000), world.nowMs);
  assert.equal(odd, 1);
  assert.equal(said.filter((event) => event.startsWith('frames dropped')).length, 1);
  world.stream.dispose();
});

test('sound and pictures that come at once, each from a cache, keep their distance', () => {
  for (const [videoMs, audioMs] of [
    [2_500, 0],
    [0, 30_000],
  ] as const) {
    const world = new World();
    const encoder = { videoMs, audioMs, durationMs: 2_000 };
    const made = encode(encoder).map(({ message }) => ({ message, atMs: 0 }));
    world.join('first');
    world.bring(world.stream.openFeed(), headers(encoder), made);
    world.join('then');
    assertKept(world, made, `${videoMs} and ${audioMs}`);
    world.stream.dispose();
  }
});

test('one who joins a slow stream gets the distances between its pictures', () => {
  const world = new World();
  const feed = world.stream.openFeed();
  const pictures = Array.from({ length: 9 }, (_, index) => (index === 0 ? keyframe : interFrame)(index * 3_000, index));
  // An origin sends its cache at once, then what comes.
  const made = pictures.map((message, index) => ({ message, atMs: Math.max(0, index - 5) * 3_000 }));
  world.join('first');
  world.bring(feed, [videoHeader(0)], made);
  world.join('late');
  for (const { name, decode } of world.watchers) {
    const times = decode()
      .filter(isPlayedMedia)
      .map(({ timestamp }) => timestamp);
    assert.deepEqual(
      times,
      [...pictures.keys()].map((index) => index * 3_000),
      name,
    );
  }
  world.stream.dispose();
});

test('another source brings its own distance, and its media take no longer than they do', () => {
  const distance = fc.constantFrom(0, 40, 2_500, -2_500, 20_000, -20_000);
  fc.assert(
    fc.property(distance, distance, fc.boolean(), (before, after, audioIsFirst) => {
      const world = new World();
      const first = encode({ audioMs: 100_000, videoMs: 100_000 + before });
      const second = encode({
        audioMs: 900_000,
        videoMs: 900_000 + after,
        seed: 1,
        audioLateMs: audioIsFirst ? 0 : 20,
      });
      const made = [...first, ...second];
      world.join('first');
      const feed = world.stream.openFeed();
      world.bring(feed, headers({ audioMs: 0, videoMs: 0 }), first);
      world.join('late');
      feed.close();
      world.bring(world.stream.openFeed(), [], second);
      world.join('at last');
      for (const watcher of world.watchers) {
        const { audio, video, runsBack } = see(watcher, made);
        const about = `from ${before} to ${after}: ${watcher.name}`;
        assert.equal(runsBack, false, about);
        assert.equal(audio.at(-1), video.at(-1), about);
        assert.ok(new Set([...audio, ...video]).size <= 3, `${about}: ${[...new Set([...audio, ...video])]}`);
      }
      world.stream.dispose();
    }),
    { numRuns: inputs(30) },
  );
});

test('a clip that is played anew on the same connection goes on, with its distance', () => {
  const world = new World();
  const feed = world.stream.openFeed();
  world.join('first');
  const rounds = [0, 1, 2].map((seed) => encode({ videoMs: 2_500, audioMs: 0, seed }));
  for (const round of rounds) world.bring(feed, headers({ videoMs: 0, audioMs: 0 }), round);
  const made = rounds.flat();
  for (const watcher of world.watchers) {
    const seen = see(watcher, made);
    assert.equal(seen.runsBack, false);
    assert.equal(seen.audio.length, 3 * 200, 'nothing is lost');
    assert.equal(seen.video.length, 3 * 100);
    const [audio, video] = [new Set(seen.audio), new Set(seen.video)];
    assert.deepEqual([...audio], [...video], watcher.name);
    const shifts = [...audio];
    assert.equal(shifts.length, 3);
    for (const [index, shift] of shifts.entries()) {
      if (index === 0) continue;
      const roundMs = shift - (shifts[index - 1] ?? 0);
      assert.ok(roundMs >= 3_960 && roundMs <= 4_080, `a round of 4 s takes ${roundMs} ms`);
    }
  }
  world.stream.dispose();
});

test('whatever an encoder does, players see its distance and its pace', () => {
  const time = fc.oneof(fc.nat(100_000), fc.integer({ min: 0, max: 0xffffffff }), fc.constant(2 ** 32 - 1_000));
  const plan = fc.record({
    audioMs: time,
    distanceMs: fc.oneof(fc.integer({ min: -55_000, max: 55_000 }), fc.integer({ min: -3_000, max: 3_000 })),
    late: fc.constantFrom('none', 'audio', 'video'),
    lateMs: fc.constantFrom(20, 480, 3_000, 200_000),
    joinsMs: fc.array(fc.integer({ min: 0, max: 4_000 }), { maxLength: 2 }),
  });
  fc.assert(
    fc.property(plan, ({ audioMs, distanceMs, late, lateMs, joinsMs }) => {
      const encoder = {
        audioMs,
        // A late track has gone on meanwhile, as those of a late camera or microphone do.
        videoMs: audioMs + distanceMs + (late === 'video' ? lateMs : late === 'audio' ? -lateMs : 0),
        videoLateMs: late === 'video' ? lateMs : 0,
        audioLateMs: late === 'audio' ? lateMs : 0,
        durationMs: late === 'none' ? 4_000 : 4_000 + lateMs,
        stepMs: lateMs > 10_000 ? 1_000 : 40,
      };
      const made = encode(encoder);
      const world = new World();
      world.join('first');
      const announced = late === 'none' ? encoder : {};
      // Who comes before players have the late track begins without it, as the first player does.
      const joins = joinsMs
        .map((ms) => (late === 'none' ? ms : lateMs + Math.max(500, ms)))
        .sort((one, two) => one - two);
      world.bring(world.stream.openFeed(), headers(announced), made, (atMs) => {
        if (joins[0] !== undefined && atMs >= joins[0]) world.join(`from ${joins.shift()} ms`);
      });
      for (const watcher of world.watchers) {
        const { audio, video, runsBack, leastMs } = see(watcher, made);
        assert.equal(runsBack, false, watcher.name);
        assert.ok(new Set(video).size <= 1 || watcher.name.startsWith('first'), watcher.name);
        assert.ok(leastMs <= 150 || !watcher.zeroBased || !Number.isFinite(leastMs), `begins at ${leastMs}`);
        // One who joins for the last picture alone gets no sound.
        const last = watcher.zeroBased ? (audio.at(-1) ?? video.at(-1)) : 0;
        // A track that comes before the zero of a player has the time 0 until it is past that.
        const due = audio.filter((offset) => offset === last).length + video.filter((offset) => offset === last).length;
        const atZero = audio.length + video.length - due;
        assert.ok(atZero === 0 || (late !== 'none' && watcher.name.startsWith('first')), `${watcher.name}: ${atZero}`);
      }
      world.stream.dispose();
    }),
    { numRuns: inputs(60) },
  );
});

/** A stream's clock: what becomes of the times of one source, of several, and of sources that stamp oddly. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Frame, isHeader, Track, toUntimedFrame } from '../../edge/stream/frame.ts';
import { Timeline } from '../../edge/stream/timeline.ts';
import { audioFrame, audioHeader, dataMessage, interFrame, videoHeader } from '../support/media.ts';
import fc, { inputs } from '../support/property.ts';

const { audio, video, data } = Track;
type MediaTrack = typeof audio | typeof video;

/** A timeline, and what it says. */
class Tape {
  readonly placed: Frame[] = [];
  dropped = 0;
  readonly jumps: (Track | undefined)[] = [];
  readonly apart: [Track, number][] = [];
  readonly timeline: Timeline = new Timeline({
    placed: (frame) => this.placed.push(frame),
    dropped: (_, frames) => {
      this.dropped += frames;
    },
    jumped: (track) => this.jumps.push(track),
    tooFarApart: (track, distanceMs) => this.apart.push([track, distanceMs]),
  });
  #id = 0;

  /** Returns the times of the frames that got their place by this one. */
  take(track: MediaTrack, sourceTime: number, arrivalMs: number): number[] {
    const had = this.placed.length;
    const message = track === audio ? audioFrame : interFrame;
    const frame = toUntimedFrame(message(sourceTime >>> 0, this.#id++));
    assert.ok(frame !== undefined);
    if (!this.timeline.started) this.timeline.start(frame);
    this.timeline.take(frame, arrivalMs);
    return this.placed.slice(had).map(({ timeMs }) => timeMs);
  }

  aside(track: Track, sourceTime: number): number {
    const message = track === data ? dataMessage : track === audio ? audioHeader : videoHeader;
    const frame = toUntimedFrame(message(sourceTime >>> 0));
    assert.ok(frame !== undefined && (track === data || isHeader(frame)));
    return this.timeline.timeAside(frame);
  }

  times(track: Track): number[] {
    return this.placed.filter((frame) => frame.track === track).map(({ timeMs }) => timeMs);
  }

  /** Stream time minus source time, of each frame. */
  offsets(track: Track): number[] {
    return this.placed.filter((frame) => frame.track === track).map(({ timeMs, sourceTime }) => timeMs - sourceTime);
  }
}

/** A tape that has had video every 40 ms, as it was produced, up to `endMs`. */
function running(endMs: number): Tape {
  const tape = new Tape();
  for (let time = 0; time <= endMs; time += 40) tape.take(video, time, time);
  return tape;
}

interface Media {
  readonly track: MediaTrack;
  readonly sourceTime: number;
  readonly arrivalMs: number;
}

/** Video every 40 ms and audio every 20 ms that arrive as they are produced, each on its own clock. */
function av(durationMs: number, clocks: { audio?: number; video?: number; fromMs?: number }): Media[] {
  const { audio: audioMs, video: videoMs, fromMs = 0 } = clocks;
  const media: Media[] = [];
  for (let ms = 0; ms < durationMs; ms += 20) {
    const arrivalMs = fromMs + ms;
    if (videoMs !== undefined && ms % 40 === 0) media.push({ track: video, sourceTime: videoMs + ms, arrivalMs });
    if (audioMs !== undefined) media.push({ track: audio, sourceTime: audioMs + ms, arrivalMs });
  }
  return media;
}

function play(tape: Tape, media: readonly Media[]): void {
  for (const { track, sourceTime, arrivalMs } of media) tape.take(track, sourceTime, arrivalMs);
}

function span(times: readonly number[]): number {
  return (times.at(-1) ?? 0) - (times[0] ?? 0);
}

test('one source keeps its own times', () => {
  const tape = new Tape();
  assert.equal(tape.timeline.started, false);
  assert.deepEqual(tape.take(video, 1_000, 0), [1_000]);
  assert.deepEqual(tape.take(audio, 990, 0), [990]);
  assert.deepEqual(tape.take(video, 1_040, 40), [1_040]);
  assert.deepEqual(tape.take(audio, 1_013, 40), [1_013]);
  assert.equal(tape.timeline.started, true);
  assert.equal(tape.timeline.nowMs, 1_040);
});

test('the distance between tracks is the publisher’s, and media last as long as they did', () => {
  for (const distanceMs of [2_500, -2_500, 3_000, -3_000, 300, 30_000, -30_000, 59_000, -59_000]) {
    const tape = new Tape();
    play(tape, av(4_000, { audio: 100_000, video: 100_000 + distanceMs }));
    assert.deepEqual(new Set([...tape.offsets(audio), ...tape.offsets(video)]), new Set([0]), `${distanceMs} ms`);
    assert.deepEqual([span(tape.times(audio)), span(tape.times(video))], [3_980, 3_960]);
    assert.deepEqual([tape.dropped, tape.jumps, tape.apart], [0, [], []]);
  }
});

test('a track that comes late keeps its distance, whether it has gone on before or begins at its own zero', () => {
  for (const [lateMs, videoMs] of [
    [3_000, 0],
    [3_000, 3_000],
    [50_000, 0],
    [300_000, 300_000],
    [300_000, 270_000],
  ] as const) {
    const tape = new Tape();
    play(tape, av(lateMs, { audio: 0 }));
    play(tape, av(2_000, { audio: lateMs, video: videoMs, fromMs: lateMs }));
    assert.deepEqual(new Set([...tape.offsets(audio), ...tape.offsets(video)]), new Set([0]));
    assert.deepEqual([tape.dropped, tape.jumps, tape.apart], [0, [], []]);
  }
});

test('a track more than 60 s from the other is put 60 s from it, for good, and that is said once', () => {
  for (const [begins, distanceMs] of [
    ['video', 90_000],
    ['video', -90_000],
    ['audio', 90_000],
    ['audio', 86_400_000],
  ] as const) {
    const tape = new Tape();
    const media = av(10_000, { audio: 1_000_000_000, video: 1_000_000_000 + distanceMs });
    play(tape, begins === 'video' ? media : media.slice(1));
    const [first, second] = begins === 'video' ? [video, audio] : [audio, video];
    assert.deepEqual(new Set(tape.offsets(first)), new Set([0]), 'the track that was first is untouched');
    const [offset, ...others] = new Set(tape.offsets(second));
    assert.deepEqual(others, []);
    assert.equal(Math.abs(distanceMs + (second === video ? (offset ?? 0) : -(offset ?? 0))), 60_000);
    assert.equal(tape.placed.length, media.length - (begins === 'video' ? 0 : 1), 'nothing is lost');
    assert.equal(tape.apart.length, 1);
  }
});

test('tracks that move away from each other are held at 60 s', () => {
  const tape = new Tape();
  // The publisher's audio is paused for 90 s, and its clock with it.
  play(tape, av(2_000, { audio: 0, video: 0 }));
  play(tape, av(90_000, { video: 2_000, fromMs: 2_000 }));
  play(tape, av(4_000, { audio: 2_000, video: 92_000, fromMs: 92_000 }));
  const [audioMs = 0, videoMs = 0] = [tape.times(audio).at(-1), tape.times(video).at(-1)];
  assert.ok(Math.abs(videoMs - audioMs - 60_000) <= 40, `${videoMs - audioMs}`);
  assert.equal(tape.apart.length, 1);
});

test('a new source goes on at the usual distance, whatever its clock', () => {
  for (const start of [0, 37, 1_000_000, 2 ** 31, 2 ** 32 - 1]) {
    const tape = running(2_000);
    tape.timeline.rebase();
    assert.deepEqual(tape.take(video, start, 2_050), [2_040], `clock at ${start}`);
    assert.deepEqual(tape.take(video, start + 33, 2_083), [2_073]);
    assert.deepEqual(tape.take(audio, start + 5, 2_083), [2_045]);
  }
});

test('rebasing before the first frame changes nothing', () => {
  const tape = new Tape();
  tape.timeline.rebase();
  assert.deepEqual(tape.take(video, 5_000, 0), [5_000]);
});

test('a new source brings its own distance between tracks; nothing runs backwards and nothing is lost', () => {
  const distances = [0, 40, -40, 2_500, -2_500, 30_000, -30_000];
  for (const before of distances) {
    for (const after of distances) {
      for (const order of ['video first', 'audio first']) {
        const tape = new Tape();
        play(tape, av(4_000, { audio: 50_000, video: 50_000 + before }));
        tape.timeline.rebase();
        const had = tape.placed.length;
        const media = av(4_000, { audio: 900_000, video: 900_000 + after, fromMs: 4_500 });
        play(tape, order === 'audio first' ? media.slice(1) : media);
        const [audioMs = 0, videoMs = 0] = [tape.times(audio).at(-1), tape.times(video).at(-1)];
        assert.equal(videoMs - audioMs, after - 20, `${before} ms, then ${after} ms, ${order}`);
        assert.equal(tape.placed.length - had, media.length - (order === 'audio first' ? 1 : 0));
        for (const track of [audio, video]) {
          const times = tape.times(track);
          assert.ok(times.every((time, index) => index === 0 || time >= (times[index - 1] ?? 0)));
        }
        // A track waits for no more than the change of the distance.
        const stretchMs = Math.max(span(tape.times(audio)), span(tape.times(video))) - 8_000;
        assert.ok(stretchMs <= Math.abs(after - before) + 60, `${stretchMs}`);
      }
    }
  }
});

test('a source of one frame is followed at the distance of usual sound', () => {
  const tape = new Tape();
  tape.take(video, 1_000, 0);
  tape.timeline.rebase();
  assert.deepEqual(tape.take(video, 5, 50), [1_020]);
});

test('odd frames that are held when another source takes over are dropped, and counted', () => {
  const tape = new Tape();
  play(tape, av(2_000, { audio: 0, video: 0 }));
  tape.take(video, 90_000_000, 2_000);
  tape.take(audio, 80_000_000, 2_000);
  assert.equal(tape.dropped, 0);
  tape.timeline.rebase();
  assert.equal(tape.dropped, 2);
});

test('that tracks are too far apart is said once of each clock, with their distance', () => {
  const tape = new Tape();
  let fromMs = 0;
  let audioMs = 0;
  // The publisher pauses its audio twice, and the clock of that.
  for (let pause = 0; pause < 2; pause++) {
    play(tape, av(2_000, { audio: audioMs, video: fromMs, fromMs }));
    play(tape, av(90_000, { video: fromMs + 2_000, fromMs: fromMs + 2_000 }));
    fromMs += 92_000;
    audioMs += 2_000;
  }
  play(tape, av(2_000, { audio: audioMs, video: fromMs, fromMs }));
  const [[track, distanceMs] = [], ...others] = tape.apart;
  assert.deepEqual([track, others.length], [audio, 0]);
  assert.ok(distanceMs !== undefined && distanceMs < -60_000, `${distanceMs}`);
  tape.timeline.rebase();
  play(tape, av(2_000, { audio: 0, video: 200_000, fromMs: fromMs + 2_000 }));
  assert.equal(tape.apart.length, 2);
});

test('how long it takes until a jump is believed', () => {
  // Of both tracks, or of the only one that brings anything: three frames.
  for (const before of [
    av(10_000, { audio: 0, video: 0 }),
    [...av(2_000, { audio: 0, video: 0 }), ...av(8_000, { video: 2_000, fromMs: 2_000 })],
  ]) {
    const tape = new Tape();
    play(tape, before);
    const had = tape.placed.length;
    const both = before.at(-1)?.track === audio;
    play(tape, av(100, { video: 500_000, ...(both && { audio: 500_000 }), fromMs: 10_000 }));
    assert.ok(tape.placed.length > had, both ? 'both' : 'one is silent');
    assert.deepEqual(tape.jumps, [undefined]);
  }
  // Of one while the other goes on: half a second.
  const alone = new Tape();
  play(alone, av(5_000, { audio: 0, video: 0 }));
  play(alone, av(500, { audio: 45_000, video: 5_000, fromMs: 5_000 }));
  assert.deepEqual(alone.jumps, []);
  play(alone, av(60, { audio: 45_500, video: 5_500, fromMs: 5_500 }));
  assert.deepEqual(alone.jumps, [audio]);
  // Of one that begins far from the other: three frames, while the other goes on.
  const begins = running(5_000);
  const placed = [0, 1, 2].map((at) => {
    const times = begins.take(audio, 200_000 + 20 * at, 5_010 + 20 * at);
    begins.take(video, 5_040 + 40 * at, 5_020 + 20 * at);
    return times.length;
  });
  assert.deepEqual(placed, [0, 0, 3]);
});

test('a track that fell silent long before a new source goes on beside the other', () => {
  const tape = new Tape();
  play(tape, av(1_000, { audio: 0, video: 0 }));
  play(tape, av(300_000, { video: 1_000, fromMs: 1_000 }));
  tape.timeline.rebase();
  const [audioMs = 0] = tape.take(audio, 77, 301_020);
  assert.ok(Math.abs(audioMs - 301_000) <= 40, `${audioMs}`);
  assert.deepEqual(tape.take(video, 77, 301_020), [audioMs]);
});

test('time goes on over the end of 32 bits, for frames that cross it in either order', () => {
  const end = 2 ** 32;
  for (const distanceMs of [0, -30, 30, 2_500, -30_000]) {
    const tape = new Tape();
    play(tape, av(80_000, { video: end - 40_000 + distanceMs, audio: end - 40_000 }));
    assert.ok(tape.times(audio).every((time, index) => time === end - 40_000 + index * 20));
    assert.ok(tape.times(video).every((time, index) => time === end - 40_000 + distanceMs + index * 40));
  }
});

test('tracks on either side of the end of 32 bits when the stream begins', () => {
  const tape = new Tape();
  play(tape, av(2_000, { audio: -1_000, video: 40 }));
  const distances = new Set(tape.times(video).map((time, index) => time - (tape.times(audio)[index * 2] ?? 0)));
  assert.deepEqual([...distances], [1_040]);
});

test('many ends of 32 bits', () => {
  const tape = new Tape();
  const step = 1_500;
  for (let time = 0; time < 2 ** 34; time += 2 ** 20 + step) {
    assert.deepEqual(tape.take(video, time, time), [time]);
    assert.deepEqual(tape.take(audio, time - 700, time), [time - 700]);
  }
});

test('jitter within a track is flattened, not taken for another clock', () => {
  const tape = running(1_000);
  assert.deepEqual(tape.take(video, 800, 1_010), [1_000]);
  assert.deepEqual(tape.take(video, 1_040, 1_040), [1_040]);
});

test('a publisher that starts anew goes on where it was, after three frames', () => {
  const tape = running(100_000);
  assert.deepEqual(tape.take(video, 0, 100_100), []);
  assert.deepEqual(tape.take(video, 40, 100_140), []);
  assert.deepEqual(tape.take(video, 80, 100_180), [100_040, 100_080, 100_120]);
  assert.deepEqual([tape.dropped, tape.jumps], [0, [undefined]]);
});

test('the clock of a source jumps: the stream goes on once, with the distance of the new clock', () => {
  for (const distanceMs of [0, 2_500, -2_500]) {
    for (const jumpMs of [3_000, 40_000, 1_000_000_000, -3_000, -90_000]) {
      const tape = new Tape();
      play(tape, av(10_000, { audio: 100_000, video: 100_000 + distanceMs }));
      const jumped = 110_000 + jumpMs;
      play(tape, av(4_000, { audio: jumped, video: jumped + distanceMs, fromMs: 10_000 }));
      assert.deepEqual(tape.jumps, [undefined], `a jump of ${jumpMs} ms at a distance of ${distanceMs} ms`);
      assert.equal(tape.dropped, 0);
      const [audioMs = 0, videoMs = 0] = [tape.times(audio).at(-1), tape.times(video).at(-1)];
      assert.equal(videoMs - audioMs, distanceMs - 20);
      assert.ok(Math.abs(span(tape.times(audio)) - 13_980) <= 40, `${span(tape.times(audio))}`);
      assert.ok(Math.abs(span(tape.times(video)) - 13_960) <= 40, `${span(tape.times(video))}`);
    }
  }
});

test('an odd frame is dropped; its track and the other go on untouched', () => {
  for (const track of [audio, video]) {
    for (const odd of [0, 1, 2_000_000, 2 ** 31, 2 ** 32 - 1]) {
      for (const count of [1, 2, 4]) {
        const tape = new Tape();
        const media = av(4_000, { audio: 900_000, video: 902_500 });
        const odds = media.filter((each) => each.track === track).slice(40, 40 + count);
        play(
          tape,
          media.map((each) => (odds.includes(each) ? { ...each, sourceTime: odd + odds.indexOf(each) * 20 } : each)),
        );
        assert.equal(tape.dropped, count, `${count} at ${odd}`);
        assert.deepEqual(new Set([...tape.offsets(audio), ...tape.offsets(video)]), new Set([0]));
        assert.equal(tape.placed.length, media.length - count);
        assert.deepEqual(tape.jumps, []);
      }
    }
  }
});

test('odd frames of both tracks are dropped, too, where they follow nothing', () => {
  const tape = new Tape();
  const media = av(8_000, { audio: 900_000, video: 900_000 });
  const isOdd = (index: number): boolean => index % 31 < 2;
  play(
    tape,
    media.map((each, index) => (index > 50 && isOdd(index) ? { ...each, sourceTime: 0 } : each)),
  );
  assert.deepEqual(new Set([...tape.offsets(audio), ...tape.offsets(video)]), new Set([0]));
  assert.ok(tape.dropped > 10);
  assert.deepEqual(tape.jumps, []);
});

test('one track alone jumps and stays there: it has its new distance, the other is untouched', () => {
  for (const track of [audio, video]) {
    for (const jumpMs of [5_000, 45_000, -400, -5_000, -45_000]) {
      const tape = new Tape();
      play(tape, av(5_000, { audio: 100_000, video: 100_000 }));
      const [audioMs, videoMs] = track === audio ? [jumpMs, 0] : [0, jumpMs];
      play(tape, av(60_000, { audio: 105_000 + audioMs, video: 105_000 + videoMs, fromMs: 5_000 }));
      const other = track === audio ? video : audio;
      assert.deepEqual(new Set(tape.offsets(other)), new Set([0]), `track ${track}, ${jumpMs} ms`);
      assert.deepEqual(tape.jumps, [track]);
      assert.equal(tape.dropped, 0);
      const times = tape.times(track);
      const step = track === audio ? 20 : 40;
      const due = (index: number): number => 100_000 + index * step + (index * step < 5_000 ? 0 : jumpMs);
      const last = 104_999 - (104_999 % step);
      assert.deepEqual(
        times,
        times.map((_, index) => (index * step < 5_000 ? due(index) : Math.max(last, due(index)))),
      );
    }
  }
});

test('the first frame alone has another time: what follows keeps its distance', () => {
  const tape = new Tape();
  const media = av(4_000, { audio: 5_000_000, video: 5_000_000 });
  play(tape, [{ ...(media[0] as Media), sourceTime: 0 }, ...media.slice(1)]);
  const [audioMs = 0, videoMs = 0] = [tape.times(audio).at(-1), tape.times(video).at(-1)];
  assert.equal(videoMs - audioMs, -20);
  assert.ok(videoMs <= 4_020, `${videoMs}`);
  assert.deepEqual([tape.dropped, tape.apart], [0, []]);
});

test('a real pause stays a pause, a jump does not become one, and a clock that pauses goes on', () => {
  const paused = running(10_000);
  assert.deepEqual(paused.take(video, 40_000, 40_000), [40_000]);

  const jumped = running(10_000);
  const times = [0, 40, 80].flatMap((ms) => jumped.take(video, 40_000 + ms, 10_040 + ms));
  assert.deepEqual(times, [10_040, 10_080, 10_120]);

  const stopped = running(10_000);
  assert.deepEqual(stopped.take(video, 10_040, 400_000), [10_040]);
  assert.deepEqual(stopped.take(video, 10_080, 400_040), [10_080]);
});

test('a burst from a cache keeps its times, however slow the stream is', () => {
  for (const step of [40, 3_000, 20_000]) {
    for (const arrivalMs of [7, 500_000]) {
      const tape = new Tape();
      for (let time = 0; time < 10 * step; time += step) assert.deepEqual(tape.take(video, time, arrivalMs), [time]);
      assert.deepEqual(tape.take(video, 10 * step, arrivalMs + step), [10 * step]);
    }
  }
});

test('a slow stream that was held up on its way keeps its times', () => {
  const tape = new Tape();
  for (let time = 0; time <= 30_000; time += 3_000) tape.take(video, time, time);
  for (const time of [33_000, 36_000, 39_000]) assert.deepEqual(tape.take(video, time, 39_000), [time]);
});

test('a source that comes faster than its times, as a file does, keeps them', () => {
  const tape = new Tape();
  play(
    tape,
    av(60_000, { audio: 0, video: 2_500 }).map((each) => ({ ...each, arrivalMs: each.arrivalMs / 20 })),
  );
  assert.deepEqual(new Set([...tape.offsets(audio), ...tape.offsets(video)]), new Set([0]));
});

test('frames with endless odd times are held within bounds', () => {
  const tape = new Tape();
  play(tape, av(2_000, { audio: 0, video: 0 }));
  const had = tape.placed.length;
  let most = 0;
  for (let index = 0; index < 10_000; index++) {
    tape.take(video, 90_000_000 + index * 70_000, 2_000);
    most = Math.max(most, index + 1 - tape.dropped - (tape.placed.length - had));
  }
  assert.ok(most <= 64, `${most}`);
  assert.equal(tape.take(audio, 2_000, 2_020).length, 1, 'audio goes on');
});

test('frames that all have one odd time, and come at once, are held within bounds', () => {
  const tape = new Tape();
  play(tape, av(2_000, { audio: 0, video: 0 }));
  const had = tape.placed.length;
  for (let index = 1; index <= 1_000; index++) {
    tape.take(video, 90_000_000, 2_000);
    assert.ok(index - tape.dropped - (tape.placed.length - had) <= 64, `${index}`);
  }
});

test('headers and data never move the clock, whatever their timestamps', () => {
  for (const stamp of [0, 1, 4_999, 5_000, 6_900, 7_500, 2 ** 31, 2 ** 32 - 1]) {
    const tape = running(5_000);
    for (const track of [data, video, audio]) {
      const timeMs = tape.aside(track, stamp);
      assert.ok(timeMs <= 5_000 && timeMs >= (track === audio ? -60_000 : 3_000), `stamp ${stamp} went to ${timeMs}`);
    }
    assert.equal(tape.timeline.nowMs, 5_000);
    assert.deepEqual(tape.take(video, 5_040, 5_040), [5_040], `after stamp ${stamp}`);
    assert.deepEqual(tape.take(video, 5_080, 5_080), [5_080]);
  }
});

test('data that is always stamped 0 comes when it comes', () => {
  const tape = running(5_000);
  assert.equal(tape.aside(data, 0), 5_000);
  for (let time = 5_040; time <= 9_000; time += 40) tape.take(video, time, time);
  assert.equal(tape.aside(data, 0), 9_000);
});

test('data keep the time of the track that they belong to', () => {
  const tape = new Tape();
  play(tape, av(4_000, { audio: 10_000, video: 40_000 }));
  assert.equal(tape.aside(data, 13_980), 13_980);
  assert.equal(tape.aside(data, 43_960), 43_960);
});

test('data of a new source comes now, and then by the clock of that', () => {
  const tape = running(5_000);
  tape.timeline.rebase();
  assert.equal(tape.aside(data, 4_000), 5_000, 'it says nothing yet');
  assert.deepEqual(tape.take(video, 1_000_000, 5_050), [5_040]);
  assert.deepEqual(tape.take(video, 1_000_040, 5_090), [5_080]);
  assert.equal(tape.aside(data, 1_000_020), 5_060);
});

test('data does not change the distance at which a new source goes on', () => {
  const tape = running(5_000);
  tape.aside(data, 4_000);
  tape.aside(data, 4_900);
  tape.timeline.rebase();
  assert.deepEqual(tape.take(video, 77, 5_040), [5_040]);
});

test('headers of a new source come before its first frame in time, too', () => {
  const tape = running(5_000);
  tape.timeline.rebase();
  assert.equal(tape.aside(video, 123_456), 5_000);
  assert.deepEqual(tape.take(video, 123_456, 5_040), [5_040]);
});

test('the floor: frames of a track that is behind may still come before the newest ones', () => {
  const tape = new Tape();
  play(tape, av(2_000, { audio: 10_000, video: 12_500 }));
  assert.equal(tape.timeline.floorMs, 11_980);
  play(tape, av(5_000, { video: 14_500, fromMs: 2_000 }));
  const { nowMs, floorMs } = tape.timeline;
  assert.ok(nowMs - floorMs >= 2_500 && nowMs - floorMs <= 2_700, 'a silent track comes back at its distance');
  assert.equal(running(4_000).timeline.floorMs, Number.POSITIVE_INFINITY);
});

/** An encoder: its distance between tracks, B-frames or not, its pace, and a clock that starts anywhere. */
const encoder = fc.record({
  startMs: fc.oneof(fc.nat(0xffffffff), fc.constantFrom(0, 2 ** 31 - 500, 2 ** 32 - 500, 2 ** 32 - 1)),
  distanceMs: fc.integer({ min: -57_000, max: 57_000 }),
  videoStepMs: fc.constantFrom(16, 33, 40, 200, 1_000),
  audioStepMs: fc.constantFrom(20, 21, 23, 43),
  audioLateMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 300_000 })),
  burstMs: fc.constantFrom(0, 0, 2_000),
});
type Encoder = typeof encoder extends fc.Arbitrary<infer T> ? T : never;

/** Its frames of `durationMs` in the order in which they arrive. */
function encode(plan: Encoder, durationMs: number, fromMs: number): (Media & { readonly dueMs: number })[] {
  const frames: (Media & { readonly dueMs: number })[] = [];
  const add = (track: MediaTrack, stepMs: number, lateMs: number, distanceMs: number): void => {
    for (let ms = lateMs; ms < lateMs + durationMs; ms += stepMs) {
      const dueMs = ms + distanceMs;
      const sourceTime = (plan.startMs + dueMs) >>> 0;
      frames.push({ track, sourceTime, dueMs, arrivalMs: fromMs + Math.max(plan.burstMs, ms) });
    }
  };
  add(video, plan.videoStepMs, 0, plan.distanceMs);
  add(audio, plan.audioStepMs, plan.audioLateMs, 0);
  return frames.sort((one, two) => one.arrivalMs - two.arrivalMs);
}

test('whatever an encoder’s distance, pace, start and lateness are, its times are kept to the millisecond', () => {
  fc.assert(
    fc.property(encoder, (plan) => {
      const tape = new Tape();
      const media = encode(plan, 4_000, 0);
      play(tape, media);
      const dues = [audio, video].map((track) =>
        media.filter((each) => each.track === track).map(({ dueMs }) => dueMs),
      );
      const shift = (tape.placed[0]?.timeMs ?? 0) - (media[0]?.dueMs ?? 0);
      for (const track of [audio, video]) {
        assert.deepEqual(
          tape.times(track),
          dues[track]?.map((due) => due + shift),
        );
      }
      assert.deepEqual([tape.dropped, tape.jumps], [0, []]);
    }),
    { numRuns: inputs(300) },
  );
});

test('one encoder after another, on the same connection or not: distances are each encoder’s, nothing is stretched', () => {
  const plan = fc.record({
    first: encoder,
    second: encoder,
    /** Whether the stream is told that the source is another one. */
    told: fc.boolean(),
    gapMs: fc.constantFrom(0, 40, 5_000),
  });
  fc.assert(
    fc.property(plan, ({ first, second, told, gapMs }) => {
      const tape = new Tape();
      play(tape, encode({ ...first, audioLateMs: 0, burstMs: 0 }, 4_000, 0));
      const had = tape.placed.length;
      if (told) tape.timeline.rebase();
      const media = encode({ ...second, audioLateMs: 0, burstMs: 0 }, 4_000, 4_000 + gapMs);
      play(tape, media);
      for (const track of [audio, video]) {
        const times = tape.times(track);
        assert.ok(times.every((time, index) => index === 0 || time >= (times[index - 1] ?? 0)));
      }
      if (!told) return;
      assert.equal(tape.placed.length - had, media.length);
      const last = (track: Track): number => tape.times(track).at(-1) ?? 0;
      const due = (track: Track): number => media.findLast((each) => each.track === track)?.dueMs ?? 0;
      assert.equal(last(video) - last(audio), due(video) - due(audio), 'the distance is the second encoder’s');
      const changeMs = Math.abs(second.distanceMs - first.distanceMs);
      const spanMs = Math.max(span(tape.times(audio)), span(tape.times(video)));
      assert.ok(spanMs <= 8_000 + changeMs + 2_000, `${spanMs} ms`);
    }),
    { numRuns: inputs(500) },
  );
});

test('whatever sources do, no track runs backwards, tracks stay within reach, and nothing is held for ever', () => {
  const event = fc.record({
    track: fc.constantFrom(audio, video, data),
    kind: fc.constantFrom('step', 'step', 'step', 'step', 'step', 'step', 'jump', 'odd', 'alone', 'rebase', 'pause'),
    sourceTime: fc.nat(0xffffffff),
  });
  fc.assert(
    fc.property(fc.array(event, { maxLength: 200, size: 'max' }), fc.nat(0xffffffff), (events, start) => {
      const tape = new Tape();
      const clocks = [start, start];
      let arrival = 0;
      let taken = 1;
      tape.take(video, start, 0);
      let lastData = Number.NEGATIVE_INFINITY;
      for (const { track, kind, sourceTime } of events) {
        const passed = kind === 'pause' ? sourceTime % 100_000 : 20;
        arrival += passed;
        if (kind === 'jump') clocks.fill(sourceTime);
        else if (kind === 'alone' && track !== data) clocks[track] = sourceTime;
        else for (const index of [audio, video]) clocks[index] = (clocks[index] ?? 0) + passed;
        if (kind === 'rebase') tape.timeline.rebase();
        if (track === data) {
          const time = tape.aside(data, sourceTime);
          assert.ok(time >= lastData);
          lastData = time;
          continue;
        }
        tape.take(track, kind === 'odd' ? sourceTime : (clocks[track] ?? 0), arrival);
        taken++;
        const { nowMs } = tape.timeline;
        assert.ok(Number.isInteger(nowMs));
        assert.ok(taken - tape.placed.length - tape.dropped <= 2 * 64);
      }
      for (const track of [audio, video]) {
        const times = tape.times(track);
        assert.ok(times.every((time, index) => index === 0 || time >= (times[index - 1] ?? 0)));
        assert.ok(times.every((time) => Number.isInteger(time)));
      }
      let now = Number.NEGATIVE_INFINITY;
      for (const { timeMs } of tape.placed) {
        assert.ok(now - timeMs <= 200_000, `${now - timeMs} ms behind`);
        now = Math.max(now, timeMs);
      }
    }),
    { numRuns: inputs(1_000) },
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Track } from '../../edge/stream/frame.ts';
import { Timeline } from '../../edge/stream/timeline.ts';

const { audio, video, data } = Track;

/** A timeline that has had video every 40 ms, as it was produced, up to `endMs`. */
function running(endMs: number, startMs = 0): Timeline {
  const timeline = new Timeline();
  for (let time = startMs; time <= endMs; time += 40) timeline.place(video, time, time);
  return timeline;
}

test('one source keeps its own times', () => {
  const timeline = new Timeline();
  assert.equal(timeline.started, false);
  assert.equal(timeline.place(video, 1_000, 0), 1_000);
  assert.equal(timeline.place(audio, 990, 0), 990);
  assert.equal(timeline.place(video, 1_040, 40), 1_040);
  assert.equal(timeline.place(audio, 1_013, 40), 1_013);
  assert.equal(timeline.started, true);
  assert.equal(timeline.nowMs, 1_040);
});

test('a new source goes on at the usual distance, whatever its clock', () => {
  for (const start of [0, 37, 1_000_000, 2 ** 31, 2 ** 32 - 1]) {
    const timeline = running(2_000);
    timeline.rebase();
    assert.equal(timeline.place(video, start, 2_050), 2_040, `clock at ${start}`);
    assert.equal(timeline.place(video, (start + 33) % 2 ** 32, 2_083), 2_073);
    assert.equal(timeline.place(audio, (start + 5) % 2 ** 32, 2_083), 2_045);
  }
});

test('rebasing before the first frame changes nothing', () => {
  const timeline = new Timeline();
  timeline.rebase();
  assert.equal(timeline.place(video, 5_000, 0), 5_000);
});

test('time goes on over the end of 32 bits, for frames that cross it in either order', () => {
  const timeline = new Timeline();
  assert.equal(timeline.place(video, 2 ** 32 - 40, 0), 2 ** 32 - 40);
  assert.equal(timeline.place(video, 0, 40), 2 ** 32);
  assert.equal(timeline.place(audio, 2 ** 32 - 10, 40), 2 ** 32 - 10);
  assert.equal(timeline.place(video, 40, 80), 2 ** 32 + 40);
  assert.equal(timeline.place(audio, 13, 80), 2 ** 32 + 13);
});

test('many ends of 32 bits', () => {
  const timeline = new Timeline();
  let last = timeline.place(video, 0, 0);
  const step = 1_500;
  for (let time = step; time < 2 ** 34; time += 2 ** 20 + step) {
    const placed = timeline.place(video, time % 2 ** 32, time);
    assert.equal(placed, time);
    assert.ok(placed > last);
    last = placed;
  }
});

test('jitter within a track is flattened, not taken for another clock', () => {
  const timeline = running(1_000);
  assert.equal(timeline.place(video, 800, 1_010), 1_000);
  assert.equal(timeline.place(video, 1_040, 1_040), 1_040);
});

test('a publisher that starts anew goes on where it was', () => {
  const timeline = running(100_000);
  assert.equal(timeline.place(video, 0, 100_100), 100_040);
  assert.equal(timeline.place(audio, 0, 100_100), 100_040);
  assert.equal(timeline.place(video, 40, 100_140), 100_080);
});

test('a real pause stays a pause, a jump does not become one', () => {
  const paused = running(10_000);
  assert.equal(paused.place(video, 40_000, 40_000), 40_000);

  const jumped = running(10_000);
  assert.equal(jumped.place(video, 40_000, 10_040), 10_040);
  assert.equal(jumped.place(video, 40_040, 10_080), 10_080);
});

test('a burst from a cache keeps its times', () => {
  const timeline = new Timeline();
  for (let time = 0; time < 10_000; time += 40) assert.equal(timeline.place(video, time, 7), time);
});

test('headers and data never move the clock, whatever their timestamps', () => {
  for (const stamp of [0, 1, 4_999, 5_000, 6_900, 7_500, 2 ** 31, 2 ** 32 - 1]) {
    const timeline = running(5_000);
    for (const track of [data, video, audio]) {
      const placed = timeline.placeAside(track, stamp);
      assert.ok(placed <= 5_000 && placed >= 3_000, `stamp ${stamp} went to ${placed}`);
    }
    assert.equal(timeline.nowMs, 5_000);
    assert.equal(timeline.place(video, 5_040, 5_040), 5_040, `after stamp ${stamp}`);
    assert.equal(timeline.place(video, 5_080, 5_080), 5_080);
  }
});

test('data that is always stamped 0 comes when it comes', () => {
  const timeline = running(5_000);
  assert.equal(timeline.placeAside(data, 0), 5_000);
  for (let time = 5_040; time <= 9_000; time += 40) timeline.place(video, time, time);
  assert.equal(timeline.placeAside(data, 0), 9_000);
});

test('data does not change the distance at which a new source goes on', () => {
  const timeline = running(5_000);
  timeline.placeAside(data, 4_000);
  timeline.placeAside(data, 4_900);
  timeline.rebase();
  assert.equal(timeline.place(video, 77, 5_040), 5_040);
});

test('headers of a new source come before its first frame in time, too', () => {
  const timeline = running(5_000);
  timeline.rebase();
  assert.equal(timeline.placeAside(video, 123_456), 5_000);
  assert.equal(timeline.place(video, 123_456, 5_040), 5_040);
});

test('whatever sources do, no track runs backwards and no step is long', () => {
  const event = fc.record({
    track: fc.constantFrom(audio, video, data),
    kind: fc.constantFrom('step', 'step', 'step', 'step', 'jump', 'rebase'),
    sourceTime: fc.nat(0xffffffff),
  });
  fc.assert(
    fc.property(fc.array(event, { maxLength: 100, size: 'max' }), fc.nat(0xffffffff), (events, start) => {
      const timeline = new Timeline();
      const lasts = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];
      let source = start;
      let now = timeline.place(video, start, 0);
      let arrival = 0;
      for (const { track, kind, sourceTime } of events) {
        arrival += 20;
        if (kind === 'jump') source = sourceTime;
        else source = (source + 20) % 2 ** 32;
        if (kind === 'rebase') timeline.rebase();
        const placed = track === data ? timeline.placeAside(track, source) : timeline.place(track, source, arrival);
        assert.ok(placed >= lasts[track]!, `track ${track} ran back from ${lasts[track]} to ${placed}`);
        lasts[track] = placed;
        assert.ok(timeline.nowMs >= now && timeline.nowMs - now <= 2_020 + 20, `from ${now} to ${timeline.nowMs}`);
        now = timeline.nowMs;
      }
    }),
    { numRuns: 1_000 },
  );
});

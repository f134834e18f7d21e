/** What the demo's verdict rests on: that a player's watch sees each way in which a stream can go wrong. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { RtmpMessage } from '../../edge/rtmp/message.ts';
import { clip } from '../support/media.ts';
import { segmentsMissing } from './hls.ts';
import { Ledger } from './ledger.ts';
import { judge, type Outcome } from './verdict.ts';
import { type Sight, Watch } from './watch.ts';

const flawless: Sight = {
  frames: 0,
  missing: 0,
  repeated: 0,
  foreign: 0,
  stepsBack: 0,
  worstStepMs: 0,
  worstDistanceMs: 0,
};

/** A player that receives the messages that `change` makes of what was published. */
function watch(change: (messages: RtmpMessage[]) => RtmpMessage[]): Sight {
  const messages = clip({ gops: 4, framesPerGop: 10 });
  const ledger = new Ledger();
  for (const message of messages) ledger.publish(message);
  const watch = new Watch(ledger);
  for (const message of change(messages)) watch.received(message, 0);
  return watch.sight;
}

const later = (ms: number, message: RtmpMessage): RtmpMessage => ({
  ...message,
  timestamp: (message.timestamp + ms) >>> 0,
});

describe('the watch of a player', () => {
  it('finds nothing wrong where all frames come in time, whatever the clock and wherever it begins', () => {
    const { frames, ...rest } = watch((messages) => messages.slice(10).map((message) => later(777, message)));
    assert.ok(frames > 20);
    assert.deepEqual({ ...rest, frames: 0 }, flawless);
  });

  it('counts frames that are missing', () => {
    assert.equal(watch((messages) => messages.toSpliced(20, 3)).missing, 3);
  });

  it('counts frames that come twice', () => {
    assert.equal(watch((messages) => messages.toSpliced(20, 0, ...messages.slice(18, 20))).repeated, 2);
  });

  it('counts frames that nobody published', () => {
    const changed = (message: RtmpMessage): RtmpMessage => ({ ...message, payload: Buffer.from([0x27, 1, 9, 9, 9]) });
    assert.equal(watch((messages) => messages.with(20, changed(messages[20]!))).foreign, 1);
  });

  it('sees time step back and jump', () => {
    const back = watch((messages) => messages.map((message, i) => (i < 20 ? message : later(-1000, message))));
    assert.ok(back.stepsBack > 0);
    const jump = watch((messages) => messages.map((message, i) => (i < 20 ? message : later(500, message))));
    assert.equal(jump.worstStepMs, 500);
    assert.equal(jump.stepsBack, 0);
  });

  it('sees audio and video move apart, also where each goes on evenly', () => {
    const isAudio = ({ type }: RtmpMessage): boolean => type === 8;
    const apart = watch((messages) => messages.map((message) => (isAudio(message) ? later(300, message) : message)));
    assert.equal(apart.worstDistanceMs, 300);
    assert.equal(apart.worstStepMs, 0);
    const across = watch((messages) => messages.map((message) => later(2 ** 32 - 100, message)));
    assert.deepEqual([across.worstDistanceMs, across.worstStepMs, across.stepsBack], [0, 0, 0]);
  });

  it('measures waits, those that still last too, and tells those after a kill', () => {
    const messages = clip({ gops: 4, framesPerGop: 10 }).slice(3);
    const ledger = new Ledger();
    for (const message of messages) ledger.publish(message);
    const watch = new Watch(ledger);
    assert.equal(watch.longestGapMs(9_000), 0, 'nothing before the first frame');
    const arrivals = [10_000, 10_400, 10_440];
    for (const [i, atMs] of arrivals.entries()) watch.received(messages[i]!, atMs);
    assert.equal(watch.longestGapMs(10_500), 400);
    assert.equal(watch.switchGapMs(10_500), undefined);
    watch.killed(10_500);
    assert.equal(watch.switchGapMs(10_650), 210);
    watch.received(messages[3]!, 10_700);
    assert.equal(watch.switchGapMs(10_720), 260);
    watch.received(messages[4]!, 14_000);
    watch.received(messages[5]!, 19_000);
    assert.equal(watch.longestGapMs(19_000), 5_000);
    assert.equal(watch.switchGapMs(19_000), 3_300, 'what begins long after the kill is none of its doing');
  });
});

describe('segments of HLS', () => {
  it('are missing where the times of two are further apart than of others', () => {
    assert.equal(segmentsMissing([]), 0);
    assert.equal(segmentsMissing(['demo-0.ts']), 0);
    assert.equal(segmentsMissing(['demo-0.ts', 'demo-180000.ts', 'demo-360090.ts']), 0);
    assert.equal(segmentsMissing(['demo-0.ts', 'demo-180000.ts', 'demo-720000.ts']), 2);
  });
});

describe('the verdict', () => {
  const hls = { segments: 9, missing: 0, refused: [], longestWaitMs: 2_400 };
  const good: Outcome = {
    elapsedMs: 30_000,
    players: 2,
    cutOff: [],
    sights: [{ ...flawless, frames: 100 }],
    longestGapMs: 120,
    kills: 2,
    hls,
    failure: undefined,
  };

  it('passes what is right', () => assert.equal(judge(good).passed, true));

  it('passes without HLS, and says nothing of it', () => {
    const { passed, lines } = judge({ ...good, hls: undefined });
    assert.ok(passed);
    assert.doesNotMatch(lines.join('\n'), /HLS/);
  });

  const bad: Readonly<Record<string, Partial<Outcome>>> = {
    'a player that was disconnected': { cutOff: ['reset'] },
    'a long wait': { longestGapMs: 1_001 },
    'a missing frame': { sights: [{ ...flawless, frames: 100, missing: 1 }] },
    'a repeated frame': { sights: [{ ...flawless, frames: 100, repeated: 1 }] },
    'a changed frame': { sights: [{ ...flawless, frames: 100, foreign: 1 }] },
    'time that steps back': { sights: [{ ...flawless, frames: 100, stepsBack: 1 }] },
    'time that jumps': { sights: [{ ...flawless, frames: 100, worstStepMs: 80 }] },
    'audio and video that move apart': { sights: [{ ...flawless, frames: 100, worstDistanceMs: 80 }] },
    'no frame at all': { sights: [flawless] },
    'no segment of HLS': { hls: { ...hls, segments: 0 } },
    'a missing segment of HLS': { hls: { ...hls, missing: 1 } },
    'a segment of HLS that was not there': { hls: { ...hls, refused: ['404 a.ts'] } },
    'a long wait for a segment of HLS': { hls: { ...hls, longestWaitMs: 8_001 } },
    'no origin killed': { kills: 0 },
    'a demo that broke off': { failure: 'the encoder ended' },
  };
  for (const [what, change] of Object.entries(bad)) {
    it(`fails ${what}`, () => {
      const { passed, lines } = judge({ ...good, ...change });
      assert.equal(passed, false);
      assert.equal(lines.filter((line) => line.includes('FAIL  ')).length, 1);
    });
  }
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LineRate } from '../../edge/log/line-rate.ts';

const info = 30;

interface Scene {
  readonly rate: LineRate;
  pass(ms: number): void;
  /** Asks for so many lines of an event; returns how many may be written. */
  admitted(event: string, lines: number): number;
}

function scene(): Scene {
  let nowMs = 5_000;
  const rate = new LineRate({ burst: 10, perSecond: 2, eventsMax: 3, nowMs: () => nowMs });
  return {
    rate,
    pass: (ms) => {
      nowMs += ms;
    },
    admitted: (event, lines) => {
      let count = 0;
      for (let line = 0; line < lines; line++) if (rate.admits(event, info)) count++;
      return count;
    },
  };
}

test('a burst goes through, then so many lines a second; what is left out is counted and told once', () => {
  const { rate, pass, admitted } = scene();
  assert.equal(admitted('client connected', 100), 10);
  assert.deepEqual(rate.takeLeftOut(), [{ event: 'client connected', lines: 90, level: info }]);
  assert.deepEqual(rate.takeLeftOut(), []);
  pass(3_000);
  assert.equal(admitted('client connected', 100), 6);
  assert.deepEqual(rate.takeLeftOut(), [{ event: 'client connected', lines: 94, level: info }]);
  assert.equal(rate.leftOutLines, 184);
});

test('one event never holds back another', () => {
  const { admitted } = scene();
  assert.equal(admitted('client connected', 1_000), 10);
  assert.equal(admitted('pull lost', 5), 5);
});

test('after a rest the burst is whole again, and no larger', () => {
  const { pass, admitted } = scene();
  admitted('play', 100);
  pass(3_600_000);
  assert.equal(admitted('play', 100), 10);
});

test('the level told is the highest of the lines left out', () => {
  const { rate, admitted } = scene();
  admitted('play', 10);
  for (const level of [30, 50, 40]) rate.admits('play', level);
  assert.equal(rate.takeLeftOut()[0]?.level, 50);
});

test('events without number share one allowance, until those before are forgotten', () => {
  const { rate, pass, admitted } = scene();
  for (const event of ['a', 'b', 'c']) assert.equal(admitted(event, 1), 1);
  let count = 0;
  for (let event = 0; event < 1_000; event++) count += admitted(`event ${event}`, 1);
  assert.equal(count, 10);
  assert.deepEqual(rate.takeLeftOut(), [{ event: 'other events', lines: 990, level: info }]);
  pass(60_000);
  rate.takeLeftOut();
  assert.equal(admitted('event 5', 3), 3);
  assert.equal(admitted('event 6', 3), 3);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Cadence } from '../../edge/upstream/pull/cadence.ts';

class Source {
  readonly cadence = new Cadence();
  #nowMs = 0;

  /** Frames at this distance from each other. */
  frames(count: number, distanceMs: number): void {
    for (let index = 0; index < count; index++) {
      this.#nowMs += distanceMs;
      this.cadence.frame(this.#nowMs, distanceMs);
    }
  }
}

test('a stream that flows has no pauses', () => {
  const source = new Source();
  source.frames(1_000, 40);
  assert.equal(source.cadence.usualPauseMs, 0);
});

test('one long pause, however long, is none that is usual', () => {
  const source = new Source();
  source.frames(100, 40);
  source.frames(1, 30_000);
  assert.equal(source.cadence.usualPauseMs, 0);
  source.frames(10, 40);
  assert.equal(source.cadence.usualPauseMs, 0);
});

test('a slide show pauses again and again: that is its cadence', () => {
  const source = new Source();
  source.frames(3, 10_000);
  assert.equal(source.cadence.usualPauseMs, 10_000);
});

test('bursts with pauses between them, too', () => {
  const source = new Source();
  for (let burst = 0; burst < 4; burst++) {
    source.frames(200, 1);
    source.frames(1, 6_000);
  }
  assert.equal(source.cadence.usualPauseMs, 6_000);
});

test('pauses are forgotten when the stream has flowed for as long', () => {
  const source = new Source();
  source.frames(2, 10_000);
  source.frames(200, 40);
  assert.equal(source.cadence.usualPauseMs, 10_000, 'after 8 s');
  source.frames(51, 40);
  assert.equal(source.cadence.usualPauseMs, 0, 'after 10 s');
  source.frames(1, 20_000);
  assert.equal(source.cadence.usualPauseMs, 0, 'the next one begins anew');
});

/** Who is closed when unfinished messages hold too much memory. */

import assert from 'node:assert/strict';
import { describe, it, mock } from 'node:test';
import { type Holding, UnfinishedBytes } from '../../edge/budget/unfinished.ts';

const limit = 1_000_000;

class Scene {
  readonly unfinished = new UnfinishedBytes(() => limit);
  readonly closed: string[] = [];

  client(name: string, admitted: boolean): Holding {
    return this.unfinished.open({ admitted, turnAway: () => this.closed.push(name) });
  }
}

/** Runs with a clock of its own; `pass` moves it. */
function withClock(run: (pass: (ms: number) => void) => void): void {
  let nowMs = Math.round(performance.now());
  const clock = mock.method(performance, 'now', () => nowMs);
  try {
    run((ms) => {
      nowMs += ms;
    });
  } finally {
    clock.mock.restore();
  }
}

describe('memory of unfinished messages', () => {
  it('is counted until it is used or the client is gone', () => {
    const scene = new Scene();
    const [a, b] = [scene.client('a', false), scene.client('b', true)];
    a.set(100);
    b.set(1000);
    a.set(50);
    assert.equal(scene.unfinished.total, 1050);
    b.set(0);
    b.set(0);
    a.close();
    a.close();
    assert.equal(scene.unfinished.total, 0);
    assert.deepEqual(scene.closed, []);
  });

  it('costs the client that is not admitted and holds the most', () => {
    const scene = new Scene();
    scene.client('publisher', true).set(900_000);
    scene.client('small', false).set(1_000);
    scene.client('large', false).set(50_000);
    scene.client('last', false).set(60_000);
    assert.deepEqual(scene.closed, ['last']);
    assert.equal(scene.unfinished.total, 951_000);
  });

  it('never costs publishers whose messages arrive and are done with', () =>
    withClock((pass) => {
      const scene = new Scene();
      const publishers = Array.from({ length: 10 }, (_, i) => scene.client(`publisher ${i}`, true));
      for (let round = 0; round < 40; round++) {
        // All have half of a great key frame at the same time: twice the limit.
        for (const publisher of publishers) publisher.set(200_000);
        pass(400);
        for (const publisher of publishers) publisher.set(500);
        pass(400);
      }
      assert.deepEqual(scene.closed, []);
    }));

  it('costs whoever holds the most when all together hold twice as much', () =>
    withClock((pass) => {
      const scene = new Scene();
      const publishers = Array.from({ length: 60 }, (_, index) => scene.client(`publisher ${index}`, true));
      for (let bytes = 10_000; bytes <= 100_000; bytes += 10_000) {
        pass(5);
        for (const [index, publisher] of publishers.entries()) {
          if (!scene.closed.includes(`publisher ${index}`)) publisher.set(index === 0 ? 1_000 : bytes + index);
          assert.ok(scene.unfinished.total <= 2 * limit, `${scene.unfinished.total} bytes are held`);
        }
      }
      assert.ok(scene.closed.length > 0);
      assert.ok(!scene.closed.includes('publisher 0'), 'a publisher of small messages stays');
    }));

  it('costs the publisher that keeps messages unfinished, however it goes about it', () =>
    withClock((pass) => {
      const scene = new Scene();
      const [still, growing] = [scene.client('still', true), scene.client('growing', true)];
      const honest = scene.client('honest', true);
      const newcomer = scene.client('newcomer', false);
      still.set(500_000);
      for (let bytes = 0; bytes < 400_000 && scene.closed.length === 0; bytes += 20_000) {
        growing.set(bytes);
        honest.set(150_000);
        pass(200);
        honest.set(0);
      }
      newcomer.set(10_000);
      honest.set(150_000);
      assert.deepEqual(scene.closed, ['still']);
      growing.set(950_000);
      assert.deepEqual(scene.closed, ['still', 'growing']);
    }));

  it('makes those wait that hold more than their share, and lets them go on one by one', async () => {
    const scene = new Scene();
    const small = scene.client('small', true);
    const large = [scene.client('a', true), scene.client('b', true)];
    for (const each of large) each.set(300_000);
    small.set(1_000);
    assert.deepEqual(
      [small, ...large].map(({ mustWait }) => mustWait),
      [false, false, false],
    );
    for (const each of large) each.set(600_000);
    assert.deepEqual(
      [small, ...large].map(({ mustWait }) => mustWait),
      [false, true, true],
    );
    const resumed: number[] = [];
    await new Promise<void>((resolve) => {
      for (const [index, each] of large.entries()) {
        each.awaitRoom(() => {
          resumed.push(index);
          each.set(0);
          if (resumed.length === 2) resolve();
        });
      }
    });
    assert.deepEqual(resumed, [0, 1]);
    assert.equal(scene.unfinished.total, 1_000);
    assert.deepEqual(scene.closed, []);
  });
});

/** When an origin that is down is probed, and one that fails again: to the millisecond. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { a, failure, Scene } from '../support/probed-origins.ts';

describe('an origin that is down', () => {
  test('is probed after ever longer delays, which further failures of streams do not change', async (t) => {
    const scene = new Scene(t);
    scene.fail();
    assert.deepEqual(await scene.delays(3), [1_000, 2_000, 4_000]);
    scene.pass(7_000);
    for (let streams = 0; streams < 50; streams++) scene.fail();
    assert.equal(scene.untilProbe(), 1_000);
    for (let streams = 0; streams < 50; streams++) scene.fail();
    assert.equal(scene.untilProbe(), undefined, 'one is under way');
    await scene.answer(false);
    assert.deepEqual(await scene.delays(3), [16_000, 32_000, 64_000]);
    assert.equal(scene.health.reports()[0]?.failures, 7);
  });

  test('is probed sooner from when somebody waits for it; others who wait do not put that off, nor hasten it', async (t) => {
    const scene = new Scene(t);
    scene.fail();
    await scene.delays(5);
    const ends = [scene.wait()];
    scene.pass(60);
    ends.push(scene.wait());
    assert.equal(scene.untilProbe(), 40);
    ends.push(scene.wait());
    assert.equal(scene.untilProbe(), undefined, 'one is under way');
    await scene.answer(false);
    assert.equal(scene.untilProbe(), 200);
    await scene.answer(false);
    ends.push(scene.wait());
    assert.deepEqual(await scene.delays(3), [400, 400, 400]);
    for (const end of ends) await end();
    assert.deepEqual(await scene.delays(2), [400, 64_000], 'what is planned stays, and nobody waits any more');
  });

  test('is tried soon again for who begins to wait while it is probed', async (t) => {
    const scene = new Scene(t);
    scene.times = { ...scene.times, retryMaxMs: 64_000 };
    scene.fail();
    await scene.delays(4);
    scene.untilProbe();
    const end = scene.wait();
    await scene.answer(false);
    assert.deepEqual(await scene.delays(2), [200, 400]);
    await end();
  });

  test('stays down, and at its back-off, whatever reloads come, and whatever is doubted', async (t) => {
    const scene = new Scene(t);
    scene.times = { ...scene.times, probeMinMs: 60_000, checkIntervalMs: 1_000 };
    scene.fail();
    scene.health.retain([a]);
    scene.fail('broken');
    scene.health.doubted(a, failure('stalled'));
    assert.equal(scene.state, 'down');
    assert.equal(scene.untilProbe(), 60_000);
    scene.health.retain([a]);
    assert.equal(scene.untilProbe(), undefined, 'one is under way');
    await scene.answer(false);
    assert.equal(scene.untilProbe(), 64_000);
  });

  test('goes on with its back-off where a reload came while it was probed', async (t) => {
    const scene = new Scene(t);
    scene.times = { ...scene.times, checkIntervalMs: 30_000 };
    scene.fail();
    scene.untilProbe();
    scene.health.retain([a]);
    await scene.answer(false);
    assert.equal(scene.untilProbe(), 2_000);
  });

  test('wakes each of many who wait, and no warning is printed', async (t) => {
    const scene = new Scene(t);
    const warnings: Error[] = [];
    const warned = (warning: Error): unknown => warnings.push(warning);
    process.on('warning', warned);
    t.after(() => process.off('warning', warned));
    scene.fail();
    let woken = 0;
    const waiting = Array.from({ length: 50 }, () =>
      scene.health.available(() => [a], new AbortController().signal).then(() => woken++),
    );
    scene.untilProbe();
    await scene.answer(true);
    await Promise.all(waiting);
    assert.equal(woken, 50);
    assert.deepEqual(warnings, []);
  });
});

describe('an origin that answers probes, and fails again', () => {
  /** Down, and well again by a probe. */
  async function comeBack(scene: Scene): Promise<number | undefined> {
    scene.fail();
    const delayMs = scene.untilProbe();
    await scene.answer(true);
    assert.equal(scene.state, 'up');
    return delayMs;
  }

  test('within 2 s is tried later each time', async (t) => {
    const scene = new Scene(t);
    const delays: (number | undefined)[] = [];
    for (let times = 0; times < 4; times++) {
      delays.push(await comeBack(scene));
      scene.pass(1_999);
    }
    assert.deepEqual(delays, [1_000, 2_000, 4_000, 8_000]);
    // It counts once, however many streams find it so.
    for (let streams = 0; streams < 5; streams++) scene.fail();
    assert.deepEqual(await scene.delays(1), [16_000]);
    assert.equal(scene.untilProbe(), 32_000);
    await scene.answer(true);
    scene.pass(2_000);
    assert.equal(await comeBack(scene), 1_000, 'it has served');
  });

  test('after it has served, doubts in between or not, is tried as soon as the first time', async (t) => {
    const scene = new Scene(t);
    await comeBack(scene);
    scene.pass(5_000);
    scene.fail('broken');
    await scene.answer(true);
    scene.pass(100);
    assert.equal(await comeBack(scene), 1_000);
  });

  test('though it never served from the start, is tried as soon as any', async (t) => {
    const scene = new Scene(t);
    scene.health.succeeded(a);
    scene.pass(100);
    assert.equal(await comeBack(scene), 1_000);
  });
});

/** What origins are doubted, checked, given up, and forgotten. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { a, b, failure, Scene } from '../support/probed-origins.ts';

describe('a doubt', () => {
  test('has the origin probed once at once, in place of what was planned', async (t) => {
    const scene = new Scene(t);
    scene.times = { ...scene.times, checkIntervalMs: 30_000 };
    for (const kind of ['broken', 'undecided', 'stalled'] as const) {
      scene.health.succeeded(a);
      for (let streams = 0; streams < 5; streams++) scene.fail(kind);
      assert.equal(scene.state, 'suspect', kind);
      assert.equal(scene.open.length, 1, kind);
      assert.equal(scene.untilProbe(), undefined, 'one is under way');
      await scene.answer(true);
    }
    assert.equal(scene.untilProbe(), 37_500, 'the next check');
  });

  test('that a failure confirms meanwhile leaves one probe, whose end decides', async (t) => {
    const scene = new Scene(t);
    scene.times = { ...scene.times, checkIntervalMs: 8_000 };
    scene.health.succeeded(a);
    scene.fail('broken');
    scene.health.retain([a]);
    scene.fail('unreachable');
    assert.equal(scene.state, 'down');
    await scene.wait()();
    assert.equal(scene.untilProbe(), undefined, 'one is under way');
    await scene.answer(false);
    assert.equal(scene.untilProbe(), 2_000);
  });

  test('of an origin that nobody chose has it neither probed nor remembered', (t) => {
    const scene = new Scene(t);
    scene.health.doubted(b, failure('stalled'));
    const ended = scene.health.connected(b);
    scene.health.doubted(b, failure('stalled'));
    assert.equal(scene.health.state(b), 'untried');
    assert.equal(scene.probes, 0);
    ended();
  });
});

describe('a probe that is answered too late', () => {
  test('says nothing where a stream has succeeded meanwhile', async (t) => {
    const scene = new Scene(t);
    scene.fail('broken');
    scene.health.succeeded(a);
    assert.equal(scene.open[0]?.signal.aborted, true);
    await scene.answer(false);
    assert.equal(scene.state, 'up');
  });

  test('says nothing where the origin has failed since', async (t) => {
    const scene = new Scene(t);
    scene.fail('broken');
    scene.health.succeeded(a);
    scene.fail('unreachable');
    await scene.answer(true);
    assert.equal(scene.state, 'down');
  });
});

describe('checks of origins that nobody uses', () => {
  test('come sooner where a reload says so', (t) => {
    const scene = new Scene(t);
    scene.times = { ...scene.times, checkIntervalMs: 60_000 };
    scene.health.succeeded(a);
    scene.times = { ...scene.times, checkIntervalMs: 8_000 };
    scene.health.retain([a]);
    assert.equal(scene.untilProbe(), 10_000);
  });

  test('are not made of those that were looked up, or to which an origin led', (t) => {
    const scene = new Scene(t);
    scene.times = { ...scene.times, checkIntervalMs: 8_000 };
    scene.health.retain([], [a]);
    const ended = scene.health.connected(b);
    for (const origin of [a, b]) scene.health.succeeded(origin);
    assert.equal(scene.untilProbe(), undefined);
    ended();
  });

  test('set no timer where there are none', (t) => {
    const scene = new Scene(t);
    const timers = t.mock.method(globalThis, 'setTimeout');
    scene.health.retain([a, b]);
    scene.health.succeeded(a);
    assert.equal(timers.mock.callCount(), 0);
  });
});

describe('an origin that was looked up', () => {
  test('is given up when nobody waits for it, and tried later after each time', async (t) => {
    const scene = new Scene(t);
    scene.health.retain([], [a]);
    for (const delayMs of [1_000, 2_000, 4_000]) {
      scene.fail();
      scene.pass(delayMs - 1);
      assert.equal(scene.state, 'down');
      scene.pass(1);
      assert.equal(scene.state, 'untried');
      assert.equal(scene.changes.at(-1)?.reason, '');
    }
    assert.equal(scene.probes, 0);
    // Who waited for it until a moment ago does not any more.
    scene.fail();
    await scene.wait()();
    scene.pass(120_000);
    assert.equal(scene.state, 'untried');
  });

  test('that fails again soon after it was given up, and served for a moment, is tried later', (t) => {
    const scene = new Scene(t);
    scene.health.retain([], [a]);
    scene.fail();
    scene.pass(1_000);
    scene.health.succeeded(a);
    scene.pass(100);
    scene.fail();
    scene.pass(1_999);
    assert.equal(scene.state, 'down');
    scene.pass(1);
    assert.equal(scene.state, 'untried');
  });

  test('and that a reload lists no more stays what it is known to be', async (t) => {
    const scene = new Scene(t);
    scene.times = { ...scene.times, checkIntervalMs: 8_000 };
    scene.health.succeeded(a);
    scene.health.retain([], [a]);
    scene.pass(20_000);
    assert.equal(scene.state, 'up');
  });
});

describe('an origin to which another has led', () => {
  const led = [b] as const;

  test('is forgotten when it is neither used nor asked', async (t) => {
    const scene = new Scene(t);
    const since = (): number => {
      const ended = scene.health.connected(...led);
      const report = scene.health.reports().find(({ name }) => name === 'b:1935');
      ended();
      return report?.sinceMs ?? Number.NaN;
    };
    const firstMs = since();
    scene.pass(100_000);
    // Its time is that of this record: there was none before.
    assert.ok(Math.abs(since() - firstMs) < 50_000);
    const asked = scene.health.answers(...led);
    await scene.answer(false);
    assert.equal(await asked, false);
    scene.pass(100_000);
    assert.ok(Math.abs(since() - firstMs) < 50_000);
  });

  test('is asked once by all, though connections end meanwhile', async (t) => {
    const scene = new Scene(t);
    const asked = scene.health.answers(...led);
    scene.health.connected(...led)();
    assert.equal(scene.health.answers(...led), asked);
    await scene.answer(true);
    assert.equal(await asked, true);
  });
});

test('a connection that ends twice counts once', (t) => {
  const { health } = new Scene(t);
  const ends = [health.connected(a), health.connected(a)];
  ends[0]?.();
  ends[0]?.();
  assert.equal(health.reports()[0]?.connections, 1);
});

test('after the end nothing is planned, whatever connections still say', (t) => {
  const scene = new Scene(t);
  scene.health.close();
  scene.fail('unreachable');
  scene.fail('broken');
  assert.equal(scene.untilProbe(), undefined);
});

/** When origins are probed, and what comes of it: to the millisecond, by a clock that stands still. */

import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import type { OriginAddress } from '../../edge/conf/model.ts';
import { UpstreamError, type UpstreamFailure } from '../../edge/upstream/connection/errors.ts';
import { OriginHealth } from '../../edge/upstream/origins/origin-health.ts';
import type { OriginReport } from '../../edge/upstream/origins/origin-record.ts';
import type { ProbeTimes } from '../../edge/upstream/origins/probe-delays.ts';
import { stopClock } from '../support/stopped-clock.ts';

const a: OriginAddress = { scheme: 'rtmp', host: 'a', port: 1935 };
const b: OriginAddress = { scheme: 'rtmp', host: 'b', port: 1935 };

function failure(kind: UpstreamFailure): UpstreamError {
  return new UpstreamError(kind, `it is ${kind}`, { origin: 'a:1935' });
}

/** Without chance: each delay is the longest that it may be. Nobody is checked who does not fail, unless a test says so. */
class Scene {
  readonly health: OriginHealth;
  times: ProbeTimes = {
    probeMinMs: 1_000,
    probeMaxMs: 64_000,
    retryMinMs: 100,
    retryMaxMs: 400,
    checkIntervalMs: 0,
  };
  readonly changes: OriginReport[] = [];
  /** Probes that have no answer yet; the signal of one that ended early says so. */
  readonly open: { readonly host: string; readonly signal: AbortSignal; readonly end: (isWell: boolean) => void }[] =
    [];
  probes = 0;
  readonly #pass: (byMs: number) => void;

  constructor(t: TestContext) {
    this.#pass = stopClock(t);
    t.mock.method(Math, 'random', () => 1);
    this.health = new OriginHealth({
      probe: ({ host }, signal) => {
        this.probes++;
        return new Promise((resolve, reject) => {
          const end = (isWell: boolean): void => (isWell ? resolve() : reject(failure('unreachable')));
          this.open.push({ host, signal, end });
        });
      },
      times: () => this.times,
      changed: (report) => this.changes.push(report),
    });
    this.health.retain([a]);
    t.after(() => this.health.close());
  }

  get state(): string {
    return this.health.state(a);
  }

  fail(kind: UpstreamFailure = 'unreachable', origin = a): void {
    this.health.failed(origin, failure(kind));
  }

  /** The probe that is under way ends so. */
  async answer(isWell: boolean): Promise<void> {
    const probe = this.open.shift();
    assert.ok(probe, 'no probe is under way');
    probe.end(isWell);
    await settled();
  }

  /** Time passes until a probe begins: how much. The most that is waited for is two minutes. */
  untilProbe(): number | undefined {
    const before = this.probes;
    for (let passedMs = 0; passedMs <= 120_000; passedMs++) {
      if (this.probes > before) return passedMs;
      this.pass(1);
    }
    return undefined;
  }

  /** Probes fail one after another: the time before each. */
  async delays(count: number): Promise<(number | undefined)[]> {
    const delaysMs: (number | undefined)[] = [];
    for (let index = 0; index < count; index++) {
      delaysMs.push(this.untilProbe());
      await this.answer(false);
    }
    return delaysMs;
  }

  pass(ms: number): void {
    this.#pass(ms);
  }

  /** A stream waits for the origin, until the result is called. */
  wait(): () => Promise<void> {
    const end = new AbortController();
    const waiting = this.health.available(() => [a], end.signal).catch(() => {});
    return () => {
      end.abort();
      return waiting;
    };
  }
}

function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

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

describe('a doubt', () => {
  test('has the origin probed once at once, in place of what was planned', async (t) => {
    const scene = new Scene(t);
    scene.times = { ...scene.times, checkIntervalMs: 30_000 };
    for (const kind of ['broken', 'undecided'] as const) {
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
    scene.fail('broken');
    scene.fail('unreachable');
    assert.equal(scene.state, 'down');
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

import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { OriginAddress } from '../../edge/conf/model.ts';
import { UpstreamError, type UpstreamFailure } from '../../edge/upstream/connection/errors.ts';
import { OriginHealth } from '../../edge/upstream/origins/origin-health.ts';
import type { OriginReport } from '../../edge/upstream/origins/origin-record.ts';
import type { ProbeTimes } from '../../edge/upstream/origins/probe-delays.ts';

const options = { timeout: 90_000 };
const a: OriginAddress = { scheme: 'rtmp', host: 'a', port: 1935 };
const b: OriginAddress = { scheme: 'rtmp', host: 'b', port: 1935 };

function failure(kind: UpstreamFailure): UpstreamError {
  return new UpstreamError(kind, `it is ${kind}`, { origin: 'a:1935' });
}

/** Health whose probes a test answers: a probe fails unless `well`. */
class Bench {
  well = false;
  readonly probes: { readonly host: string; readonly atMs: number }[] = [];
  readonly changes: OriginReport[] = [];
  readonly health: OriginHealth;
  times: ProbeTimes = { probeMinMs: 20, probeMaxMs: 80, retryMinMs: 20, retryMaxMs: 80, checkIntervalMs: 0 };
  #notify: () => void = () => {};

  constructor(t: TestContext) {
    this.health = new OriginHealth({
      probe: async ({ host }) => {
        this.probes.push({ host, atMs: performance.now() });
        this.#notify();
        if (!this.well) throw failure('unreachable');
      },
      times: () => this.times,
      changed: (report) => {
        this.changes.push(report);
        this.#notify();
      },
    });
    this.health.retain([a, b]);
    t.after(() => this.health.close());
  }

  async until(done: () => boolean): Promise<void> {
    while (!done()) {
      await new Promise<void>((resolve) => {
        this.#notify = resolve;
      });
    }
  }

  get states(): string[] {
    return this.changes.map(({ name, state }) => `${name} ${state}`);
  }
}

test('what speaks against an origin sets it aside; what may be the request’s does not', options, (t) => {
  for (const kind of ['unreachable', 'unanswered', 'protocol'] as const) {
    const { health } = new Bench(t);
    health.failed(a, failure(kind));
    assert.equal(health.state(a), 'down', kind);
    assert.equal(health.state(b), 'untried');
  }
  for (const kind of ['rejected', 'redirected', 'cancelled'] as const) {
    const { health } = new Bench(t);
    health.succeeded(a);
    health.failed(a, failure(kind));
    assert.equal(health.state(a), 'up', kind);
  }
});

test('many streams find the same origin down: one probe at a time', options, async (t) => {
  const bench = new Bench(t);
  for (let i = 0; i < 50; i++) bench.health.failed(a, failure('unreachable'));
  await bench.until(() => bench.probes.length === 3);
  // Three probes one after another, each at least half of its back-off behind the one before.
  const [first, second, third] = bench.probes.map(({ atMs }) => atMs);
  assert.ok((second ?? 0) - (first ?? 0) >= 19 && (third ?? 0) - (second ?? 0) >= 38);
  assert.deepEqual(bench.states, ['a:1935 down']);
  assert.equal(bench.health.reports()[0]?.reason, 'it is unreachable');
});

test('back-off doubles up to its greatest, with jitter in its upper half', options, async (t) => {
  const bench = new Bench(t);
  const delays: number[] = [];
  const real = globalThis.setTimeout;
  t.mock.method(globalThis, 'setTimeout', (run: () => void, ms: number) => {
    delays.push(ms);
    return real(run, 0);
  });
  bench.health.failed(a, failure('unreachable'));
  await bench.until(() => bench.probes.length === 20);
  for (const [index, ms] of delays.slice(0, 20).entries()) {
    const full = Math.min(20 * 2 ** index, 80);
    assert.ok(ms >= full / 2 && ms <= full, `delay ${index} is ${ms}`);
  }
  assert.ok(new Set(delays).size > 10, 'edges do not probe in step');
});

test('an origin that answers a probe is welcomed back, and whoever waits goes on', options, async (t) => {
  const bench = new Bench(t);
  bench.health.failed(a, failure('unanswered'));
  const back = bench.health.available(() => [a], new AbortController().signal);
  bench.well = true;
  await back;
  assert.equal(bench.health.state(a), 'up');
  assert.deepEqual(bench.states, ['a:1935 down', 'a:1935 up']);
  assert.equal(bench.health.reports()[0]?.reason, '');
});

test('a connection that ended has the origin checked at once; it is only suspect until then', options, async (t) => {
  const bench = new Bench(t);
  bench.well = true;
  bench.health.failed(a, failure('broken'));
  assert.equal(bench.health.state(a), 'suspect');
  assert.equal(bench.probes.length, 1);
  await bench.until(() => bench.changes.length === 2);
  assert.equal(bench.health.state(a), 'up');
  bench.well = false;
  bench.health.failed(a, failure('broken'));
  await bench.until(() => bench.changes.length === 4);
  assert.equal(bench.health.state(a), 'down');
});

test('a stream that succeeds ends the probing', options, async (t) => {
  const bench = new Bench(t);
  bench.health.failed(a, failure('unreachable'));
  bench.health.succeeded(a);
  assert.equal(bench.health.state(a), 'up');
  await delay(60);
  assert.equal(bench.probes.length, 0);
});

test('who waits hurries the probe, and many who begin to wait do not put it off', options, async (t) => {
  const bench = new Bench(t);
  bench.times = { ...bench.times, probeMinMs: 60_000, probeMaxMs: 60_000, retryMinMs: 40 };
  bench.health.failed(a, failure('unreachable'));
  const stop = new AbortController();
  t.after(() => stop.abort());
  const wait = (): void => void bench.health.available(() => [a], stop.signal).catch(() => {});
  wait();
  const more = setInterval(wait, 5);
  t.after(() => clearInterval(more));
  await bench.until(() => bench.probes.length === 3);
});

test('available: at once when one is well, later when one is added, never after the signal', options, async (t) => {
  const bench = new Bench(t);
  const never = new AbortController().signal;
  bench.health.failed(a, failure('unreachable'));
  await bench.health.available(() => [a, b], never);
  let listed = [a];
  const added = bench.health.available(() => listed, never);
  listed = [a, b];
  bench.health.retain(listed);
  await added;
  const stop = new AbortController();
  const aborted = bench.health.available(() => [a], stop.signal);
  stop.abort();
  await assert.rejects(aborted, { name: 'AbortError' });
});

test('origins that are no longer listed are forgotten, those in use when their last connection ends', options, (t) => {
  const { health } = new Bench(t);
  const release = health.connected(a);
  health.failed(b, failure('unreachable'));
  health.retain([]);
  assert.deepEqual(
    health.reports().map(({ name, connections }) => [name, connections]),
    [['a:1935', 1]],
  );
  release();
  release();
  assert.deepEqual(health.reports(), []);
});

test('where a redirection led is known while it is used, and is nobody’s choice when it fails', options, (t) => {
  const bench = new Bench(t);
  const elsewhere: OriginAddress = { scheme: 'rtmp', host: 'c', port: 1 };
  const release = bench.health.connected(elsewhere);
  bench.health.failed(elsewhere, failure('stalled'));
  assert.equal(bench.health.state(elsewhere), 'untried');
  release();
  bench.health.failed(elsewhere, failure('stalled'));
  bench.health.succeeded(elsewhere);
  assert.deepEqual(
    bench.health.reports().map(({ name }) => name),
    ['a:1935', 'b:1935'],
  );
});

/** Timers that fire when a test says so, in the order in which they are due. */
class Timers {
  readonly planned = new Map<object, { readonly run: () => void; readonly ms: number }>();

  constructor(t: TestContext) {
    t.mock.method(globalThis, 'setTimeout', (run: () => void, ms: number) => {
      const timer = {};
      this.planned.set(timer, { run, ms });
      return timer;
    });
    t.mock.method(globalThis, 'clearTimeout', (timer: object) => this.planned.delete(timer));
  }

  get delaysMs(): number[] {
    return [...this.planned.values()].map(({ ms }) => ms);
  }

  fire(): void {
    const all = [...this.planned.values()];
    this.planned.clear();
    for (const { run } of all) run();
  }
}

describe('origins that nobody uses', options, () => {
  const checkIntervalMs = 30_000;

  function bench(t: TestContext): { bench: Bench; timers: Timers } {
    const timers = new Timers(t);
    const checked = new Bench(t);
    checked.times = { ...checked.times, checkIntervalMs };
    checked.health.retain([a, b]);
    return { bench: checked, timers };
  }

  function isAnInterval(ms: number | undefined): boolean {
    return ms !== undefined && ms >= checkIntervalMs * 0.75 && ms <= checkIntervalMs * 1.25;
  }

  test('are checked soon, then about once in an interval', async (t) => {
    const { bench: checked, timers } = bench(t);
    checked.well = true;
    assert.deepEqual(
      checked.health.reports().map(({ state }) => state),
      ['untried', 'untried'],
    );
    assert.equal(timers.delaysMs.length, 2);
    assert.ok(timers.delaysMs.every((ms) => ms <= 3_000));
    timers.fire();
    await checked.until(() => checked.changes.length === 2);
    assert.deepEqual(checked.states, ['a:1935 up', 'b:1935 up']);
    assert.deepEqual(timers.delaysMs.map(isAnInterval), [true, true]);
    timers.fire();
    await checked.until(() => checked.probes.length === 4);
  });

  test('that are dead are known to be, and tried with back-off', async (t) => {
    const { bench: checked, timers } = bench(t);
    timers.fire();
    await checked.until(() => checked.changes.length === 2);
    assert.deepEqual(checked.states, ['a:1935 down', 'b:1935 down']);
    assert.ok(timers.delaysMs.length === 2 && timers.delaysMs.every((ms) => ms <= 80));
  });

  test('a stream that succeeds, or that uses one, stands for a check', async (t) => {
    const { bench: checked, timers } = bench(t);
    checked.well = true;
    checked.health.succeeded(a);
    assert.deepEqual(timers.delaysMs.map(isAnInterval), [false, true]);
    const release = checked.health.connected(b);
    timers.fire();
    await checked.until(() => checked.states.length === 1 && checked.probes.length === 1);
    assert.deepEqual(
      checked.probes.map(({ host }) => host),
      ['a'],
    );
    release();
  });

  test('are left alone where the interval is 0, from the next look on', (t) => {
    const { bench: checked, timers } = bench(t);
    checked.times = { ...checked.times, checkIntervalMs: 0 };
    timers.fire();
    assert.deepEqual([checked.probes.length, timers.planned.size], [0, 0]);
  });

  test('reloads one after another do not put a check off, nor plan a second', (t) => {
    const { bench: checked, timers } = bench(t);
    checked.health.succeeded(a);
    checked.health.succeeded(b);
    const before = Math.max(...timers.delaysMs);
    for (let reloads = 0; reloads < 50; reloads++) checked.health.retain([a, b]);
    assert.equal(timers.planned.size, 2);
    assert.ok(Math.max(...timers.delaysMs) <= before);
  });

  test('a failure takes the place of the check, and no timer is left in the end', (t) => {
    const { bench: checked, timers } = bench(t);
    checked.health.succeeded(a);
    checked.health.failed(a, failure('unreachable'));
    assert.equal(timers.planned.size, 2);
    assert.ok(Math.min(...timers.delaysMs) <= 20);
    checked.health.close();
    checked.health.retain([a, b]);
    assert.equal(timers.planned.size, 0);
  });
});

test('the back-off starts over when an origin was well in between', options, async (t) => {
  const bench = new Bench(t);
  bench.times = { ...bench.times, probeMinMs: 5, probeMaxMs: 60_000 };
  bench.health.failed(a, failure('unreachable'));
  await bench.until(() => bench.probes.length === 6);
  // The next pause would be 5 ms × 2^6, 160 ms at least.
  assert.equal(bench.health.reports()[0]?.failures, 6);
  bench.well = true;
  await bench.until(() => bench.health.state(a) === 'up');
  assert.equal(bench.health.reports()[0]?.failures, 0);
  bench.well = false;
  const before = bench.probes.length;
  bench.health.failed(a, failure('unreachable'));
  await bench.until(() => bench.probes.length === before + 3);
  const [first, second] = bench.probes.slice(before).map(({ atMs }) => atMs);
  assert.equal(bench.health.reports()[0]?.failures, 3);
  assert.ok((second ?? 0) > (first ?? 0));
});

test('an edge without file descriptors learns nothing of its origins, and asks again', options, async (t) => {
  const probed: UpstreamFailure[] = [];
  let reports: OriginReport[] = [];
  const asked = Promise.withResolvers<void>();
  const health = new OriginHealth({
    probe: async () => {
      const kind = probed.length < 3 ? 'exhausted' : 'unreachable';
      probed.push(kind);
      throw failure(kind);
    },
    times: () => ({ probeMinMs: 5, probeMaxMs: 5, retryMinMs: 5, retryMaxMs: 5, checkIntervalMs: 10 }),
    changed: (report) => {
      reports = [...reports, report];
      asked.resolve();
    },
  });
  t.after(() => health.close());
  health.failed(a, failure('exhausted'));
  health.retain([a]);
  health.failed(a, failure('exhausted'));
  assert.equal(health.state(a), 'untried');
  await asked.promise;
  assert.deepEqual(probed, ['exhausted', 'exhausted', 'exhausted', 'unreachable']);
  assert.equal(reports[0]?.state, 'down');
  assert.equal(reports[0]?.reason, 'it is unreachable');
});

test(
  'an origin that was looked up is probed while somebody waits for it, and reported while it is used',
  options,
  async (t) => {
    const bench = new Bench(t);
    const { health } = bench;
    health.retain([a], [b]);
    assert.deepEqual(
      health.reports().map(({ name }) => name),
      ['a:1935'],
    );
    const release = health.connected(b);
    assert.deepEqual(
      health.reports().map(({ name }) => name),
      ['a:1935', 'b:1935'],
    );
    release();
    health.failed(b, failure('unreachable'));
    assert.equal(health.state(b), 'down', 'one failure speaks to all streams');
    await bench.until(() => bench.states.includes('b:1935 untried'));
    assert.deepEqual(bench.probes, []);
    health.failed(b, failure('unreachable'));
    bench.well = true;
    await health.available(() => [b], new AbortController().signal);
    assert.deepEqual(
      bench.probes.map(({ host }) => host),
      ['b'],
    );
    health.retain([a]);
    assert.equal(health.state(b), 'untried', 'it is forgotten');
  },
);

test('what may be the matter of one connection has the origin checked, and sets nothing aside', options, async (t) => {
  const bench = new Bench(t);
  bench.well = true;
  bench.health.doubted(a, failure('stalled'));
  assert.equal(bench.health.state(a), 'suspect');
  await bench.until(() => bench.changes.length === 2);
  assert.deepEqual(bench.states, ['a:1935 suspect', 'a:1935 up']);
});

test('many who want to know whether an origin answers ask it once; by HTTP once for each folder', async (t) => {
  const asked: string[] = [];
  let answer = (): void => {};
  const health = new OriginHealth({
    probe: (_, __, folder) => {
      asked.push(folder);
      return new Promise((resolve) => {
        answer = resolve;
      });
    },
    times: () => ({ probeMinMs: 20, probeMaxMs: 80, retryMinMs: 20, retryMaxMs: 80, checkIntervalMs: 0 }),
    changed: () => {},
  });
  t.after(() => health.close());
  const first = health.answers(a);
  assert.equal(health.answers(a), first);
  answer();
  assert.equal(await first, true);
  void health.answers(a, '/live/');
  void health.answers(a);
  void health.answers(b);
  assert.deepEqual(asked, ['/', '/live/', '/', '/']);
});

test('an origin in use is not probed, and is looked at again when it is not', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const bench = new Bench(t);
  const probed = (): number => bench.probes.filter(({ host }) => host === 'a').length;
  bench.well = true;
  bench.times = { ...bench.times, checkIntervalMs: 1_000 };
  const ended = bench.health.connected(a);
  bench.health.retain([a]);
  for (let second = 0; second < 10; second++) t.mock.timers.tick(1_000);
  assert.equal(probed(), 0);
  ended();
  for (let second = 0; second < 2; second++) t.mock.timers.tick(1_000);
  assert.ok(probed() > 0);
});

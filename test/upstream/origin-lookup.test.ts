/** What is known of names behind which there are origins: one look-up for all, and what stays of its answers. */

import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import pino from 'pino';
import type { OriginAddress } from '../../edge/conf/model.ts';
import { addressName, originName } from '../../edge/upstream/connection/address.ts';
import { addressesMax, OriginLookups } from '../../edge/upstream/origins/origin-lookup.ts';
import { stopClock } from '../support/stopped-clock.ts';

const a: OriginAddress = { scheme: 'rtmp', host: 'a.test', port: 1935 };
const b: OriginAddress = { scheme: 'rtmps', host: 'b.test.', port: 443 };

type Answer = readonly string[] | Error;

/** Look-ups whose answers the test gives. */
class Bench {
  readonly lookups: OriginLookups;
  readonly asked: { readonly name: string; readonly signal: AbortSignal; readonly answer: (answer: Answer) => void }[] =
    [];
  changes = 0;
  readonly logged: {
    readonly level: number;
    readonly outcome?: string;
    readonly addresses: number;
    reason?: string;
  }[] = [];

  constructor(t: TestContext, ...names: readonly OriginAddress[]) {
    this.lookups = new OriginLookups({
      resolve: (name, signal) =>
        new Promise((resolve, reject) => {
          const answer = (given: Answer): void => (given instanceof Error ? reject(given) : resolve(given));
          this.asked.push({ name, signal, answer });
        }),
      changed: () => this.changes++,
      log: pino({}, { write: (line) => this.logged.push(JSON.parse(line)) }),
    });
    this.lookups.retain(names);
    t.after(() => this.lookups.close());
  }

  async answer(answer: Answer, ...names: readonly OriginAddress[]): Promise<void> {
    this.asked.at(-1)?.answer(answer);
    await this.lookups.settled(names);
  }

  known(...names: readonly OriginAddress[]): string[] {
    return this.lookups.known(names).map(originName);
  }

  /** Without the further connections to one address. */
  addresses(...names: readonly OriginAddress[]): string[] {
    return [...new Set(this.lookups.known(names).map(addressName))];
  }
}

test('who asks first has it looked up, and all others share the answer', async (t) => {
  const bench = new Bench(t, a);
  assert.deepEqual(bench.lookups.current([a]), []);
  assert.deepEqual(bench.lookups.current([a]), []);
  assert.equal(bench.asked.length, 1);
  await bench.answer(['10.0.0.1', 'fd00::1'], a);
  assert.deepEqual(bench.addresses(a), ['10.0.0.1:1935', '[fd00::1]:1935']);
  assert.deepEqual(bench.lookups.current([a]), bench.lookups.known([a]));
  assert.equal(bench.asked.length, 1);
  assert.equal(bench.changes, 1);
  assert.deepEqual(bench.lookups.counts, { found: 1, empty: 0, failed: 0 });
});

test('who waits for a look-up that is under way goes on when it has ended', async (t) => {
  const bench = new Bench(t, a, b);
  await bench.lookups.settled([a, b]);
  bench.lookups.current([a]);
  let settled = false;
  const wait = bench.lookups.settled([a, b]).then(() => (settled = true));
  await new Promise(setImmediate);
  assert.equal(settled, false);
  bench.asked.at(-1)?.answer(['10.0.0.1']);
  await wait;
  assert.deepEqual(bench.addresses(a), ['10.0.0.1:1935']);
});

test('addresses have scheme and port of their name, and the certificate must hold it', async (t) => {
  const bench = new Bench(t, a, b);
  bench.lookups.current([b]);
  await bench.answer(['10.0.0.1'], b);
  assert.deepEqual(bench.lookups.known([b])[0], {
    ...{ scheme: 'rtmps', host: '10.0.0.1', port: 443, tlsName: 'b.test' },
    door: 1,
  });
  assert.deepEqual(bench.known(a), []);
  assert.equal(bench.lookups.size, 1);
});

test('names that lead to the same address give it once', async (t) => {
  const other = { ...a, host: 'other.test' };
  const bench = new Bench(t, a, other);
  bench.lookups.current([a, other]);
  for (const { answer } of bench.asked) answer(['10.0.0.1']);
  await bench.lookups.settled([a, other]);
  assert.deepEqual(bench.addresses(a, other), ['10.0.0.1:1935']);
});

test('when DNS fails, or has no address any more, the former ones stay, until it has others', async (t) => {
  const pass = stopClock(t);
  const bench = new Bench(t, a);
  const answered = async (answer: Answer): Promise<string[]> => {
    pass(5_000);
    bench.lookups.current([a]);
    await bench.answer(answer, a);
    return bench.addresses(a);
  };
  assert.deepEqual(await answered(['10.0.0.1']), ['10.0.0.1:1935']);
  assert.deepEqual(await answered(new Error('no')), ['10.0.0.1:1935']);
  assert.deepEqual(await answered([]), ['10.0.0.1:1935']);
  assert.deepEqual(await answered(['10.0.0.2']), ['10.0.0.2:1935']);
  assert.deepEqual(bench.lookups.counts, { found: 2, empty: 1, failed: 1 });
});

test('one look-up at a time, however long it takes', (t) => {
  const pass = stopClock(t);
  const bench = new Bench(t, a);
  bench.lookups.await([a]);
  pass(1);
  bench.lookups.current([a]);
  bench.lookups.await([a]);
  pass(60_000);
  assert.equal(bench.asked.length, 1);
});

test('a name that the configuration has no more is forgotten, and its look-up ended', async (t) => {
  const bench = new Bench(t, a);
  bench.lookups.current([a]);
  bench.lookups.retain([b]);
  assert.equal(bench.asked[0]?.signal.aborted, true);
  await bench.answer(['10.0.0.1'], a);
  assert.deepEqual(bench.known(a), []);
  assert.deepEqual(bench.lookups.current([a]), []);
  assert.equal(bench.asked.length, 1);
  assert.equal(bench.changes, 0);
});

test('an address that stands alone may be a Service’s: it is asked by several connections', async (t) => {
  const bench = new Bench(t, a);
  bench.lookups.current([a]);
  await bench.answer(['10.96.0.1'], a);
  assert.deepEqual(
    bench.known(a),
    ['', '#2', '#3', '#4'].map((door) => `10.96.0.1:1935${door}`),
  );
  assert.equal(bench.lookups.size, 1);
  bench.lookups.retain([]);
  bench.lookups.retain([a]);
  bench.lookups.current([a]);
  await bench.answer(['10.0.0.1', '10.0.0.2'], a);
  assert.deepEqual(bench.known(a), ['10.0.0.1:1935', '10.0.0.2:1935'], 'those are pods');
});

test('a Service may have an address of each family; of pods one may have both', async (t) => {
  const service = new Bench(t, a);
  service.lookups.current([a]);
  await service.answer(['10.96.0.1', 'fd00::1'], a);
  assert.deepEqual(
    service.known(a),
    ['', '#2', '#3', '#4'].flatMap((door) => [`10.96.0.1:1935${door}`, `[fd00::1]:1935${door}`]),
  );
  const pods = new Bench(t, a);
  pods.lookups.current([a]);
  await pods.answer(['10.0.0.1', '10.0.0.2', 'fd00::1'], a);
  assert.deepEqual(pods.known(a), ['10.0.0.1:1935', '10.0.0.2:1935', '[fd00::1]:1935']);
});

test('an answer without end is cut, which is told once', async (t) => {
  const pass = stopClock(t);
  const bench = new Bench(t, a);
  const answer = async (count: number): Promise<void> => {
    pass(5_000);
    bench.lookups.current([a]);
    await bench.answer(
      Array.from({ length: count }, (_, index) => `10.0.${Math.floor(index / 250)}.${index % 250}`),
      a,
    );
  };
  const told = (): (number | undefined)[] =>
    bench.logged.filter(({ level }) => level === 40).map((line) => line.addresses);
  await answer(addressesMax);
  assert.deepEqual(told(), []);
  await answer(999);
  await answer(1);
  for (let times = 0; times < 3; times++) await answer(1_000);
  assert.equal(bench.lookups.size, addressesMax);
  assert.deepEqual(told(), [1_000]);
});

test('an answer is new for 5 s', async (t) => {
  const pass = stopClock(t);
  const bench = new Bench(t, a);
  bench.lookups.current([a]);
  await bench.answer(['10.0.0.1'], a);
  pass(4_999);
  assert.equal(bench.lookups.current([a]).length, 4);
  assert.equal(bench.asked.length, 1);
  pass(1);
  assert.deepEqual(bench.lookups.current([a]), []);
  assert.equal(bench.asked.length, 2);
  assert.deepEqual(bench.addresses(a), ['10.0.0.1:1935']);
});

test('what is new is logged, and what is as it was is not', async (t) => {
  const pass = stopClock(t);
  const bench = new Bench(t, a);
  const lines: unknown[] = [];
  for (const answer of [
    [],
    [],
    ['10.0.0.1', '10.0.0.2'],
    ['10.0.0.2', '10.0.0.1'],
    ['10.0.0.1', '10.0.0.3'],
    ['10.0.0.1', '10.0.0.3', '10.0.0.4'],
    ['10.0.0.4', '10.0.0.3'],
    new Error('no answer'),
    new Error('no answer'),
    ['10.0.0.4', '10.0.0.3'],
  ]) {
    bench.lookups.current([a]);
    await bench.answer(answer, a);
    pass(5_000);
    lines.push(
      ...bench.logged.splice(0).map(({ level, outcome, addresses, reason }) => [level, outcome, addresses, reason]),
    );
  }
  assert.deepEqual(lines, [
    [40, 'empty', 0, undefined],
    [30, 'found', 2, undefined],
    [30, 'found', 2, undefined],
    [30, 'found', 3, undefined],
    [30, 'found', 2, undefined],
    [40, 'failed', 2, 'no answer'],
    [30, 'found', 2, undefined],
  ]);
});

describe('while somebody waits for an origin', () => {
  /** Of look-ups that are answered at once, the time of each. */
  function scene(t: TestContext, ...names: readonly OriginAddress[]) {
    const pass = stopClock(t);
    t.mock.method(Math, 'random', () => 0.5);
    const bench = new Bench(t, ...names);
    const scene = {
      bench,
      lookups: bench.lookups,
      answer: [] as Answer,
      /** The time from one look-up to the next, for so long. */
      async pausesWithin(ms: number): Promise<number[]> {
        const pauses: number[] = [];
        let pausedMs = 0;
        for (let passedMs = 0; ; passedMs++) {
          if (bench.asked.length > 0) {
            for (const { answer } of bench.asked.splice(0)) answer(scene.answer);
            await bench.lookups.settled(names);
            pauses.push(pausedMs);
            pausedMs = 0;
          }
          if (passedMs === ms) return pauses;
          pass(1);
          pausedMs++;
        }
      },
    };
    return scene;
  }

  test('DNS is asked at once, then every 0.5 s, later every 2 s', async (t) => {
    const { lookups, pausesWithin } = scene(t, a);
    lookups.await([a]);
    assert.deepEqual(await pausesWithin(9_000), [1, 500, 1_000, 2_000, 2_000, 2_000]);
  });

  test('edges that lose the same origins do not ask in step', async (t) => {
    const { lookups, pausesWithin } = scene(t, a);
    lookups.await([a]);
    const chance = t.mock.method(Math, 'random', () => 0);
    assert.deepEqual(await pausesWithin(1_200), [1, 375, 750]);
    chance.mock.mockImplementation(() => 1);
    assert.deepEqual((await pausesWithin(4_000)).slice(1), [2_500]);
  });

  test('what is new makes DNS asked sooner; what is as it was does not', async (t) => {
    const world = scene(t, a);
    world.lookups.await([a]);
    await world.pausesWithin(8_000);
    world.answer = ['10.0.0.1', '10.0.0.2'];
    assert.deepEqual(await world.pausesWithin(7_000), [1_501, 500, 500, 1_000, 2_000]);
  });

  test('others who come do not have it asked more often, nor do those who leave end it', async (t) => {
    const { lookups, pausesWithin } = scene(t, a);
    const releases = [lookups.await([a])];
    await pausesWithin(4_000);
    let chance = 0;
    t.mock.method(Math, 'random', () => chance++ % 2);
    for (let waiting = 0; waiting < 20; waiting++) releases.push(lookups.await([a]));
    const pauses = await pausesWithin(60_000);
    assert.ok(
      pauses.slice(1).every((ms) => ms >= 1_500 && ms <= 2_500),
      `${pauses}`,
    );
    for (const release of releases.splice(1)) release();
    assert.ok((await pausesWithin(6_000)).length >= 2);
    releases[0]?.();
    assert.deepEqual(await pausesWithin(60_000), []);
  });

  test('who begins to wait after a look-up waits for no more than what is left of 0.5 s', async (t) => {
    const { lookups, pausesWithin } = scene(t, a);
    const release = lookups.await([a]);
    await pausesWithin(9_000);
    release();
    // The last one was 1,500 ms ago.
    const others = lookups.await([a]);
    assert.deepEqual(await pausesWithin(1), [1]);
    others();
    await pausesWithin(300);
    lookups.await([a]);
    assert.deepEqual(await pausesWithin(200), [200]);
  });

  test('a look-up that is under way when the last one leaves is not made again', async (t) => {
    const { bench, lookups, pausesWithin } = scene(t, a);
    lookups.current([a]);
    lookups.await([a])();
    assert.equal(bench.asked.length, 1);
    assert.equal((await pausesWithin(60_000)).length, 1);
  });

  test('a reload ends neither the look-ups of names that stay, nor what they found', async (t) => {
    const world = scene(t, a, b);
    world.answer = ['10.0.0.1', '10.0.0.2'];
    world.lookups.await([a]);
    world.lookups.await([b]);
    await world.pausesWithin(4_000);
    world.lookups.current([a]);
    world.lookups.retain([a]);
    assert.equal(world.bench.addresses(a).length, 2);
    assert.equal((await world.pausesWithin(6_000)).length, 3);
    world.lookups.close();
    assert.deepEqual(await world.pausesWithin(60_000), []);
  });
});

/** How often `locate_url` is asked, and for how long an answer counts. */

import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { pino } from 'pino';
import { defaultVhost } from '../../edge/conf/defaults.ts';
import type { EdgeTuning, OriginAddress, VhostConfig } from '../../edge/conf/model.ts';
import { Locator } from '../../edge/upstream/origins/locator.ts';
import { Turns } from '../../edge/upstream/origins/turns.ts';
import { streamRequest } from '../support/requests.ts';

const origin = (host: string): OriginAddress => ({ scheme: 'rtmp', host, port: 1935 });

function vhostWith(edge: Partial<EdgeTuning> = {}): VhostConfig {
  const { edge: usual, cluster } = defaultVhost({ name: 'v' });
  return defaultVhost({ name: 'v', cluster, edge: { ...usual, locateUrl: 'http://where/', ...edge } });
}

class Bench {
  nowMs = 1_000;
  rate = 0;
  changes = 0;
  readonly logged: { readonly stream: string; readonly purpose: string; readonly reason: string }[] = [];
  /** Questions that have no answer yet. */
  readonly open: {
    readonly stream: string;
    readonly purpose: string;
    readonly answer: (...hosts: string[]) => Promise<void>;
    readonly fail: () => Promise<void>;
  }[] = [];
  readonly locator: Locator;

  /** @param clock of the system, or the test's own */
  constructor(t: TestContext, clock: 'real' | 'own' = 'own') {
    if (clock === 'own') t.mock.method(performance, 'now', () => this.nowMs);
    const turns = new Turns(() => this.rate);
    t.after(() => {
      this.locator.close();
      turns.close();
    });
    this.locator = new Locator({
      turns,
      log: pino({}, { write: (line) => this.logged.push(JSON.parse(line)) }),
      changed: () => {
        this.changes++;
      },
      ask: (_, { stream }, purpose, signal) =>
        new Promise((resolve, reject) => {
          signal.addEventListener('abort', () => reject(new Error('aborted')), { once: true });
          this.open.push({
            stream,
            purpose,
            answer: (...hosts) => settledAfter(() => resolve(hosts.map(origin))),
            fail: () => settledAfter(() => reject(new Error('down'))),
          });
        }),
    });
  }

  ask(
    stream = 's',
    purpose: 'play' | 'publish' = 'play',
    vhost = vhostWith(),
    isKnown = true,
  ): Promise<void> | undefined {
    return this.locator.ask(vhost, streamRequest({ vhost: 'v', app: 'a', stream }), purpose, isKnown);
  }

  hosts(stream = 's', vhost = vhostWith(), purpose: 'play' | 'publish' = 'play'): string[] {
    return this.locator.origins(vhost, { key: `v/a/${stream}`, purpose }).map(({ host }) => host);
  }
}

async function settledAfter(act: () => void): Promise<void> {
  act();
  await new Promise((resolve) => setImmediate(resolve));
}

describe('the word of somebody who knows where streams are', () => {
  test('nobody is asked where nobody knows', (t) => {
    assert.equal(new Bench(t).ask('s', 'play', vhostWith({ locateUrl: '' })), undefined);
  });

  test('one question at a time for a stream and a purpose; its answer counts for locate_ttl', async (t) => {
    const bench = new Bench(t);
    const both = [bench.ask(), bench.ask()];
    bench.ask('s', 'publish');
    bench.ask('other');
    assert.deepEqual(
      bench.open.map(({ stream, purpose }) => `${purpose} ${stream}`),
      ['play s', 'publish s', 'play other'],
    );
    await bench.open[0]?.answer('b', 'a');
    await Promise.all(both);
    assert.deepEqual(bench.hosts(), ['b', 'a']);
    assert.deepEqual(bench.hosts('s', vhostWith(), 'publish'), []);
    bench.nowMs += 9_999;
    assert.equal(bench.ask(), undefined);
    bench.nowMs += 1;
    assert.notEqual(bench.ask(), undefined);
    assert.deepEqual(bench.hosts(), ['b', 'a'], 'until there is another');
    await bench.open.at(-1)?.answer('c');
    assert.deepEqual(bench.hosts(), ['c']);
    assert.deepEqual(bench.locator.counts, { found: 2, empty: 0, failed: 0 });
  });

  test('a failure leaves the last answer, for ten minutes, and is not tried again at once', async (t) => {
    const bench = new Bench(t);
    bench.ask();
    await bench.open[0]?.answer('a');
    for (let age = 10_000; age < 600_000; age += 10_000) {
      bench.nowMs += 10_000;
      bench.ask();
      await bench.open.at(-1)?.fail();
      assert.deepEqual(bench.hosts(), ['a'], `${age} ms old`);
      assert.equal(bench.ask(), undefined);
    }
    bench.nowMs += 10_000;
    assert.deepEqual(bench.hosts(), []);
    assert.equal(bench.locator.counts.failed, 59);
  });

  test('an answer without origins says that the last one does not count any more', async (t) => {
    const bench = new Bench(t);
    bench.ask();
    await bench.open[0]?.answer('a');
    bench.nowMs += 10_000;
    bench.ask();
    await bench.open[1]?.answer();
    assert.deepEqual(bench.hosts(), []);
    assert.deepEqual(bench.locator.counts, { found: 1, empty: 1, failed: 0 });
  });

  test('no answer in locate_timeout is a failure, and nobody waits longer', async (t) => {
    const bench = new Bench(t, 'real');
    await bench.ask('s', 'play', vhostWith({ locateTimeoutMs: 1 }));
    assert.deepEqual(bench.locator.counts, { found: 0, empty: 0, failed: 1 });
  });

  test('names that nobody knows are asked about at a bounded rate; others at once', async (t) => {
    const bench = new Bench(t);
    bench.rate = 50;
    const waiting = Array.from({ length: 100 }, (_, index) => bench.ask(`unknown${index}`, 'play', vhostWith(), false));
    await settledAfter(() => {});
    assert.equal(bench.open.length, 10, 'a fifth of a second’s at once');
    bench.ask('known');
    assert.equal(bench.open.at(-1)?.stream, 'known');
    bench.locator.close();
    await Promise.all(waiting);
    assert.equal(bench.open.length, 11);
  });

  test('a name that turns out to be known costs nothing; one that nobody knows has had its turn', async (t) => {
    for (const hosts of [['a'], []]) {
      const bench = new Bench(t);
      bench.rate = 1;
      const client = (stream: string) => bench.ask(stream, 'play', vhostWith(), false);
      client('one');
      await settledAfter(() => {});
      await bench.open[0]?.answer(...hosts);
      client('two');
      await settledAfter(() => {});
      assert.equal(bench.open.length, hosts.length > 0 ? 2 : 1);
      bench.locator.close();
    }
  });

  test('a name that was known before gives back no turn: it took none', async (t) => {
    const bench = new Bench(t);
    bench.rate = 1;
    bench.ask('one', 'play', vhostWith(), false);
    await settledAfter(() => {});
    bench.ask('known');
    await bench.open.at(-1)?.answer('a');
    bench.ask('two', 'play', vhostWith(), false);
    await settledAfter(() => {});
    assert.deepEqual(
      bench.open.map(({ stream }) => stream),
      ['one', 'known'],
    );
  });

  test('answers of another URL than the configured one do not count', async (t) => {
    const bench = new Bench(t);
    bench.ask();
    await bench.open[0]?.answer('a');
    assert.deepEqual(bench.locator.watched, [{ address: origin('a'), vhost: 'v' }]);
    const changed = vhostWith({ locateUrl: 'http://elsewhere/' });
    assert.deepEqual(bench.hosts('s', changed), []);
    bench.locator.retain([vhostWith()]);
    assert.deepEqual(bench.hosts(), ['a']);
    bench.locator.retain([changed]);
    assert.deepEqual(bench.hosts(), []);
    assert.deepEqual(bench.locator.watched, []);
  });

  test('a question to the server before a reload ends with the reload: what becomes of it counts no more', async (t) => {
    for (const end of ['answer', 'fail'] as const) {
      const bench = new Bench(t);
      const former = bench.ask();
      const changed = vhostWith({ locateUrl: 'http://elsewhere/' });
      // Answered in the very moment of the reload.
      const ended = bench.open[0]?.[end]('old');
      bench.locator.retain([changed]);
      bench.ask('s', 'play', changed);
      await bench.open[1]?.answer('new');
      await Promise.all([former, ended]);
      assert.deepEqual(bench.hosts('s', changed), ['new']);
      assert.deepEqual(bench.locator.counts, { found: 1, empty: 0, failed: 0 });
      assert.deepEqual(bench.logged, []);
    }
  });

  test('a question to a server that is silent is over when a reload names another, and is asked again when it is back', async (t) => {
    const bench = new Bench(t);
    const former = bench.ask();
    bench.locator.retain([vhostWith({ locateUrl: 'http://elsewhere/' })]);
    bench.locator.retain([vhostWith()]);
    const again = bench.ask();
    await former;
    assert.equal(bench.ask(), again, 'one question at a time');
    await bench.open[1]?.answer('a');
    assert.deepEqual([bench.hosts(), bench.open.length], [['a'], 2]);
    assert.deepEqual(bench.locator.counts, { found: 1, empty: 0, failed: 0 });
  });

  test('what is kept is bounded, however many streams there are', async (t) => {
    const bench = new Bench(t);
    for (let index = 0; index < 10_100; index++) {
      const asked = bench.ask(`s${index}`);
      void bench.open.at(-1)?.answer(`h${index}`);
      await asked;
    }
    assert.deepEqual(bench.hosts('s99'), []);
    assert.deepEqual(bench.hosts('s100'), ['h100']);
    assert.deepEqual(bench.hosts('s10099'), ['h10099']);
    assert.ok([255, 256].includes(bench.locator.watched.length));
    assert.ok(bench.changes < 10_100);
  });

  test('a failure is told, and asked about again after 2 s, or locate_ttl where that is less', async (t) => {
    const bench = new Bench(t);
    for (const [locateTtlMs, againMs, failures] of [
      // Longer than an answer is kept: none ever came.
      [10_000, 2_000, 350],
      [500, 500, 3],
    ] as const) {
      const vhost = vhostWith({ locateTtlMs });
      for (let count = 1; count <= failures; count++) {
        assert.notEqual(bench.ask('s', 'play', vhost), undefined, `failure ${count}`);
        await bench.open.at(-1)?.fail();
        bench.nowMs += againMs - 1;
        assert.equal(bench.ask('s', 'play', vhost), undefined, `failure ${count}`);
        bench.nowMs++;
      }
    }
    const told = bench.logged.map(({ stream, purpose, reason }) => `${purpose} ${stream}: ${reason}`);
    assert.deepEqual([told.length, told[0]], [353, 'play v/a/s: down']);
  });

  test('an answer that is the same again and again grows no older', async (t) => {
    const bench = new Bench(t);
    for (let index = 0; index < 70; index++) {
      bench.ask();
      await bench.open.at(-1)?.answer('a');
      bench.nowMs += 10_000;
      assert.deepEqual(bench.hosts(), ['a']);
    }
    assert.equal(bench.changes, 1);
  });

  test('a question that the end of the process ends is no failure', async (t) => {
    const bench = new Bench(t);
    const asked = bench.ask();
    bench.locator.close();
    await asked;
    assert.deepEqual([bench.locator.counts.failed, bench.logged.length], [0, 0]);
  });
});

describe('addresses that answers name', () => {
  const watched = (bench: Bench): string[] => bench.locator.watched.map(({ address }) => address.host);

  test('are watched while an answer names them; whoever watches is told of each change, and of nothing else', async (t) => {
    const bench = new Bench(t);
    const answered = async (stream: string, ...hosts: string[]): Promise<[string[], number]> => {
      bench.nowMs += 10_000;
      bench.ask(stream);
      const before = bench.changes;
      await bench.open.at(-1)?.answer(...hosts);
      return [watched(bench).sort(), bench.changes - before];
    };
    assert.deepEqual(await answered('s', 'a', 'b'), [['a', 'b'], 1]);
    assert.deepEqual(await answered('s', 'b', 'a'), [['a', 'b'], 0]);
    assert.deepEqual(await answered('other', 'b'), [['a', 'b'], 0], 'both answers name it');
    assert.deepEqual(await answered('s', 'c'), [['b', 'c'], 1], 'one came, and another went');
    assert.deepEqual(await answered('other', 'c'), [['c'], 1]);
    assert.deepEqual(await answered('s'), [['c'], 0]);
    assert.deepEqual(await answered('other'), [[], 1]);
  });

  test('are forgotten with answers that are too old, when another comes', async (t) => {
    const bench = new Bench(t);
    bench.ask('s');
    await bench.open.at(-1)?.answer('a');
    bench.nowMs += 600_000;
    bench.ask('other');
    await bench.open.at(-1)?.answer('b');
    assert.deepEqual(watched(bench), ['b']);
  });

  test('are 256 at most, and what was left out does no harm when it goes', async (t) => {
    const bench = new Bench(t);
    const many = Array.from({ length: 300 }, (_, index) => `h${index}`);
    for (const hosts of [many, many.toReversed(), ['a']]) {
      bench.ask();
      await bench.open.at(-1)?.answer(...hosts);
      assert.deepEqual(bench.hosts(), hosts);
      assert.ok(watched(bench).length <= 256);
      bench.nowMs += 10_000;
    }
    assert.deepEqual(bench.locator.counts, { found: 3, empty: 0, failed: 0 });
  });
});

import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { describe, type TestContext, test } from 'node:test';
import type { UpstreamError } from '../../edge/upstream/connection/errors.ts';
import { Turns } from '../../edge/upstream/origins/turns.ts';

/** Requests that have had their turn, in order; the time is the test's. */
class Bench {
  readonly turns: Turns;
  readonly gone: string[] = [];
  rate = 50;
  readonly #t: TestContext;
  #nowMs = 1_000;

  constructor(t: TestContext) {
    this.#t = t;
    t.mock.timers.enable({ apis: ['setTimeout'] });
    t.mock.method(performance, 'now', () => this.#nowMs);
    this.turns = new Turns(() => this.rate);
    t.after(() => this.turns.close());
  }

  ask(name: string, client: string, signal = new AbortController().signal, origin = 'a'): void {
    this.turns.wait(origin, client, signal).then(
      () => this.gone.push(name),
      (error: UpstreamError) => this.gone.push(`${name} ${error.failure}`),
    );
  }

  /** How many timers are set from here on. */
  countTimers(): () => number {
    const { mock } = this.#t.mock.method(globalThis, 'setTimeout');
    return () => mock.callCount();
  }

  async pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed++) {
      this.#nowMs++;
      this.#t.mock.timers.tick(1);
    }
    await this.settled();
  }

  async settled(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('turns to ask for unknown names', () => {
  test('no second sees more requests than it may, and none is lost', async (t) => {
    const bench = new Bench(t);
    for (let index = 0; index < 200; index++) bench.ask(`${index}`, 'client');
    await bench.settled();
    assert.equal(bench.gone.length, 10, 'a fifth at once');
    const counts: number[] = [10];
    for (let tenth = 0; tenth < 60; tenth++) {
      const before = bench.gone.length;
      await bench.pass(100);
      counts.push(bench.gone.length - before);
      assert.ok(counts.slice(-10).reduce((sum, count) => sum + count, 0) <= 50);
    }
    assert.deepEqual(
      bench.gone,
      Array.from({ length: 200 }, (_, index) => `${index}`),
    );
  });

  test('addresses take turns, however many names one of them asks for', async (t) => {
    const bench = new Bench(t);
    for (let index = 0; index < 100; index++) bench.ask(`storm ${index}`, 'attacker');
    bench.ask('one', 'viewer');
    await bench.pass(60);
    assert.ok(bench.gone.includes('one'), 'it waited for its turn, not for all the others');
    assert.ok(bench.gone.length < 15);
  });

  test('what an origin had costs nothing', async (t) => {
    const bench = new Bench(t);
    for (let index = 0; index < 40; index++) bench.ask(`${index}`, 'client');
    for (let round = 0; round < 40; round++) {
      bench.turns.giveBack('a');
      await bench.settled();
    }
    assert.equal(bench.gone.length, 40);
  });

  test('who leaves takes no turn', async (t) => {
    const bench = new Bench(t);
    const leaving = new AbortController();
    for (let index = 0; index < 30; index++) bench.ask(`storm ${index}`, 'client', leaving.signal);
    leaving.abort();
    await bench.settled();
    bench.ask('next', 'client');
    await bench.pass(30);
    assert.equal(bench.gone.filter((name) => !name.endsWith(' cancelled')).length, 11);
    assert.equal(bench.gone.at(-1), 'next');
  });

  test('addresses of which all have left hold up nobody, nor does who had left before', async (t) => {
    const bench = new Bench(t);
    const leaving = new AbortController();
    for (let index = 0; index < 10; index++) bench.ask('burst', 'client');
    for (let index = 0; index < 5; index++) bench.ask('storm', `attacker ${index}`, leaving.signal);
    bench.ask('next', 'client');
    leaving.abort();
    for (let index = 0; index < 5; index++) bench.ask('late', `late attacker ${index}`, leaving.signal);
    bench.ask('last', 'client');
    // At 40 a second beyond the burst.
    await bench.pass(25);
    assert.equal(bench.gone.at(-1), 'next');
    await bench.pass(25);
    assert.equal(bench.gone.at(-1), 'last');
    assert.equal(bench.gone.filter((name) => name === 'storm cancelled' || name === 'late cancelled').length, 10);
  });

  test('who has had its turn leaves nothing at its signal', async (t) => {
    const bench = new Bench(t);
    const { signal } = new AbortController();
    for (let index = 0; index < 15; index++) bench.ask(`${index}`, 'client', signal);
    assert.equal(getEventListeners(signal, 'abort').length, 5);
    await bench.pass(125);
    assert.equal(bench.gone.length, 15);
    assert.deepEqual(getEventListeners(signal, 'abort'), []);
  });

  test('one timer for all who wait, and none when nobody may go any more', async (t) => {
    const bench = new Bench(t);
    for (let index = 0; index < 110; index++) bench.ask('asked', `client ${index}`);
    const timers = bench.countTimers();
    await bench.pass(1_000);
    assert.equal(bench.gone.length, 50);
    assert.ok(timers() <= 40, `${timers()} timers for 40 turns`);
    bench.turns.close();
    await bench.pass(1_000);
    assert.equal(bench.gone.length, 50);
  });

  test('each origin has turns of its own, and a bound of 0 is none', async (t) => {
    const bench = new Bench(t);
    for (const origin of ['a', 'b']) {
      for (let index = 0; index < 10; index++) bench.ask(origin, 'client', undefined, origin);
    }
    await bench.settled();
    assert.equal(bench.gone.length, 20);
    bench.rate = 0;
    for (let index = 0; index < 500; index++) bench.ask('free', 'client');
    await bench.settled();
    assert.equal(bench.gone.length, 520);
  });

  test('a bound that is lifted lets go all who wait', async (t) => {
    const bench = new Bench(t);
    for (let index = 0; index < 200; index++) bench.ask('asked', 'client');
    bench.rate = 0;
    await bench.pass(25);
    assert.equal(bench.gone.length, 200);
    bench.rate = 50;
    for (let index = 0; index < 200; index++) bench.ask('asked', 'client');
    await bench.settled();
    assert.equal(bench.gone.length, 210);
  });

  test('of very many origins, those that nobody waits for are forgotten', async (t) => {
    const bench = new Bench(t);
    const askAt = (origin: string, times: number): void => {
      for (let index = 0; index < times; index++) bench.ask(origin, 'client', undefined, origin);
    };
    const goneAt = (origin: string): number => bench.gone.filter((name) => name === origin).length;
    askAt('idle', 10);
    askAt('busy', 11);
    for (let index = 0; index < 998; index++) askAt(`other ${index}`, 1);
    askAt('idle', 1);
    await bench.settled();
    assert.deepEqual([goneAt('idle'), goneAt('busy')], [10, 10], 'a thousand are remembered');
    askAt('one more', 1);
    askAt('busy', 1);
    await bench.settled();
    assert.deepEqual([goneAt('idle'), goneAt('busy')], [10, 10], 'somebody waits for these');
    await bench.pass(50);
    assert.deepEqual([goneAt('idle'), goneAt('busy')], [11, 12]);
    // With these there are a thousand once more.
    for (let index = 0; index < 998; index++) askAt(`further ${index}`, 1);
    askAt('idle', 10);
    bench.turns.giveBack('other 1');
    await bench.settled();
    assert.equal(goneAt('idle'), 21, 'nobody waited for it');
  });

  test('the slowest bound asks once in a second or two', async (t) => {
    const bench = new Bench(t);
    bench.rate = 1;
    for (let index = 0; index < 4; index++) bench.ask(`${index}`, 'client');
    await bench.settled();
    assert.equal(bench.gone.length, 1);
    await bench.pass(999);
    assert.equal(bench.gone.length, 1);
    bench.ask('last', 'client');
    await bench.pass(1_000);
    assert.equal(bench.gone.length, 1);
    await bench.pass(1);
    assert.equal(bench.gone.length, 2);
  });
});

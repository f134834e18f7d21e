import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { backOffMs, type QueueClock, type Requeue, WorkQueue } from '../../../operator/reconcile/queue.ts';

/** A clock that stands still until told. */
class Clock implements QueueClock {
  #nowMs = 0;
  #timers: { dueMs: number; action: () => void }[] = [];

  get pending(): number {
    return this.#timers.length;
  }

  now(): number {
    return this.#nowMs;
  }

  after(ms: number, action: () => void): () => void {
    const timer = { dueMs: this.#nowMs + ms, action };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** Moves on to the next timer, runs it, and lets its consequences happen. Returns how far it was. */
  async next(): Promise<number> {
    const timer = this.#timers.sort((a, b) => a.dueMs - b.dueMs).shift();
    assert.ok(timer !== undefined, 'nothing is due');
    const passed = timer.dueMs - this.#nowMs;
    this.#nowMs = timer.dueMs;
    timer.action();
    await settle();
    return passed;
  }

  pass(ms: number): void {
    this.#nowMs += ms;
  }
}

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Work that ends when told. */
class Work {
  readonly begun: string[] = [];
  readonly #ends = new Map<string, (next: Requeue | undefined) => void>();

  readonly do = (key: string): Promise<Requeue | undefined> => {
    this.begun.push(key);
    assert.ok(!this.#ends.has(key), `${key} is in work twice`);
    return new Promise((resolve) => this.#ends.set(key, resolve));
  };

  async end(key: string, next?: Requeue): Promise<void> {
    const end = this.#ends.get(key);
    assert.ok(end !== undefined, `${key} is not in work`);
    this.#ends.delete(key);
    end(next);
    await settle();
  }
}

describe('work queue', () => {
  it('works on a key once at a time, and once more when it was added meanwhile', async (t) => {
    const work = new Work();
    const queue = new WorkQueue({ workers: 4, work: work.do });
    run(t, queue);
    for (let i = 0; i < 3; i++) queue.add('a');
    assert.deepEqual(work.begun, ['a']);
    for (let i = 0; i < 3; i++) queue.add('a');
    await work.end('a');
    assert.deepEqual(work.begun, ['a', 'a']);
    await work.end('a');
    assert.deepEqual(work.begun, ['a', 'a']);
    assert.equal(queue.size, 0);
  });

  it('has no more keys in work than workers, oldest first, and tells how long they waited', async (t) => {
    const work = new Work();
    const clock = new Clock();
    const waits: [string, number][] = [];
    const queue = new WorkQueue({ workers: 2, work: work.do, clock, started: (...wait) => waits.push(wait) });
    run(t, queue);
    for (const key of ['a', 'b', 'c', 'd', 'c']) queue.add(key);
    assert.deepEqual(work.begun, ['a', 'b']);
    assert.equal(queue.depth, 2);
    clock.pass(5);
    await work.end('b');
    await work.end('a');
    assert.deepEqual(work.begun, ['a', 'b', 'c', 'd']);
    assert.deepEqual(waits.slice(2), [
      ['c', 5],
      ['d', 5],
    ]);
  });

  it('keys added before it runs wait for it', async (t) => {
    const work = new Work();
    const queue = new WorkQueue({ workers: 1, work: work.do });
    queue.add('a');
    await settle();
    assert.deepEqual(work.begun, []);
    run(t, queue);
    assert.deepEqual(work.begun, ['a']);
  });

  it('failures pause a key longer and longer, up to a minute, and no other', async (t) => {
    const clock = new Clock();
    const begun: string[] = [];
    const work = async (key: string): Promise<Requeue | undefined> => {
      begun.push(key);
      if (key === 'good') return undefined;
      throw new Error('no');
    };
    const queue = new WorkQueue({ workers: 1, work, clock, random: () => 1 });
    run(t, queue);
    queue.add('bad');
    queue.add('good');
    await settle();
    assert.deepEqual(begun, ['bad', 'good']);
    const pauses: number[] = [];
    for (let i = 0; i < 12; i++) pauses.push(await clock.next());
    assert.deepEqual(pauses.slice(0, 4), [100, 200, 400, 800]);
    assert.deepEqual(pauses.slice(-2), [backOffMs.greatest, backOffMs.greatest]);
    assert.equal(begun.length, 2 + pauses.length);
  });

  it('pauses differ by chance, by up to a half', async (t) => {
    const clock = new Clock();
    const work = async (): Promise<Requeue> => ({ kind: 'backOff' });
    run(t, start(new WorkQueue({ workers: 1, work, clock, random: () => 0 }), 'a'));
    await settle();
    assert.equal(await clock.next(), 50);
  });

  it('success forgets failures', async (t) => {
    const clock = new Clock();
    const work = new Work();
    const queue = new WorkQueue({ workers: 1, work: work.do, clock, random: () => 1 });
    run(t, start(queue, 'a'));
    await work.end('a', { kind: 'backOff' });
    await clock.next();
    await work.end('a');
    assert.equal(queue.size, 0);
    queue.add('a');
    await work.end('a', { kind: 'backOff' });
    assert.equal(await clock.next(), 100);
  });

  it('pauses as long as the server asks', async (t) => {
    const clock = new Clock();
    const work = new Work();
    run(t, start(new WorkQueue({ workers: 1, work: work.do, clock }), 'a'));
    await work.end('a', { kind: 'backOff', atLeastMs: 3000 });
    assert.equal(await clock.next(), 3000);
  });

  it('pauses grow no further than the work says, and go on from there when it fails for another reason', async (t) => {
    const clock = new Clock();
    const work = new Work();
    run(t, start(new WorkQueue({ workers: 1, work: work.do, clock, random: () => 1 }), 'a'));
    const pauses: number[] = [];
    const fail = async (atMostMs?: number): Promise<void> => {
      await work.end('a', { kind: 'backOff', ...(atMostMs !== undefined && { atMostMs }) });
      pauses.push(await clock.next());
    };
    for (let i = 0; i < 9; i++) await fail(500);
    await fail();
    await fail();
    assert.deepEqual(pauses, [100, 200, 400, 400, 400, 400, 400, 400, 400, 800, 1600]);
  });

  it('an addition ends a pause; one while work fails waits for it', async (t) => {
    const clock = new Clock();
    const work = new Work();
    const queue = new WorkQueue({ workers: 1, work: work.do, clock });
    run(t, start(queue, 'a'));
    queue.add('a');
    await work.end('a', { kind: 'backOff' });
    assert.equal(work.begun.length, 1);
    queue.add('a');
    assert.equal(work.begun.length, 2);
    assert.equal(clock.pending, 0);
  });

  it('of several delays of a key the soonest counts, and work begins anew', async (t) => {
    const clock = new Clock();
    const work = new Work();
    const queue = new WorkQueue({ workers: 1, work: work.do, clock });
    run(t, queue);
    queue.addAfter('a', 500);
    queue.addAfter('a', 200);
    queue.addAfter('a', 900);
    assert.equal(await clock.next(), 200);
    assert.equal(clock.pending, 0);
    await work.end('a', { kind: 'after', ms: 700 });
    assert.equal(await clock.next(), 700);
  });

  it('ends when what is in work is finished, and remembers nothing', async () => {
    const clock = new Clock();
    const work = new Work();
    const queue = new WorkQueue({ workers: 1, work: work.do, clock });
    const stop = new AbortController();
    let ended = false;
    const running = queue.run(stop.signal).then(() => {
      ended = true;
    });
    for (const key of ['a', 'b']) queue.add(key);
    queue.addAfter('c', 100);
    stop.abort();
    await settle();
    assert.equal(ended, false);
    await work.end('a', { kind: 'backOff' });
    await running;
    assert.deepEqual(work.begun, ['a']);
    assert.equal(clock.pending, 0);
    assert.equal(queue.size, 0);
  });
});

function run(t: { after: (fn: () => void) => void }, queue: WorkQueue<string>): void {
  const stop = new AbortController();
  t.after(() => stop.abort());
  void queue.run(stop.signal);
}

function start(queue: WorkQueue<string>, key: string): WorkQueue<string> {
  queue.add(key);
  return queue;
}

/** What is known of names behind which there are origins: one look-up for all, and what stays of its answers. */

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import pino from 'pino';
import type { OriginAddress } from '../../edge/conf/model.ts';
import { addressName, originName } from '../../edge/upstream/connection/address.ts';
import { addressesMax, OriginLookups } from '../../edge/upstream/origins/origin-lookup.ts';

const a: OriginAddress = { scheme: 'rtmp', host: 'a.test', port: 1935 };
const b: OriginAddress = { scheme: 'rtmps', host: 'b.test.', port: 443 };

type Answer = readonly string[] | Error;

/** Look-ups whose answers the test gives. */
class Bench {
  readonly lookups: OriginLookups;
  readonly asked: { readonly name: string; readonly signal: AbortSignal; readonly answer: (answer: Answer) => void }[] =
    [];
  changes = 0;
  #came: () => void = () => {};

  constructor(t: TestContext, ...names: readonly OriginAddress[]) {
    this.lookups = new OriginLookups({
      resolve: (name, signal) =>
        new Promise((resolve, reject) => {
          const answer = (given: Answer): void => (given instanceof Error ? reject(given) : resolve(given));
          this.asked.push({ name, signal, answer });
          this.#came();
        }),
      changed: () => this.changes++,
      log: pino({ level: 'silent' }),
    });
    this.lookups.retain(names);
    t.after(() => this.lookups.close());
  }

  async next(count: number): Promise<void> {
    while (this.asked.length < count) await new Promise<void>((resolve) => (this.#came = resolve));
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
  assert.deepEqual(bench.known(a).slice(0, 2), ['10.0.0.1:1935', '[fd00::1]:1935']);
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
  const bench = new Bench(t, a);
  const release = bench.lookups.await([a]);
  await bench.next(1);
  await bench.answer(['10.0.0.1'], a);
  await bench.next(2);
  await bench.answer(new Error('no'), a);
  assert.deepEqual(bench.addresses(a), ['10.0.0.1:1935']);
  await bench.next(3);
  await bench.answer([], a);
  assert.deepEqual(bench.addresses(a), ['10.0.0.1:1935']);
  await bench.next(4);
  await bench.answer(['10.0.0.2'], a);
  assert.deepEqual(bench.addresses(a), ['10.0.0.2:1935']);
  assert.deepEqual(bench.lookups.counts, { found: 2, empty: 1, failed: 1 });
  release();
});

test('look-ups go on while somebody waits, one at a time', async (t) => {
  const bench = new Bench(t, a);
  const first = bench.lookups.await([a]);
  const second = bench.lookups.await([a]);
  await bench.next(1);
  bench.lookups.current([a]);
  assert.equal(bench.asked.length, 1, 'it is still under way');
  first();
  await bench.answer([], a);
  await bench.next(2);
  second();
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

test('an answer without end is cut', async (t) => {
  const bench = new Bench(t, a);
  bench.lookups.current([a]);
  await bench.answer(
    Array.from({ length: 1000 }, (_, index) => `10.0.${Math.floor(index / 250)}.${index % 250}`),
    a,
  );
  assert.equal(bench.lookups.size, addressesMax);
});

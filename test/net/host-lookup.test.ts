/** Look-ups of host names: one serves all who connect in the same moment. */

import assert from 'node:assert/strict';
import type { LookupAddress, LookupOptions } from 'node:dns';
import { test } from 'node:test';
import { SharedLookUp } from '../../edge/net/host-lookup.ts';

const addresses = [
  { address: '10.0.0.1', family: 4 },
  { address: 'fd00::1', family: 6 },
];

/** Look-ups that the test answers, by the hosts that were asked for. */
function bench() {
  const asked: { readonly host: string; readonly answer: (error: Error | null, found?: LookupAddress[]) => void }[] =
    [];
  const { lookup } = new SharedLookUp((host, _, done) => {
    asked.push({ host, answer: (error, found = []) => done(error as NodeJS.ErrnoException | null, found) });
  });
  const look = (host: string, options: LookupOptions = { all: true }): Promise<unknown> =>
    new Promise((resolve) => lookup(host, options, (error, address, family) => resolve(error ?? [address, family])));
  return { asked, look };
}

test('who connects in the same second shares an answer; later the name is looked up again', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { asked, look } = bench();
  const first = [look('a.test'), look('a.test')];
  assert.equal(asked.length, 1);
  asked[0]?.answer(null, addresses);
  assert.deepEqual(await Promise.all(first), [
    [addresses, undefined],
    [addresses, undefined],
  ]);
  t.mock.timers.tick(999);
  assert.deepEqual(await look('a.test'), [addresses, undefined]);
  assert.equal(asked.length, 1);
  t.mock.timers.tick(1);
  void look('a.test');
  assert.equal(asked.length, 2);
});

test('a failure is told to all who waited, and does not last', async () => {
  const { asked, look } = bench();
  const waiting = [look('a.test'), look('a.test', {})];
  const error = new Error('no such name');
  asked[0]?.answer(error);
  asked[1]?.answer(error);
  assert.deepEqual(await Promise.all(waiting), [error, error]);
  const before = asked.length;
  void look('a.test');
  assert.equal(asked.length, before + 1);
});

test('other names and other families are looked up by themselves; one address is given where one is wanted', async () => {
  const { asked, look } = bench();
  const one = look('a.test', {});
  void look('b.test');
  void look('a.test', { all: true, family: 6 });
  void look('a.test', { all: true, hints: 32 });
  assert.deepEqual(
    asked.map(({ host }) => host),
    ['a.test', 'b.test', 'a.test', 'a.test'],
  );
  asked[0]?.answer(null, addresses);
  assert.deepEqual(await one, ['10.0.0.1', 4]);
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { OriginAddress } from '../../edge/conf/model.ts';
import { originName } from '../../edge/upstream/connection/address.ts';
import { type BalanceInput, homeOf, nextOrigin } from '../../edge/upstream/origins/balance.ts';
import type { OriginState } from '../../edge/upstream/origins/origin-record.ts';
import fc from '../support/property.ts';

const origins: OriginAddress[] = ['a', 'b', 'c'].map((host) => ({ scheme: 'rtmp', host, port: 1935 }));

function next(overrides: Partial<BalanceInput> = {}, states: Record<string, OriginState> = {}): string | undefined {
  return nextOrigin({
    located: [],
    origins,
    further: () => [],
    balance: 'round_robin',
    streamKey: 'vhost/live/stream',
    attempt: 0,
    remembered: undefined,
    tried: new Set(),
    state: ({ host }) => states[host] ?? 'up',
    ...overrides,
  })?.host;
}

/** The order in which a stream tries all origins. */
function order(overrides: Partial<BalanceInput>): string[] {
  const tried = new Set<string>();
  const hosts: string[] = [];
  for (;;) {
    const host = next({ ...overrides, tried });
    if (host === undefined) return hosts;
    hosts.push(host);
    tried.add(originName({ scheme: 'rtmp', host, port: 1935 }));
  }
}

describe('round_robin', () => {
  test('begins with the first and goes one further with each attempt, as SRS does', () => {
    assert.deepEqual(
      [0, 1, 2, 3, 4].map((attempt) => next({ attempt })),
      ['a', 'b', 'c', 'a', 'b'],
    );
  });

  test('passes over what is down and what was tried', () => {
    assert.equal(next({ attempt: 1 }, { b: 'down' }), 'c');
    assert.equal(next({ attempt: 2, tried: new Set(['c:1935']) }), 'a');
  });
});

describe('further origins', () => {
  const further = (): OriginAddress[] => ['y', 'z'].map((host) => ({ scheme: 'rtmp', host, port: 1935 }));

  test('come when none of the listed ones is left, in the same balance; nobody asks for them before', () => {
    const unasked = (): never => assert.fail('they were asked for');
    assert.equal(next({ further: unasked }), 'a');
    assert.equal(next({ further: unasked }, { a: 'down', b: 'down', c: 'suspect' }), 'c');
    const tried = new Set(['a:1935', 'b:1935', 'c:1935']);
    assert.equal(next({ further, tried }), 'y');
    assert.equal(next({ further, tried, attempt: 1 }), 'z');
    assert.equal(next({ further, tried, remembered: 'z:1935' }), 'z');
    assert.equal(next({ further }, { a: 'down', b: 'down', c: 'down', y: 'down' }), 'z');
    assert.equal(next({ further, remembered: 'z:1935' }), 'a', 'what is remembered does not overtake the listed');
  });
});

describe('hash', () => {
  const keys = Array.from({ length: 300 }, (_, index) => `vhost/live/${index}`);

  test('edges agree, however often they have tried and in whatever order they list the origins', () => {
    for (const streamKey of keys) {
      const chosen = next({ balance: 'hash', streamKey });
      assert.equal(next({ balance: 'hash', streamKey, attempt: 7, origins: origins.toReversed() }), chosen);
    }
  });

  test('streams spread over all origins', () => {
    const counts = new Map<string | undefined, number>();
    for (const streamKey of keys) {
      const chosen = next({ balance: 'hash', streamKey });
      counts.set(chosen, (counts.get(chosen) ?? 0) + 1);
    }
    for (const { host } of origins) assert.ok((counts.get(host) ?? 0) > 60, `${host} has ${counts.get(host)} of 300`);
  });

  test('an origin that leaves moves only its own streams', () => {
    for (const streamKey of keys) {
      const before = next({ balance: 'hash', streamKey });
      const after = next({ balance: 'hash', streamKey, origins: origins.filter(({ host }) => host !== 'b') });
      if (before !== 'b') assert.equal(after, before);
    }
  });

  test('an origin that comes takes its share, of the others’ streams none goes elsewhere, and it gives all back', () => {
    const names = fc.uniqueArray(fc.integer({ min: 1, max: 254 }), { minLength: 2, maxLength: 9 });
    fc.assert(
      fc.property(names, fc.string(), (hosts, app) => {
        const all = hosts.map((host): OriginAddress => ({ scheme: 'rtmp', host: `10.0.0.${host}`, port: 1935 }));
        const home = (list: readonly OriginAddress[], name: number) =>
          homeOf(list, `v/${app}/${name}`, () => 'up')?.host;
        const streams = Array.from({ length: 400 }, (_, name) => name);
        const [newest] = all;
        const moved = streams.filter((name) => home(all, name) !== home(all.slice(1), name));
        assert.ok(moved.every((name) => home(all, name) === newest?.host));
        // One of n: within five standard deviations.
        const [share, spread] = [400 / all.length, 5 * Math.sqrt((400 * (1 - 1 / all.length)) / all.length)];
        assert.ok(Math.abs(moved.length - share) <= spread, `${moved.length} of 400 moved to one of ${all.length}`);
      }),
    );
  });

  test('a stream’s home is the first that is well', () => {
    const key = 'v/live/1';
    const [first, second] = [
      homeOf(origins, key, () => 'up'),
      homeOf(origins, key, ({ host }) => (host === homeOf(origins, key, () => 'up')?.host ? 'down' : 'up')),
    ];
    assert.notEqual(first?.host, second?.host);
    assert.equal(second?.host, order({ balance: 'hash', streamKey: key })[1]);
    assert.equal(
      homeOf([], key, () => 'up'),
      undefined,
    );
  });

  test('edges agree on the second choice, too', () => {
    for (const streamKey of keys.slice(0, 20)) {
      assert.deepEqual(
        order({ balance: 'hash', streamKey }),
        order({ balance: 'hash', streamKey, origins: origins.toReversed() }),
      );
    }
  });
});

describe('failover', () => {
  test('the first that is up, whichever it is', () => {
    for (const attempt of [0, 1, 2]) assert.equal(next({ balance: 'failover', attempt }), 'a');
    assert.equal(next({ balance: 'failover' }, { a: 'down' }), 'b');
    assert.equal(next({ balance: 'failover' }, { a: 'down', b: 'suspect' }), 'c');
    assert.deepEqual(order({ balance: 'failover', attempt: 5 }), ['a', 'b', 'c']);
  });

  test('a stream that runs on another stays remembered there', () => {
    assert.equal(next({ balance: 'failover', remembered: 'b:1935' }), 'b');
  });
});

test('one that is untried is as good as one that is up', () => {
  assert.equal(next({}, { a: 'untried' }), 'a');
  assert.equal(next({ remembered: 'c:1935' }, { c: 'untried' }), 'c');
  assert.equal(next({}, { a: 'suspect', b: 'untried' }), 'b');
});

test('the origin that has the stream comes first while it is well', () => {
  assert.equal(next({ remembered: 'c:1935' }), 'c');
  assert.equal(next({ remembered: 'c:1935' }, { c: 'down' }), 'a');
  assert.equal(next({ remembered: 'c:1935' }, { c: 'suspect' }), 'a');
  assert.equal(next({ remembered: 'c:1935', tried: new Set(['c:1935']) }), 'a');
  assert.equal(next({ remembered: 'gone:1935' }), 'a');
});

test('suspects come after the well, and before giving up', () => {
  assert.equal(next({}, { a: 'suspect' }), 'b');
  assert.equal(next({}, { a: 'suspect', b: 'down', c: 'down' }), 'a');
  assert.equal(next({}, { a: 'down', b: 'down', c: 'down' }), undefined);
  assert.equal(next({ origins: [] }), undefined);
});

test('each origin is tried once in a round', () => {
  assert.deepEqual(order({ attempt: 4, remembered: 'a:1935' }), ['a', 'b', 'c']);
});

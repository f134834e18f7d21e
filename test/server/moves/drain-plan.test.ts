/** Who is asked, ended and cut when, while an edge drains. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { DrainPlan, keyframeWaitMs } from '../../../edge/server/moves/drain-plan.ts';
import fc from '../../support/property.ts';

interface One {
  readonly name: number;
  readonly role: 'connecting' | 'play' | 'publish';
  readonly able: boolean;
  readonly timeoutMs: number;
}

interface Run {
  /** When each was asked, ended and cut. */
  readonly asked: Map<One, number>;
  readonly ended: Map<One, number>;
  readonly cut: Map<One, number>;
}

interface Scene {
  readonly askSpreadMs?: number;
  readonly endSpreadMs?: number;
  /** Whether a client that is asked leaves a second later. */
  readonly leaves?: (client: One) => boolean;
  /** Whether a client that is ended goes at once; else it is cut. */
  readonly goes?: (client: One) => boolean;
  /** Clients that come later, by the time. */
  readonly comers?: ReadonlyMap<number, readonly One[]>;
}

const stepMs = 100;

/** A generator of numbers that is the same each time. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

function players(count: number, fields: Partial<One> = {}): One[] {
  return Array.from({ length: count }, (_, name) => ({
    name,
    role: 'play',
    able: false,
    timeoutMs: 30_000,
    ...fields,
  }));
}

function run(clients: readonly One[], scene: Scene = {}): Run {
  const { askSpreadMs = 60_000, endSpreadMs = 60_000, leaves = () => true, goes = () => true, comers } = scene;
  const there = new Set(clients);
  const [asked, ended, cut] = [new Map<One, number>(), new Map<One, number>(), new Map<One, number>()];
  const plan = new DrainPlan<One>(0, {
    timeoutMsOf: ({ timeoutMs }) => timeoutMs,
    askSpreadMs,
    endSpreadMs,
    canAsk: (client) => client.able && !asked.has(client),
    random: seeded(7),
  });
  for (let nowMs = 0; nowMs <= 400_000 && (nowMs === 0 || there.size > 0); nowMs += stepMs) {
    for (const comer of comers?.get(nowMs) ?? []) there.add(comer);
    for (const [client, atMs] of asked) if (nowMs === atMs + 1000 && leaves(client)) there.delete(client);
    const step = plan.step(there, nowMs);
    for (const client of step.ask) asked.set(client, nowMs);
    for (const client of step.end) {
      assert.ok(!ended.has(client), 'nobody is ended twice');
      ended.set(client, nowMs);
      if (goes(client)) there.delete(client);
    }
    for (const client of step.cut) {
      cut.set(client, nowMs);
      there.delete(client);
    }
  }
  assert.equal(there.size, 0, 'nobody is left');
  return { asked, ended, cut };
}

/** The most that happen within one window. */
function most(times: Iterable<number>, windowMs: number): number {
  const all = [...times];
  return Math.max(0, ...all.map((from) => all.filter((at) => at >= from && at < from + windowMs).length));
}

describe('a drain', () => {
  it('asks those who can over its first half, and ends the rest over its last, evenly', () => {
    const able = players(300, { able: true });
    const plain = players(300);
    const { asked, ended, cut } = run([...able, ...plain]);
    assert.deepEqual([asked.size, ended.size, cut.size], [300, 300, 0]);
    assert.ok(able.every((client) => asked.has(client)));
    assert.ok(Math.max(...asked.values()) <= 15_000);
    assert.ok(Math.min(...ended.values()) >= 15_000);
    assert.equal(Math.max(...ended.values()), 30_000);
    assert.ok(most(asked.values(), 1000) <= 21, `asked ${most(asked.values(), 1000)} in a second`);
    assert.ok(most(ended.values(), 1000) <= 21, `ended ${most(ended.values(), 1000)} in a second`);
  });

  it('takes no longer for a few: they are asked at once and ended late', () => {
    const { asked, ended } = run([...players(3, { able: true }), ...players(3)]);
    assert.ok(Math.max(...asked.values()) <= 300);
    assert.ok(Math.min(...ended.values()) >= 29_000);
  });

  it('asks those at once who can only later, and ends those who were asked and stay', () => {
    const late = players(2, { able: true });
    const { asked, ended } = run(players(5), { comers: new Map([[9_000, late]]), leaves: () => false });
    assert.deepEqual([...asked.values()], [9_000, 9_000]);
    assert.ok(late.every((client) => ended.has(client)));
  });

  it('ends who does nothing first, and publishers last', () => {
    const groups = [
      players(20, { role: 'publish' }),
      players(20, { role: 'play' }),
      players(20, { role: 'connecting' }),
    ];
    const { ended } = run(groups.flat());
    assert.deepEqual(
      [...ended.keys()].map(({ role }) => role),
      groups.toReversed().flatMap((group) => group.map(({ role }) => role)),
    );
  });

  it('cuts who does not go, 2 s later, and in any case when the time is over', () => {
    const { ended, cut } = run(players(100), { goes: () => false });
    assert.equal(cut.size, 100);
    for (const [client, atMs] of cut)
      assert.ok(atMs <= Math.min((ended.get(client) ?? 0) + keyframeWaitMs, 30_000) + stepMs);
  });

  it('has the time of each vhost', () => {
    const { ended } = run([...players(50, { timeoutMs: 5_000 }), ...players(50, { timeoutMs: 20_000 })]);
    for (const [{ timeoutMs }, atMs] of ended) assert.ok(atMs <= timeoutMs && atMs >= timeoutMs / 2, `${atMs}`);
  });

  it('without time ends all at once', () => {
    const { ended } = run(players(50, { timeoutMs: 0, able: true }));
    assert.deepEqual(new Set(ended.values()), new Set([0]));
  });

  it('begins anew for nobody: any clients are gone in time, each ended once', () => {
    const one = fc.record({
      name: fc.nat(),
      role: fc.constantFrom('connecting', 'play', 'publish' as const),
      able: fc.boolean(),
      timeoutMs: fc.constantFrom(0, 100, 3_000, 30_000),
    });
    const scene = fc.record({ askSpreadMs: fc.nat(90_000), endSpreadMs: fc.nat(90_000) });
    fc.assert(
      fc.property(fc.array(one, { maxLength: 60 }), scene, fc.func(fc.boolean()), (clients, spreads, yes) => {
        const { ended, cut } = run(clients, { ...spreads, leaves: yes, goes: yes });
        for (const [{ timeoutMs }, atMs] of [...ended, ...cut]) assert.ok(atMs <= timeoutMs + stepMs);
      }),
    );
  });
});

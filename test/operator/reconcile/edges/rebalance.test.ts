/** Which overfull edges move players, and when they stop. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fleetOf } from '../../../../operator/reconcile/edges/fleet.ts';
import { RebalanceMemory, type RebalanceStep, roundMs } from '../../../../operator/reconcile/edges/rebalance.ts';
import type { EdgeState } from '../../../../operator/reconcile/edges/report.ts';
import fc from '../../../support/property.ts';
import { answering, edgesSaying, type PodKind, pod, silent } from '../scenes.ts';

const settledMs = 30_000;

/** Edges by name with their players; `able` of each can be asked. */
class Tier {
  readonly memory = new RebalanceMemory();
  nowMs = 1_000_000;
  players: Record<string, number>;
  able: number;
  kinds: Record<string, PodKind> = {};
  states: Record<string, EdgeState> = {};
  perMinute = 1000;
  isSettled = true;

  constructor(players: Record<string, number>, able = Number.POSITIVE_INFINITY) {
    this.players = players;
    this.able = able;
  }

  /** What is to be done now: players to be asked, by edge. */
  step(): Record<string, number> {
    return Object.fromEntries(this.look().orders.map(({ member, clients }) => [member.pod.metadata.name, clients]));
  }

  look(): RebalanceStep {
    const pods = Object.keys(this.players).map((name) => pod(name, this.kinds[name]));
    const states = Object.entries(this.players).map(([name, players]) => [
      name,
      this.states[name] ?? answering({ players, movablePlayers: Math.min(players, this.able) }),
    ]);
    const fleet = fleetOf(pods, edgesSaying(Object.fromEntries(states)), 0);
    return this.memory.step(fleet, this.perMinute, this.isSettled, this.nowMs);
  }

  /** The first look that counts. */
  settle(): Record<string, number> {
    assert.deepEqual(this.step(), {});
    this.nowMs += settledMs;
    return this.step();
  }

  /** The players who were asked connect again: in turn to each edge. */
  reconnect(orders: Record<string, number>): void {
    const names = Object.keys(this.players);
    let next = 0;
    for (const [name, count] of Object.entries(orders)) {
      for (let i = 0; i < count; i++) {
        this.players[name]!--;
        this.players[names[next++ % names.length]!]!++;
      }
    }
  }
}

describe('overfull edges', () => {
  it('ask what they have beyond the mean, by a budget, when the new edges have settled', () => {
    assert.deepEqual(new Tier({ a: 300, b: 0, c: 0 }).settle(), { a: 200 });
    const tier = new Tier({ a: 300, b: 150, c: 0, d: 0 });
    tier.perMinute = 60;
    const orders = tier.settle();
    assert.equal((orders.a ?? 0) + (orders.b ?? 0), 60);
    assert.ok((orders.a ?? 0) > (orders.b ?? 0));
  });

  it('ask again each minute, until all is about even; then nobody moves', () => {
    const tier = new Tier({ a: 1000, b: 0 });
    let orders = tier.settle();
    let rounds = 0;
    while (Object.keys(orders).length > 0) {
      tier.reconnect(orders);
      assert.deepEqual(tier.step(), {}, 'not before a minute is over');
      tier.nowMs += roundMs;
      orders = tier.step();
      assert.ok(++rounds < 10);
    }
    assert.ok(Math.abs(tier.players.a! - tier.players.b!) < 150, JSON.stringify(tier.players));
    assert.equal(tier.look().dueInMs, undefined);
    tier.players = { a: 560, b: 440 };
    assert.deepEqual(tier.step(), {}, 'a little more on one side is no reason to begin again');
  });

  it('ask as many as can be asked', () => {
    assert.deepEqual(new Tier({ a: 300, b: 0 }, 7).settle(), { a: 7 });
    assert.deepEqual(new Tier({ a: 300, b: 0 }, 0).settle(), {});
  });

  for (const [what, change] of [
    ['the budget is 0', { perMinute: 0 }],
    ['pods are rolled', { isSettled: false }],
    ['a pod drains', { kinds: { b: 'ending' } }],
    ['a pod is starting', { kinds: { b: 'starting' } }],
    ['an edge is silent', { states: { b: silent } }],
    ['there is one edge', { players: { a: 300 } }],
    ['there are few players', { players: { a: 12, b: 0 } }],
    ['all are about even', { players: { a: 110, b: 90 } }],
    ['there is nobody', { players: { a: 0, b: 0 } }],
    ['there are no edges', { players: {} }],
  ] as readonly (readonly [string, Partial<Tier>])[]) {
    it(`ask nobody while ${what}`, () => {
      const tier = new Tier({ a: 300, b: 0 });
      Object.assign(tier, change);
      assert.deepEqual(tier.settle(), {});
      tier.nowMs += 600_000;
      assert.deepEqual(tier.step(), {});
    });
  }

  it('wait anew when edges come or go', () => {
    const tier = new Tier({ a: 300, b: 0 });
    tier.step();
    tier.nowMs += settledMs - 1;
    tier.players = { a: 300, b: 0, c: 0 };
    assert.deepEqual(tier.settle(), { a: 200 });
  });

  it('give up where all come back, say so once, and try again with other edges', () => {
    const tier = new Tier({ a: 300, b: 0 });
    assert.deepEqual(tier.settle(), { a: 150 });
    const said: boolean[] = [];
    for (let round = 0; round < 6; round++) {
      tier.nowMs += roundMs;
      said.push(tier.look().givenUp);
    }
    assert.deepEqual(said, [false, false, true, false, false, false]);
    assert.deepEqual(tier.step(), {});
    tier.players = { a: 300, b: 0, c: 0 };
    assert.deepEqual(tier.settle(), { a: 200 });
  });

  it('never ask more than the budget, nor below the mean; and any tier comes to rest', () => {
    const tiers = fc.array(fc.nat(5000), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(tiers, fc.integer({ min: 1, max: 2000 }), (counts, perMinute) => {
        const tier = new Tier(Object.fromEntries(counts.map((count, i) => [`edge-${i}`, count])));
        tier.perMinute = perMinute;
        const mean = counts.reduce((sum, count) => sum + count, 0) / counts.length;
        tier.step();
        tier.nowMs += settledMs;
        for (let round = 0; round < 20; round++) {
          const orders = tier.step();
          const sum = Object.values(orders).reduce((total, count) => total + count, 0);
          assert.ok(sum <= perMinute);
          for (const [name, count] of Object.entries(orders)) assert.ok(tier.players[name]! - count >= mean - 1);
          tier.reconnect(orders);
          tier.nowMs += roundMs;
        }
      }),
    );
  });
});

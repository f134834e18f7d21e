import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { Autoscaling } from '../../../../operator/api/types.ts';
import { type Decision, decide, type History, type Sight } from '../../../../operator/reconcile/scaling/decide.ts';
import fc from '../../../support/property.ts';

const autoscaling: Autoscaling = {
  minReplicas: 2,
  maxReplicas: 20,
  targets: { playersPerPod: 100 },
  headroomPercent: 0,
  scaleDownStabilizationSeconds: 300,
};

type Wish = Partial<Omit<Sight, 'clients' | 'nowMs'>> & { readonly players?: number | undefined };

/** Decisions one after the other, each from the history of the one before. */
class Run {
  nowMs = 1_000_000;
  last: Decision | undefined;
  readonly #autoscaling: Autoscaling;

  constructor(more: Partial<Autoscaling> = {}) {
    this.#autoscaling = { ...autoscaling, ...more };
  }

  /** The number of edges after so many seconds. */
  after(seconds: number, { players, ...wish }: Wish): number {
    this.nowMs += seconds * 1000;
    const sight: Sight = {
      nowMs: this.nowMs,
      clients: players === undefined ? undefined : { players, publishers: 0, sentKbps: 0 },
      isComplete: players !== undefined,
      emptyEdges: 0,
      askedEdges: this.last?.history.askedEdges ?? 2,
      presentEdges: 2,
      isHeld: false,
      ...wish,
    };
    this.last = decide(this.last?.history, sight, this.#autoscaling);
    return this.last.history.edges;
  }

  /** Nothing changes but the time: the numbers of edges, each with the seconds since now. */
  untilRest(wish: Wish): string[] {
    const startMs = this.nowMs;
    const told: string[] = [];
    for (let before = this.last?.history.edges; this.last?.dueInMs !== undefined; ) {
      const edges = this.after(this.last.dueInMs / 1000, wish);
      if (edges !== before) told.push(`${Math.round((this.nowMs - startMs) / 1000)}: ${edges}`);
      before = edges;
      assert.ok(told.length < 100 && this.nowMs < startMs + 86_400_000, 'it never rests');
    }
    return told;
  }
}

describe('the number of edges', () => {
  it('grows at once, as far as it may', () => {
    const run = new Run();
    assert.equal(run.after(0, { players: 100 }), 2);
    assert.equal(run.after(1, { players: 450 }), 5);
    assert.equal(run.after(1, { players: 9_000 }), 20);
    assert.equal(run.last?.isLimited, true);
    assert.equal(run.last?.need?.edges, 90);
  });

  it('shrinks one by one, or by a tenth, when fewer have been enough for a while', () => {
    const run = new Run();
    assert.equal(run.after(0, { players: 500 }), 5);
    assert.equal(run.after(10, { players: 210 }), 5);
    assert.deepEqual(run.untilRest({ players: 210 }), ['300: 4', '360: 3']);
    const large = new Run({ maxReplicas: 1000 });
    assert.equal(large.after(0, { players: 50_000 }), 500);
    assert.equal(large.after(10, { players: 40_000 }), 500);
    assert.deepEqual(large.untilRest({ players: 40_000 }), ['300: 450', '360: 405', '420: 400']);
  });

  it('a short peak keeps what it needed for as long', () => {
    const run = new Run();
    run.after(0, { players: 600 });
    run.after(10, { players: 200 });
    run.after(200, { players: 550 });
    run.after(10, { players: 200 });
    // 6 were needed until 10 s, and again until 220 s.
    assert.deepEqual(run.untilRest({ players: 200 }), ['300: 5', '360: 4', '420: 3', '480: 2']);
  });

  it('edges without clients go all at once', () => {
    const run = new Run();
    run.after(0, { players: 1000 });
    run.after(10, { players: 300 });
    assert.deepEqual(run.untilRest({ players: 300, emptyEdges: 6 }), ['300: 4', '360: 3']);
  });

  it('a new operator goes on from what is there, and takes nothing before it has watched for as long', () => {
    const run = new Run();
    assert.equal(run.after(0, { players: 0, presentEdges: 9, askedEdges: 9 }), 9);
    assert.equal(run.after(290, { players: 0 }), 9);
    assert.deepEqual(run.untilRest({ players: 0, emptyEdges: 9 }), ['10: 2']);
  });

  it('a manifest without replicas, whose default is lower than what is there: no dip', () => {
    assert.equal(new Run().after(0, { players: 0, presentEdges: 10, askedEdges: 2 }), 10);
  });

  it('while edges do not tell, there may be more and not fewer', () => {
    const run = new Run();
    run.after(0, { players: 900 });
    assert.equal(run.after(10, { players: undefined }), 9);
    assert.equal(run.last?.dueInMs, undefined);
    assert.equal(run.after(3600, { players: 100, isComplete: false }), 9);
    assert.equal(run.after(10, { players: 1500, isComplete: false }), 15);
    assert.equal(run.after(3600, { players: 100, isComplete: false }), 15);
    // What was not known is no reason to shrink now.
    assert.equal(run.after(10, { players: 100 }), 15);
    assert.equal(run.untilRest({ players: 100 })[0], '300: 14');
  });

  it('all edges restart: what comes back is no rush, and nothing goes', () => {
    const run = new Run({ headroomPercent: 20 });
    run.after(0, { players: 800 });
    run.after(120, { players: 800 });
    assert.equal(run.last?.history.edges, 10);
    assert.equal(run.after(10, { players: 0 }), 10);
    for (const players of [300, 600, 800, 800, 800, 800, 800, 800, 800, 800]) {
      assert.equal(run.after(10, { players }), 10);
      assert.equal(run.last?.need?.isRush, false);
    }
  });

  it('a rush leaves room for as many again, until it is over', () => {
    const run = new Run({ headroomPercent: 20 });
    run.after(0, { players: 200, presentEdges: 3 });
    assert.equal(run.after(70, { players: 500 }), 8);
    assert.equal(run.last?.need?.isRush, true);
    assert.deepEqual(run.untilRest({ players: 500 }), ['360: 7', '420: 6']);
  });

  it('none goes while edges are replaced', () => {
    const run = new Run();
    run.after(0, { players: 500 });
    run.after(10, { players: 200 });
    assert.equal(run.after(400, { players: 200, isHeld: true }), 5);
    assert.equal(run.last?.dueInMs, undefined);
    assert.equal(run.after(10, { players: 210, isHeld: true }), 5);
    assert.equal(run.after(10, { players: 900, isHeld: true }), 16);
    assert.equal(run.untilRest({ players: 200 })[0], '315: 15');
  });

  it('what is asked for by hand holds for as long as a need', () => {
    const run = new Run();
    run.after(0, { players: 200 });
    assert.equal(run.after(600, { players: 200, askedEdges: 8 }), 8);
    assert.equal(run.untilRest({ players: 200 })[0], '300: 7');
    // Fewer by hand than the clients need: they are not cut off.
    assert.equal(run.after(10, { players: 300, askedEdges: 7 }), 7);
    assert.equal(run.after(10, { players: 300, askedEdges: 1 }), 7);
  });

  it('its own number, seen late, is nobody else asking', () => {
    const run = new Run({ scaleDownStabilizationSeconds: 0 });
    run.after(0, { players: 500, askedEdges: 5, presentEdges: 5 });
    assert.equal(run.after(10, { players: 200, askedEdges: 5 }), 4);
    assert.equal(run.after(1, { players: 200, askedEdges: 5 }), 4);
    assert.equal(run.after(1, { players: 200, askedEdges: 4 }), 4);
  });

  it('limits that change hold at once', () => {
    const run = new Run();
    run.after(0, { players: 1500 });
    const { history } = run.last as Decision;
    const sight = { nowMs: run.nowMs, isComplete: true, emptyEdges: 0, askedEdges: 2, presentEdges: 15, isHeld: false };
    const clients = { players: 1500, publishers: 0, sentKbps: 0 };
    const edges = (more: Partial<Autoscaling>) =>
      decide(history, { ...sight, clients }, { ...autoscaling, ...more }).history.edges;
    assert.equal(edges({ maxReplicas: 12 }), 12);
    assert.equal(edges({ minReplicas: 18 }), 18);
  });

  it('clients that come in many steps after some edges were taken: these were missed once', () => {
    const run = new Run();
    run.after(0, { players: 500 });
    run.after(10, { players: 200 });
    run.untilRest({ players: 200 });
    for (const players of [300, 400, 500, 600, 700]) run.after(20, { players });
    assert.equal(run.last?.history.missedAtMs.length, 1);
    assert.equal(run.last?.isFlapping, false);
  });

  it('edges that are taken and missed again and again are told of', () => {
    const run = new Run({ scaleDownStabilizationSeconds: 60 });
    for (let times = 1; times <= 4; times++) {
      run.after(10, { players: 500 });
      assert.equal(run.last?.isFlapping, times === 4);
      run.after(10, { players: 200 });
      run.untilRest({ players: 200 });
    }
    run.after(3600, { players: 200 });
    assert.equal(run.last?.isFlapping, false);
  });
});

it('the table in the documentation is what happens', () => {
  const page = readFileSync(join(import.meta.dirname, '../../../../crds/AUTOSCALING.md'), 'utf8');
  const rows = [...page.matchAll(/^\| (\d+):(\d\d) \| (\d+) \| \d+ \| \d+ \| (\d+) \| (\d+) \|/gm)].map(
    ([, minutes, seconds, players, needed, edges]) => ({
      at: Number(minutes) * 60 + Number(seconds),
      players: Number(players),
      expected: [Number(needed), Number(edges)],
    }),
  );
  assert.equal(rows.length, 8);
  const run = new Run({ targets: { playersPerPod: 500 }, headroomPercent: 20 });
  let players = rows[0]?.players ?? 0;
  // As for long before.
  for (let before = 0; before < 600; before += 10) run.after(10, { players });
  for (let at = 0; at <= (rows.at(-1)?.at ?? 0); at += 10) {
    const row = rows.find((row) => row.at === at);
    players = row?.players ?? players;
    const edges = run.after(10, { players });
    if (row !== undefined) assert.deepEqual([run.last?.need?.edges, edges], row.expected, `at ${at} s`);
  }
});

/** What may happen in one step. */
const step = fc.record({
  seconds: fc.integer({ min: 0, max: 400 }),
  players: fc.option(fc.integer({ min: 0, max: 3000 }), { nil: undefined }),
  isComplete: fc.boolean(),
  emptyEdges: fc.integer({ min: 0, max: 25 }),
  isHeld: fc.boolean(),
  /** By hand. */
  askedEdges: fc.option(fc.integer({ min: 1, max: 30 }), { nil: undefined, freq: 9 }),
});
const settings = fc.record({
  minReplicas: fc.integer({ min: 1, max: 5 }),
  maxReplicas: fc.integer({ min: 5, max: 25 }),
  headroomPercent: fc.integer({ min: 0, max: 50 }),
  scaleDownStabilizationSeconds: fc.constantFrom(0, 30, 300),
});

describe('whatever happens', () => {
  it('the number stays within its limits, grows at once, and shrinks slowly, on knowledge, and only when that is enough', () => {
    fc.assert(
      fc.property(settings, fc.array(step, { maxLength: 40 }), (limits, steps) => {
        const chosen = { ...autoscaling, ...limits };
        const windowMs = chosen.scaleDownStabilizationSeconds * 1000;
        const within = (edges: number) => Math.min(Math.max(edges, chosen.minReplicas), chosen.maxReplicas);
        let history: History | undefined;
        let nowMs = 0;
        let askedEdges = 2;
        const needs: { atMs: number; edges: number }[] = [];
        for (const { seconds, players, askedEdges: byHand, ...rest } of steps) {
          nowMs += seconds * 1000;
          askedEdges = byHand ?? askedEdges;
          const clients = players === undefined ? undefined : { players, publishers: 0, sentKbps: 0 };
          const isComplete = rest.isComplete && clients !== undefined;
          const sight = { ...rest, isComplete, nowMs, clients, askedEdges, presentEdges: 2 };
          const before = history;
          const { history: after, need } = decide(before, sight, chosen);
          history = after;
          assert.equal(after.edges, within(after.edges));
          if (need !== undefined) {
            assert.ok(after.edges >= within(need.edges), 'fewer than are needed');
            needs.push({ atMs: nowMs, edges: need.edges });
          }
          if (before !== undefined && after.edges < before.edges) {
            assert.ok(isComplete && !rest.isHeld, 'taken on missing data');
            assert.ok(nowMs - before.tookAtMs >= 60_000, 'taken too soon after the last');
            const lately = needs.filter(({ atMs }) => atMs > nowMs - windowMs).map(({ edges }) => edges);
            assert.ok(after.edges >= within(Math.max(0, ...lately)), 'taken while it was needed lately');
            const step = Math.max(1, Math.floor(before.edges / 10), rest.emptyEdges);
            assert.ok(before.edges - after.edges <= step, 'too many at once');
          }
          assert.ok(after.needs.length <= 26 && after.clients.length <= 62, 'it remembers without end');
        }
      }),
      { numRuns: 500 },
    );
  });

  it('constant clients end with just the edges that they need, by the times that it names itself', () => {
    fc.assert(
      fc.property(
        settings,
        fc.integer({ min: 0, max: 3000 }),
        fc.integer({ min: 1, max: 25 }),
        (limits, players, there) => {
          const run = new Run(limits);
          run.after(0, { players, presentEdges: there });
          run.untilRest({ players });
          const { history, need } = run.last as Decision;
          const wanted = Math.min(Math.max(need?.edges ?? 0, limits.minReplicas), limits.maxReplicas);
          assert.equal(history.edges, wanted);
        },
      ),
    );
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Autoscaling } from '../../../../operator/api/types.ts';
import { needOf } from '../../../../operator/reconcile/scaling/need.ts';

const none = { players: 0, publishers: 0, sentKbps: 0 };

function by(targets: Autoscaling['targets'], headroomPercent?: number): Autoscaling {
  const bounds = { minReplicas: 1, maxReplicas: 100, scaleDownStabilizationSeconds: 300 };
  return { ...bounds, targets, ...(headroomPercent !== undefined && { headroomPercent }) };
}

describe('edges that clients need', () => {
  const players = by({ playersPerPod: 500 });
  for (const [now, before, edges, isRush] of [
    [0, undefined, 0, false],
    [1, undefined, 1, false],
    // With a fifth of room.
    [416, undefined, 1, false],
    [417, undefined, 2, false],
    [1250, undefined, 3, false],
    [1251, undefined, 4, false],
    // The last minute brought less than the room that there is anyway, or nobody.
    [1250, 1200, 3, false],
    [1250, 3000, 3, false],
    // It doubled them: there is room for as many again.
    [1000, 500, 3, true],
    [1000, 0, 4, true],
  ] as const)
    it(`${now} players, ${before ?? 'nobody knows how many'} a minute ago: ${edges}`, () => {
      const past = before === undefined ? undefined : { ...none, players: before };
      const need = needOf({ ...none, players: now }, past, players);
      assert.deepEqual(need, { edges, target: 'playersPerPod', isRush });
    });

  it('of several targets the one that asks for most counts', () => {
    const clients = { players: 100, publishers: 30, sentKbps: 500_000 };
    const all = { playersPerPod: 100, publishersPerPod: 10, sentKbpsPerPod: 100_000 };
    assert.deepEqual(needOf(clients, undefined, by(all, 0)), { edges: 5, target: 'sentKbpsPerPod', isRush: false });
    assert.equal(needOf({ ...clients, publishers: 100 }, undefined, by(all, 0))?.target, 'publishersPerPod');
    assert.equal(needOf(clients, undefined, by({ playersPerPod: 100 }, 0))?.edges, 1);
  });

  it('by CPU alone there is none', () => {
    assert.equal(needOf(none, undefined, by({ cpuUtilizationPercent: 60 })), undefined);
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { V2HorizontalPodAutoscaler } from '@kubernetes/client-node';
import { conditionOf } from '../../../../operator/api/conditions.ts';
import type { Autoscaling, AutoscalingTargets } from '../../../../operator/api/types.ts';
import type { Scaling } from '../../../../operator/reconcile/scaling/autoscale.ts';
import { problemDueInMs } from '../../../../operator/reconcile/scaling/autoscaler-problem.ts';
import type { Decision } from '../../../../operator/reconcile/scaling/decide.ts';
import type { Observation } from '../../../../operator/reconcile/status/observation.ts';
import { statusOf } from '../../../../operator/reconcile/status/status.ts';
import { edgesSaying, observation, pod, silent } from '../scenes.ts';

const now = new Date('2025-03-01T12:00:00Z');
const byPlayers = { playersPerPod: 500 };

function autoscalingBy(targets: AutoscalingTargets): Autoscaling {
  return { minReplicas: 2, maxReplicas: 5, targets, scaleDownStabilizationSeconds: 300 };
}

function scalingWith(
  needed: number | undefined,
  edges: number,
  more: Partial<Decision> & Partial<Pick<Scaling, 'hold' | 'refusal'>> = {},
  targets: AutoscalingTargets = byPlayers,
): Scaling {
  const { hold, refusal, ...decided } = more;
  return {
    autoscaling: autoscalingBy(targets),
    decision: {
      history: { edges, askedEdges: edges, needs: [], clients: [], tookAtMs: 0, missedAtMs: [] },
      need: needed === undefined ? undefined : { edges: needed, target: 'playersPerPod', isRush: false },
      isLimited: false,
      isFlapping: false,
      dueInMs: undefined,
      ...decided,
    },
    hold,
    refusal,
  };
}

function autoscaler(...conditions: readonly object[]): V2HorizontalPodAutoscaler {
  return { spec: { maxReplicas: 5 }, status: { conditions } } as V2HorizontalPodAutoscaler;
}
const missingSince = (lastTransitionTime: string, reason = 'FailedGetResourceMetric') =>
  autoscaler({ type: 'ScalingActive', status: 'False', reason, message: 'no metrics-server', lastTransitionTime });

function told(wish: Partial<Observation>, targets: AutoscalingTargets = byPlayers, replicas = 3) {
  const spec = { replicas, autoscaling: autoscalingBy(targets) };
  const pods = ['a', 'b', 'c'].slice(0, replicas).map((name) => pod(name));
  const status = statusOf(observation({ pods, ...wish }, spec), now);
  const brief = (type: 'Scaling' | 'Degraded') => {
    const { reason, message } = conditionOf(status.conditions, type) ?? {};
    return reason && `${reason}: ${message}`;
  };
  return { scaling: brief('Scaling'), degraded: brief('Degraded'), needed: status.neededReplicas };
}

describe('the condition Scaling', () => {
  it('is not there without autoscaling', () => {
    const { conditions } = statusOf(observation(), now);
    assert.equal(conditionOf(conditions, 'Scaling'), undefined);
  });

  for (const [scaling, message] of [
    [scalingWith(3, 3), 'by playersPerPod the clients need 3 edges'],
    [scalingWith(1, 2), 'by playersPerPod the clients need 1 edge; minReplicas is 2'],
    [
      scalingWith(2, 3),
      'by playersPerPod the clients need 2 edges; 3 stay for now: fewer must have been enough for 300 s, and go a few at a time',
    ],
    [
      scalingWith(2, 3, { hold: 'edges are being replaced' }),
      'by playersPerPod the clients need 2 edges; 3 stay for now: edges are being replaced',
    ],
    [scalingWith(undefined, 3), 'no edge has told yet how many clients it has; 3 edges stay'],
  ] as const)
    it(`says: ${message}`, () => {
      const { scaling: text, degraded } = told({ scaling });
      assert.equal(text, `Following: ${message}`);
      assert.equal(degraded, 'AsExpected: all is as it should be');
    });

  for (const [scaling, text] of [
    [
      scalingWith(9, 5, { isLimited: true }),
      'LimitReached: more edges were needed lately than maxReplicas, which is 5; now playersPerPod asks for 9',
    ],
    [
      scalingWith(3, 3, { isFlapping: true }),
      'Flapping: edges were taken and missed soon after, 3 times or more in the last hour',
    ],
    [scalingWith(3, 3, { refusal: 'no right' }), 'ScaleRefused: spec.replicas cannot be written: no right'],
  ] as const)
    it(`needs a person: ${text}`, () => {
      const { scaling: is, degraded } = told({ scaling });
      assert.equal(is, text);
      const [reason, message] = text.split(': ', 2);
      assert.ok(degraded?.startsWith(`ScalingHindered: ${message}`), degraded);
      assert.ok(degraded?.endsWith(`see condition Scaling, ${reason}`));
    });

  it('names the edges that do not tell', () => {
    const edge = edgesSaying({ b: silent });
    const { scaling, degraded, needed } = told({ scaling: scalingWith(2, 3), edge });
    assert.match(scaling ?? '', /^ClientsUnknown: 1 edge will not tell how many clients there are: b;/);
    assert.match(degraded ?? '', /^EdgesSilent: /);
    assert.equal(needed, 2);
  });

  it('at 0 it stands still', () => {
    const scaling = { autoscaling: autoscalingBy(byPlayers), decision: undefined, hold: undefined, refusal: undefined };
    assert.match(told({ scaling, pods: [] }, byPlayers, 0).scaling ?? '', /^ScaledToZero: /);
  });

  it('while paused it says so', () => {
    const pause = { by: 'spec.paused', differing: [] };
    assert.match(told({ scaling: scalingWith(3, 3), pause }).scaling ?? '', /^Paused: /);
  });

  it('until an edge has told, what was needed before stays', () => {
    const previous = { neededReplicas: 4 };
    assert.equal(told({ scaling: scalingWith(undefined, 3), previous }).needed, 4);
  });

  describe('with a HorizontalPodAutoscaler', () => {
    const cpu = { cpuUtilizationPercent: 60 };
    const scaling = { autoscaling: autoscalingBy(cpu), decision: undefined, hold: undefined, refusal: undefined };

    it('that works', () => {
      const working = autoscaler({ type: 'ScalingActive', status: 'True', reason: 'ValidMetricFound' });
      const text = 'Following: the HorizontalPodAutoscaler chooses, up to 5 edges';
      assert.equal(told({ scaling, autoscaler: working }, cpu).scaling, text);
      assert.equal(told({ scaling, autoscaler: undefined }, cpu).scaling, text);
    });

    it('that lacks its metric: after three minutes, as new pods have none yet', () => {
      const late = missingSince('2025-03-01T11:56:00Z');
      assert.match(told({ scaling, autoscaler: late }, cpu).scaling ?? '', /^MetricMissing: .*: no metrics-server$/);
      assert.match(told({ scaling, autoscaler: late }, cpu).degraded ?? '', /^ScalingHindered: /);
      const young = missingSince('2025-03-01T11:58:00Z');
      assert.match(told({ scaling, autoscaler: young }, cpu).scaling ?? '', /^Following: /);
      assert.equal(problemDueInMs(young, now.getTime()), 60_000);
      assert.equal(problemDueInMs(late, now.getTime()), undefined);
      const disabled = missingSince('2025-03-01T11:56:00Z', 'ScalingDisabled');
      assert.match(told({ scaling, autoscaler: disabled }, cpu).scaling ?? '', /^Following: /);
    });

    it('that is at its limit', () => {
      const message = 'the desired replica count is more than the maximum replica count';
      const limited = autoscaler({ type: 'ScalingLimited', status: 'True', reason: 'TooManyReplicas', message });
      assert.equal(
        told({ scaling, autoscaler: limited }, cpu).scaling,
        `LimitReached: the HorizontalPodAutoscaler says: ${message}`,
      );
    });

    it('beside clients: what it lacks is told, and else what the clients need', () => {
      const both = { ...cpu, ...byPlayers };
      const shared = scalingWith(3, 3, {}, both);
      const late = missingSince('2025-03-01T11:56:00Z');
      assert.match(told({ scaling: shared, autoscaler: late }, both).scaling ?? '', /^MetricMissing: /);
      assert.equal(
        told({ scaling: shared }, both).scaling,
        'Following: by playersPerPod the clients need 3 edges; the HorizontalPodAutoscaler may ask for more',
      );
      // One that is on its way out says nothing of clients.
      assert.match(told({ scaling: scalingWith(3, 3), autoscaler: late }).scaling ?? '', /^Following: /);
    });
  });
});

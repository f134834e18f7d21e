/** An EdgeCluster whose number of edges follows its clients: what the operator writes, and what it leaves alone. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { V2HorizontalPodAutoscaler } from '@kubernetes/client-node';
import type { EdgeCluster } from '../../../operator/api/types.ts';
import { RESOURCES } from '../../../operator/kube/resources.ts';
import { FakeEdge } from '../../support/fake-edge.ts';
import { namespace, OperatorScene, type RunningOperator } from '../../support/operator-scene.ts';

type Test = { after(fn: () => void): void };

const byPlayers = {
  minReplicas: 2,
  maxReplicas: 8,
  targets: { playersPerPod: 100 },
  headroomPercent: 0,
  scaleDownStabilizationSeconds: 0,
};

class Tier {
  readonly scene: OperatorScene;
  readonly edges: readonly FakeEdge[];
  operator: RunningOperator;

  private constructor(scene: OperatorScene, operator: RunningOperator, edges: readonly FakeEdge[]) {
    this.scene = scene;
    this.operator = operator;
    this.edges = edges;
  }

  /** With edges that run and have told, as many as are asked for, each with so many players. */
  static async start(t: Test, spec: object, count: number, players = 0): Promise<Tier> {
    const scene = await OperatorScene.start(t);
    const operator = scene.operator({ times: { pollIntervalMs: 50 } });
    scene.cluster('live', spec);
    await scene.settled('live', operator);
    const edges = await Promise.all(Array.from({ length: count }, () => FakeEdge.start(t)));
    const tier = new Tier(scene, operator, edges);
    for (const edge of edges) {
      edge.players = players;
      edge.hash = scene.edgeCluster('live')?.status?.configHash ?? '';
    }
    scene.runEdges('live', edges);
    await scene.kube.until(() => scene.edgeCluster('live')?.status?.configuredReplicas === count);
    await scene.idle(operator);
    scene.kube.forgetRequests();
    return tier;
  }

  /** Edges are asked one after the other: what they say meanwhile must not call for more steps than the end does. */
  players(...counts: readonly number[]): void {
    for (const [i, count] of counts.entries()) (this.edges[i] as FakeEdge).players = count;
  }

  /** As `kubectl scale` does. */
  scaleByHand(replicas: number): void {
    this.scene.kube.change<EdgeCluster>(RESOURCES.EdgeCluster, namespace, 'live', (cluster) => ({
      ...cluster,
      spec: { ...cluster.spec, replicas },
    }));
  }

  /** What runs, and what is written for others to see. */
  get numbers(): readonly (number | undefined)[] {
    return [this.scene.deployment('live')?.spec?.replicas, this.scene.edgeCluster('live')?.spec.replicas];
  }

  async becomes(...numbers: readonly number[]): Promise<void> {
    const { kube } = this.scene;
    await kube.until(() => this.numbers.join() === numbers.join());
    await this.scene.idle(this.operator);
    assert.deepEqual(this.numbers, numbers);
  }

  get autoscaler(): V2HorizontalPodAutoscaler | undefined {
    return this.scene.get<V2HorizontalPodAutoscaler>(RESOURCES.HorizontalPodAutoscaler, 'live');
  }

  /** By its condition. */
  tells(reason: string): Promise<void> {
    return this.scene.kube.until(() => this.scene.condition('live', 'Scaling')?.reason === reason);
  }

  /** Until the edges have been asked again, and what they said is done. */
  async quiet(): Promise<void> {
    const telling = this.edges.filter(({ credentials }) => credentials === undefined);
    await Promise.all(telling.map((edge) => edge.told()));
    await this.scene.idle(this.operator);
  }
}

describe('an EdgeCluster that scales by its clients', () => {
  it('there are more edges at once, by one write of each number, and nothing is written while nothing changes', async (t) => {
    const tier = await Tier.start(t, { autoscaling: byPlayers }, 2);
    tier.players(0, 400);
    await tier.becomes(4, 4);
    const written = tier.scene.writes().map(({ resource, subresource }) => `${resource} ${subresource ?? ''}`);
    assert.equal(written.filter((one) => one === 'edgeclusters scale').length, 1);
    assert.equal(written.filter((one) => one === 'deployments ').length, 1);
    assert.equal(tier.autoscaler, undefined);
    await tier.tells('Following');
    await tier.scene.kube.until(() => tier.scene.edgeCluster('live')?.status?.neededReplicas === 4);
    tier.scene.kube.forgetRequests();
    await tier.quiet();
    assert.deepEqual(tier.scene.writes(), []);
  });

  it('fewer edges: all are asked before, and the costs of their pods are right', async (t) => {
    const tier = await Tier.start(t, { replicas: 4, autoscaling: byPlayers }, 4, 100);
    tier.players(100, 100, 53, 0);
    await tier.becomes(3, 3);
    const resources = tier.scene.writes().map(({ resource, subresource }) => subresource ?? resource);
    assert.ok(resources.indexOf('pods') < resources.indexOf('deployments'), resources.join());
    // The next one goes a minute later.
    await tier.quiet();
    assert.deepEqual(tier.numbers, [3, 3]);
  });

  it('an edge that does not tell keeps all of them', async (t) => {
    const tier = await Tier.start(t, { replicas: 4, autoscaling: byPlayers }, 4, 100);
    (tier.edges[3] as FakeEdge).credentials = ['nobody:knows'];
    await tier.tells('ClientsUnknown');
    tier.players(0, 0, 0);
    await tier.quiet();
    assert.deepEqual(tier.numbers, [4, 4]);
    // More are no question.
    tier.players(150, 150, 150);
    await tier.becomes(6, 6);
  });

  it('none goes while the Deployment rolls', async (t) => {
    const tier = await Tier.start(t, { autoscaling: byPlayers }, 2);
    tier.players(200, 200);
    await tier.becomes(4, 4);
    // It has not been observed yet.
    tier.players(50, 50);
    await tier.quiet();
    assert.deepEqual(tier.numbers, [4, 4]);
    tier.scene.rolledOut('live');
    await tier.becomes(3, 3);
  });

  it('by hand: more stay for a while, 0 stops all, and from there it goes on', async (t) => {
    const tier = await Tier.start(t, { autoscaling: { ...byPlayers, scaleDownStabilizationSeconds: 300 } }, 2);
    tier.scaleByHand(5);
    await tier.becomes(5, 5);
    tier.scaleByHand(3);
    await tier.becomes(5, 5);
    tier.scaleByHand(0);
    await tier.becomes(0, 0);
    await tier.tells('ScaledToZero');
    tier.scaleByHand(4);
    await tier.becomes(4, 4);
  });

  it('who asks for another number at the same time is not overwritten', async (t) => {
    const tier = await Tier.start(t, { autoscaling: byPlayers }, 2);
    const late = tier.scene.kube.fault({ subresource: 'scale', effect: { delayMs: 100 } });
    tier.players(200, 200);
    await tier.scene.kube.until(() => late.hits === 1);
    tier.scaleByHand(0);
    await tier.becomes(0, 0);
  });

  it('an operator that may not write the number scales all the same, and says so', async (t) => {
    const tier = await Tier.start(t, { autoscaling: byPlayers }, 2);
    const effect = { status: 403, reason: 'Forbidden', message: 'may not patch edgeclusters/scale' };
    tier.scene.kube.fault({ subresource: 'scale', times: 99, effect });
    tier.players(0, 400);
    await tier.becomes(4, 2);
    await tier.tells('ScaleRefused');
    assert.match(tier.scene.condition('live', 'Scaling')?.message ?? '', /may not patch edgeclusters\/scale/);
    await tier.quiet();
    assert.equal(tier.scene.kube.count({ subresource: 'scale' }), 1);
  });

  it('a new operator takes nothing away', async (t) => {
    const slow = { ...byPlayers, scaleDownStabilizationSeconds: 300 };
    const tier = await Tier.start(t, { replicas: 4, autoscaling: slow }, 4);
    await tier.operator.stop();
    tier.players(0, 0, 0, 0);
    // A manifest is applied meanwhile.
    tier.scene.cluster('live', { autoscaling: slow, logLevel: 'Warn' });
    assert.deepEqual(tier.numbers, [4, 2]);
    tier.operator = tier.scene.operator({ times: { pollIntervalMs: 50 } });
    await tier.becomes(4, 4);
    await tier.quiet();
    assert.deepEqual(tier.numbers, [4, 4]);
  });

  it('a fixed number that gives way to autoscaling, and back: no dip', async (t) => {
    const tier = await Tier.start(t, { replicas: 5 }, 5);
    tier.scene.cluster('live', { autoscaling: { ...byPlayers, scaleDownStabilizationSeconds: 300 } });
    await tier.becomes(5, 5);
    assert.equal(tier.scene.kube.count({ resource: 'deployments', verb: 'apply' }), 0);
    tier.scene.cluster('live', { replicas: tier.scene.edgeCluster('live')?.spec.replicas });
    await tier.scene.settled('live', tier.operator);
    assert.deepEqual(tier.numbers, [5, 5]);
    assert.equal(tier.scene.condition('live', 'Scaling'), undefined);
    assert.equal(tier.scene.edgeCluster('live')?.status?.neededReplicas, undefined);
  });

  it('CPU beside clients: they are the least of the HorizontalPodAutoscaler, which asks for more', async (t) => {
    const both = { ...byPlayers, targets: { playersPerPod: 100, cpuUtilizationPercent: 60 } };
    const tier = await Tier.start(t, { autoscaling: both }, 2);
    assert.equal(tier.autoscaler?.spec?.minReplicas, 2);
    tier.players(0, 400);
    await tier.becomes(4, 2);
    assert.equal(tier.autoscaler?.spec?.minReplicas, 4);
    // As the autoscaler does, for its least and then for CPU.
    tier.scaleByHand(4);
    tier.scaleByHand(6);
    await tier.becomes(6, 6);
    assert.equal(tier.autoscaler?.spec?.minReplicas, 4);
    assert.equal(tier.scene.kube.count({ subresource: 'scale' }), 0);

    // By clients alone: it goes, and the number stays until fewer have been enough.
    const clients = { ...byPlayers, scaleDownStabilizationSeconds: 300 };
    tier.scene.cluster('live', { replicas: 6, autoscaling: clients });
    await tier.scene.kube.until(() => tier.autoscaler === undefined);
    await tier.becomes(6, 6);

    // By CPU alone: it goes on from there.
    tier.scene.cluster('live', {
      replicas: 6,
      autoscaling: { ...clients, ...{ targets: { cpuUtilizationPercent: 60 } }, headroomPercent: undefined },
    });
    await tier.scene.kube.until(() => tier.autoscaler !== undefined);
    assert.equal(tier.autoscaler?.spec?.minReplicas, 2);
    await tier.becomes(6, 6);
  });

  it('paused, nothing is decided, and what the autoscaler has is no difference', async (t) => {
    const both = { ...byPlayers, targets: { playersPerPod: 100, cpuUtilizationPercent: 60 } };
    const tier = await Tier.start(t, { autoscaling: both }, 2);
    tier.players(0, 400);
    await tier.becomes(4, 2);
    tier.scaleByHand(4);
    await tier.becomes(4, 4);
    tier.scene.cluster('live', { replicas: 4, autoscaling: both, paused: true });
    await tier.tells('Paused');
    tier.players(400, 400);
    await tier.quiet();
    assert.deepEqual(tier.numbers, [4, 4]);
    assert.match(tier.scene.condition('live', 'Progressing')?.message ?? '', /what runs is what is wanted/);
    tier.scene.cluster('live', { replicas: 4, autoscaling: both });
    await tier.becomes(8, 4);
  });

  it('a spec that is not valid still follows the clients', async (t) => {
    const tier = await Tier.start(t, { autoscaling: byPlayers }, 2);
    tier.scene.cluster('live', { autoscaling: byPlayers, extraDirectives: 'no_such_directive on;' });
    await tier.scene.kube.until(() => tier.scene.condition('live', 'ConfigValid')?.status === 'False');
    tier.players(0, 400);
    await tier.becomes(4, 4);
  });
});

/** An operator with another default image: EdgeClusters get it one after the other. On the double of the API. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { V1Deployment, V1DeploymentStatus } from '@kubernetes/client-node';
import { RESOURCES } from '../../../../operator/kube/resources.ts';
import {
  namespace,
  OperatorScene,
  type OperatorSettings,
  type RunningOperator,
} from '../../../support/operator-scene.ts';

const options = { timeout: 60_000 };
const names = ['a', 'b', 'c'] as const;
type Name = (typeof names)[number];

class Upgrade {
  readonly scene: OperatorScene;
  running: RunningOperator;

  private constructor(scene: OperatorScene, running: RunningOperator) {
    this.scene = scene;
    this.running = running;
  }

  /** Three EdgeClusters that run `edge:1`, and then an operator whose default is `edge:2`. */
  static async start(t: { after(fn: () => void): void }, settings: OperatorSettings = {}): Promise<Upgrade> {
    const scene = await OperatorScene.start(t);
    const former = scene.operator({ edgeImage: 'edge:1' });
    const upgrade = new Upgrade(scene, former);
    for (const name of names) {
      // No pods run on the double of the API.
      scene.cluster(name, { replicas: 0 });
      await scene.settled(name, former);
      upgrade.pods(name, 'ready');
    }
    await scene.idle(former);
    await former.stop();
    upgrade.running = scene.operator({ edgeImage: 'edge:2', ...settings });
    return upgrade;
  }

  async restart(settings: OperatorSettings = {}): Promise<void> {
    await this.running.stop();
    this.running = this.scene.operator({ edgeImage: 'edge:2', ...settings });
    await this.scene.kube.until(() => this.running.operator.ready);
    await this.scene.idle(this.running);
  }

  /** What Kubernetes says of the Deployment's pods. */
  pods(name: Name, state: 'ready' | 'rolling' | 'stuck'): void {
    this.scene.kube.change<V1Deployment>(RESOURCES.Deployment, namespace, name, (deployment) => ({
      ...deployment,
      status: deploymentStatus(deployment, state),
    }));
  }

  image(name: Name): string | undefined {
    return this.scene.deployment(name)?.spec?.template.spec?.containers[0]?.image;
  }

  images(): string {
    return names.map((name) => this.image(name)?.replace('edge:', '')).join(' ');
  }

  reason(name: Name): string | undefined {
    return this.scene.condition(name, 'Progressing')?.reason;
  }

  async until(images: string): Promise<void> {
    await this.scene.kube.until(() => this.images() === images);
    await this.scene.idle(this.running);
    assert.equal(this.images(), images, 'and no others');
  }

  async told(name: Name, reason: string): Promise<void> {
    await this.scene.kube.until(() => this.reason(name) === reason);
  }
}

function deploymentStatus({ metadata, spec }: V1Deployment, state: 'ready' | 'rolling' | 'stuck'): V1DeploymentStatus {
  const replicas = spec?.replicas ?? 0;
  const reasons = { ready: 'NewReplicaSetAvailable', rolling: 'ReplicaSetUpdated', stuck: 'ProgressDeadlineExceeded' };
  const lastUpdateTime = new Date().toISOString() as unknown as Date;
  return {
    observedGeneration: metadata?.generation ?? 0,
    replicas,
    updatedReplicas: state === 'ready' ? replicas : 1,
    availableReplicas: replicas,
    conditions: [
      { type: 'Progressing', status: state === 'stuck' ? 'False' : 'True', reason: reasons[state], lastUpdateTime },
    ],
  };
}

describe('an operator with another default image', options, () => {
  it('brings it to one EdgeCluster after the other, when the one before is ready', async (t) => {
    const upgrade = await Upgrade.start(t);
    await upgrade.until('2 1 1');
    await upgrade.told('b', 'UpgradeWaits');
    await upgrade.told('c', 'UpgradeWaits');
    assert.equal(upgrade.scene.condition('b', 'Available')?.status, upgrade.scene.condition('a', 'Available')?.status);
    assert.match(upgrade.scene.condition('b', 'Progressing')?.message ?? '', /one EdgeCluster at a time/);
    upgrade.pods('a', 'rolling');
    await upgrade.until('2 1 1');
    upgrade.pods('a', 'ready');
    await upgrade.until('2 2 1');
    upgrade.pods('b', 'ready');
    await upgrade.until('2 2 2');
    upgrade.pods('c', 'ready');
    for (const name of names) await upgrade.told(name, 'Settled');
    await upgrade.scene.atRest(upgrade.running);
    upgrade.scene.kube.forgetRequests();
    await upgrade.restart();
    assert.deepEqual(upgrade.scene.writes(), [], 'the next operator finds all done');
  });

  it('as many at a time as it is told', async (t) => {
    const upgrade = await Upgrade.start(t, { upgradePace: { clusters: 2, pauseMs: 0 } });
    await upgrade.until('2 2 1');
    upgrade.pods('b', 'ready');
    await upgrade.until('2 2 2');
  });

  it('waits for the pause between two, and a restart does not shorten it', async (t) => {
    const pause = { upgradePace: { clusters: 1, pauseMs: 3_600_000 } };
    const upgrade = await Upgrade.start(t, pause);
    // What they ran before was ready a moment ago, but that was no turn.
    await upgrade.until('2 1 1');
    upgrade.pods('a', 'ready');
    await upgrade.until('2 1 1');
    await upgrade.restart(pause);
    await upgrade.until('2 1 1');
    await upgrade.told('c', 'UpgradeWaits');
    await upgrade.restart();
    await upgrade.until('2 2 1');
  });

  it('is stopped and started again in the middle: the next one goes on, not from the beginning', async (t) => {
    const upgrade = await Upgrade.start(t);
    await upgrade.until('2 1 1');
    upgrade.pods('a', 'rolling');
    await upgrade.restart();
    await upgrade.until('2 1 1');
    upgrade.pods('a', 'ready');
    await upgrade.until('2 2 1');
  });

  it('stops when one does not become ready: condition, event and metric; and goes on when it does', async (t) => {
    const upgrade = await Upgrade.start(t);
    const { scene } = upgrade;
    await upgrade.until('2 1 1');
    upgrade.pods('a', 'stuck');
    await scene.kube.until(() => scene.events('a').includes('UpgradeHalted'));
    await upgrade.until('2 1 1');
    const address = `http://127.0.0.1:${upgrade.running.operator.port}/metrics`;
    const metrics = await (await fetch(address)).text();
    assert.match(metrics, /^edgecluster_operator_upgrade_clusters\{state="halted"\} 1$/m);
    assert.match(metrics, /^edgecluster_operator_upgrade_clusters\{state="waiting"\} 2$/m);
    await upgrade.restart();
    await upgrade.told('b', 'UpgradeHalted');
    assert.match(scene.condition('b', 'Progressing')?.message ?? '', /media\/a got it and does not become ready/);
    await upgrade.until('2 1 1');
    upgrade.pods('a', 'ready');
    await upgrade.until('2 2 1');
  });

  it('that is stopped: the remedy, another image, goes to the one that is stuck first', async (t) => {
    const upgrade = await Upgrade.start(t);
    await upgrade.until('2 1 1');
    upgrade.pods('a', 'stuck');
    await upgrade.restart({ edgeImage: 'edge:3' });
    await upgrade.until('3 1 1');
    upgrade.pods('a', 'ready');
    await upgrade.until('3 3 1');
  });

  it('holds back no change of a person', async (t) => {
    const upgrade = await Upgrade.start(t);
    const { scene } = upgrade;
    await upgrade.until('2 1 1');
    upgrade.pods('a', 'stuck');
    scene.cluster('b', { replicas: 5, logLevel: 'Debug' });
    await scene.kube.until(() => scene.deployment('b')?.spec?.replicas === 5);
    await scene.kube.until(() => scene.conf('b').includes('srs_log_level_v2 debug;'));
    assert.equal(upgrade.images(), '2 1 1', 'edges and configuration, with the pods as they are');
    scene.cluster('c', { pods: { image: 'mine:1' } });
    await scene.kube.until(() => upgrade.image('c') === 'mine:1');
    upgrade.pods('c', 'stuck');
    await upgrade.until('2 1 mine:1');
    // Nor does one that fails hold back anybody else.
    upgrade.pods('a', 'ready');
    await upgrade.until('2 2 mine:1');
  });

  it('forgets one that is deleted, whether it waits or has its turn', async (t) => {
    const upgrade = await Upgrade.start(t);
    const { scene } = upgrade;
    await upgrade.until('2 1 1');
    await upgrade.told('b', 'UpgradeWaits');
    scene.kube.remove(RESOURCES.EdgeCluster, namespace, 'b');
    await scene.kube.until(() => scene.deployment('b') === undefined);
    scene.kube.remove(RESOURCES.EdgeCluster, namespace, 'a');
    await scene.kube.until(() => upgrade.image('c') === 'edge:2');
  });
});

/** A changed configuration is tried on a few edges first. On the double of the API, with edges that say what the test says. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import type { V1ConfigMap, V1Deployment, V1Pod } from '@kubernetes/client-node';
import { CONFIG_FILE, CONFIG_HALTED, CONFIG_KEY } from '../../../../operator/api/labels.ts';
import { RESOURCES } from '../../../../operator/kube/resources.ts';
import { FakeEdge } from '../../../support/fake-edge.ts';
import { namespace, OperatorScene, type RunningOperator } from '../../../support/operator-scene.ts';

const options = { timeout: 90_000 };
const times = { pollIntervalMs: 50 };
const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 16);
const first = { configRollout: { watchSeconds: 1 } };
const changed = { ...first, maxConnections: 7 };

class Tier {
  readonly scene: OperatorScene;
  readonly edges: readonly FakeEdge[];
  running: RunningOperator;

  private constructor(scene: OperatorScene, running: RunningOperator, edges: readonly FakeEdge[]) {
    this.scene = scene;
    this.running = running;
    this.edges = edges;
  }

  /** An EdgeCluster `live` with running edges, all well. */
  static async start(t: { after(fn: () => void): void }, spec: object = first, count = 3): Promise<Tier> {
    const scene = await OperatorScene.start(t);
    const running = scene.operator({ times });
    scene.cluster('live', { replicas: count, ...spec });
    await scene.settled('live', running);
    const edges = await Promise.all(Array.from({ length: count }, () => FakeEdge.start(t)));
    const tier = new Tier(scene, running, edges);
    const labels = scene.deployment('live')?.spec?.template.metadata?.labels ?? {};
    for (const [i, edge] of edges.entries()) {
      edge.hash = tier.hash(CONFIG_KEY);
      scene.kube.put(edge.pod(`live-${i}`, 'live', namespace, labels));
    }
    scene.kube.change<V1Deployment>(RESOURCES.Deployment, namespace, 'live', (deployment) => ({
      ...deployment,
      status: { observedGeneration: deployment.metadata?.generation ?? 0, replicas: count, updatedReplicas: count },
    }));
    await tier.reason('Settled');
    return tier;
  }

  change(spec: object): void {
    this.scene.cluster('live', { replicas: this.edges.length, ...spec });
  }

  async restart(): Promise<void> {
    await this.running.stop();
    this.running = this.scene.operator({ times });
    await this.scene.kube.until(() => this.running.operator.ready);
  }

  get configMap(): V1ConfigMap | undefined {
    return this.scene.get<V1ConfigMap>(RESOURCES.ConfigMap, 'live');
  }

  get files(): string[] {
    return Object.keys(this.configMap?.data ?? {}).filter((key) => key.endsWith('.conf'));
  }

  get file(): string | undefined {
    return this.files.find((key) => key.startsWith('canary-'));
  }

  hash(file: string): string {
    return hashOf(this.configMap?.data?.[file] ?? '');
  }

  /** What each pod is told to run. */
  get told(): (string | undefined)[] {
    return this.edges.map((_, i) => {
      const pod = this.scene.get<V1Pod>(RESOURCES.Pod, `live-${i}`);
      return pod?.metadata?.annotations?.[CONFIG_FILE];
    });
  }

  /** Every edge does what its pod is told, as the kubelet brings it. */
  take(): void {
    for (const [i, file] of this.told.entries())
      this.edges[i]!.hash = this.hash(file !== undefined && this.files.includes(file) ? file : CONFIG_KEY);
  }

  async reason(reason: string): Promise<void> {
    await this.scene.kube.until(() => this.scene.condition('live', 'Progressing')?.reason === reason, 20_000);
  }

  async canary(): Promise<string> {
    await this.scene.kube.until(() => this.told.some((file) => file !== undefined && file === this.file));
    return this.file ?? '';
  }

  /** @param file the one that is put back */
  async halted(file: string): Promise<string> {
    const message = (): string => this.scene.condition('live', 'Degraded')?.message ?? '';
    await this.scene.kube.until(() => message().includes(`(${file})`), 20_000);
    assert.equal(this.scene.condition('live', 'Degraded')?.reason, 'ConfigHalted');
    await this.scene.kube.until(() => this.told.every((file) => file === undefined));
    return message();
  }

  /** Until all edges run what is asked for. */
  async everywhere(): Promise<void> {
    await this.scene.kube.until(() => this.scene.conf('live').includes('max_connections 7;'), 20_000);
    await this.scene.kube.until(() => this.told.every((file) => file === undefined));
    this.take();
    await this.reason('Settled');
    assert.deepEqual(this.files, [CONFIG_KEY]);
  }
}

describe('a changed configuration that can make edges refuse clients', options, () => {
  it('is tried on one edge, then reaches the others', async (t) => {
    const tier = await Tier.start(t);
    const before = tier.scene.conf('live');
    const { configHash } = tier.scene.edgeCluster('live')?.status ?? {};
    tier.change(changed);
    const file = await tier.canary();
    assert.deepEqual(tier.told, [file, undefined, undefined]);
    assert.equal(tier.scene.conf('live'), before, 'the others keep what they have');
    assert.match(tier.configMap?.data?.[file] ?? '', /max_connections 7;/);
    await tier.reason('ConfigCanary');
    const message = tier.scene.condition('live', 'Progressing')?.message ?? '';
    assert.match(message, /tried on 1 of 3 edges, live-0, .* for 1 s; it changes max_connections/);
    assert.equal(tier.scene.edgeCluster('live')?.status?.configHash, configHash);
    assert.deepEqual(tier.told, [file, undefined, undefined], 'as long as it has not taken it');
    tier.take();
    await tier.everywhere();
    assert.ok(tier.scene.events('live').includes('ConfigCanary'));
    await tier.scene.idle(tier.running);
    tier.scene.kube.forgetRequests();
    await tier.restart();
    await tier.scene.idle(tier.running);
    assert.deepEqual(tier.scene.writes(), [], 'the next operator finds all done');
  });

  it('is put back when the edge refuses more clients, and the condition says which edge said what', async (t) => {
    const tier = await Tier.start(t);
    const before = tier.scene.conf('live');
    tier.change({ ...changed, configRollout: { watchSeconds: 3600 } });
    const file = await tier.canary();
    tier.take();
    await tier.edges[0]!.told();
    tier.edges[0]!.clients = { taken: 5, refused: 5 };
    assert.match(await tier.halted(file), /pod live-0: it refused 5 of 5 clients \(100 %\).*canary-/);
    assert.equal(tier.scene.conf('live'), before);
    assert.deepEqual(tier.files, [CONFIG_KEY]);
    tier.take();
    await tier.reason('Blocked');
    assert.ok(tier.scene.events('live').includes('ConfigHalted'));
    // The next operator does not try it again.
    await tier.restart();
    await tier.scene.idle(tier.running);
    assert.deepEqual(tier.told, [undefined, undefined, undefined]);
    assert.match(await tier.halted(file), /pod live-0: it refused 5 of 5 clients/);
    // All else of a spec is in force.
    tier.change({ ...changed, replicas: 9, logLevel: 'Info' });
    await tier.scene.kube.until(() => tier.scene.deployment('live')?.spec?.replicas === 9);
  });

  it('that was put back: another change is tried, undone it is forgotten, Immediate takes it all the same', async (t) => {
    const tier = await Tier.start(t);
    const halt = async (): Promise<void> => {
      const file = await tier.canary();
      tier.edges[0]!.configError = 'canary.conf:1:1: wrong';
      assert.match(await tier.halted(file), /pod live-0: it refuses the file: canary.conf:1:1: wrong/);
      tier.edges[0]!.configError = null;
      await tier.edges[0]!.told();
    };
    tier.change({ ...first, maxConnections: 5 });
    await halt();
    const former = tier.configMap?.metadata?.annotations?.[CONFIG_HALTED];
    tier.change({ ...first, maxConnections: 6 });
    await halt();
    assert.notEqual(tier.configMap?.metadata?.annotations?.[CONFIG_HALTED], former);
    tier.change(first);
    await tier.reason('Settled');
    assert.equal(tier.configMap?.metadata?.annotations?.[CONFIG_HALTED], undefined);
    tier.change({ ...first, maxConnections: 6 });
    await halt();
    tier.change({ configRollout: { strategy: 'Immediate' }, maxConnections: 7 });
    await tier.everywhere();
  });

  it('that is not valid any more after it was put back goes nowhere', async (t) => {
    const tier = await Tier.start(t);
    const before = tier.scene.conf('live');
    tier.change(changed);
    const file = await tier.canary();
    tier.edges[0]!.configError = 'wrong';
    await tier.halted(file);
    tier.change({ ...changed, extraDirectives: 'no_such_directive on;' });
    await tier.scene.kube.until(() => tier.scene.condition('live', 'ConfigValid')?.status === 'False');
    await tier.scene.idle(tier.running);
    assert.equal(tier.scene.conf('live'), before);
  });

  it('is watched anew by the next operator, on the same edge', async (t) => {
    const tier = await Tier.start(t, first, 4);
    tier.change({ ...changed, configRollout: { watchSeconds: 3600 } });
    const file = await tier.canary();
    tier.take();
    await tier.restart();
    await tier.scene.idle(tier.running);
    await tier.reason('ConfigCanary');
    assert.deepEqual(tier.told, [file, undefined, undefined, undefined]);
    tier.change({ ...changed, configRollout: { watchSeconds: 1 } });
    await tier.everywhere();
  });

  it('is tried on as many as are asked for, and on another one when a canary goes', async (t) => {
    const tier = await Tier.start(t, first, 4);
    tier.change({ ...changed, configRollout: { watchSeconds: 3600, canaries: 2 } });
    const file = await tier.canary();
    await tier.scene.kube.until(() => tier.told.filter((one) => one === file).length === 2);
    assert.deepEqual(tier.told, [file, file, undefined, undefined]);
    tier.take();
    tier.scene.kube.remove(RESOURCES.Pod, namespace, 'live-0');
    await tier.scene.kube.until(() => tier.told.filter((one) => one === file).length === 2);
    assert.deepEqual(tier.told, [undefined, file, file, undefined]);
  });

  it('follows the origins that are discovered, in both files, without being tried anew', async (t) => {
    const origins = [{ name: 'main', service: { name: 'origins' } }];
    const tier = await Tier.start(t, { ...first, origins });
    tier.change({ ...changed, origins, configRollout: { watchSeconds: 3600 } });
    const file = await tier.canary();
    tier.take();
    const service = { name: 'origins', namespace };
    tier.scene.kube.put({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: service,
      spec: { ports: [{ port: 1935 }], ipFamilies: ['IPv4'] },
    } as never);
    tier.scene.kube.put({
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name: 'origins-1', namespace, labels: { 'kubernetes.io/service-name': 'origins' } },
      addressType: 'IPv4',
      endpoints: [{ addresses: ['10.9.9.9'], conditions: { ready: true } }],
      ports: [{ port: 1935 }],
    } as never);
    const has = (name: string): boolean => tier.configMap?.data?.[name]?.includes('10.9.9.9') === true;
    await tier.scene.kube.until(() => has(CONFIG_KEY) && has(file));
    assert.equal(tier.file, file);
    assert.deepEqual(tier.told, [file, undefined, undefined]);
    assert.ok(!tier.scene.conf('live').includes('max_connections 7;'));
  });
});

describe('a changed configuration that is not tried', options, () => {
  it('cannot make edges refuse clients, is Immediate, or comes with other pods', async (t) => {
    const tier = await Tier.start(t, { ...first, logLevel: 'Warn' });
    const changes: readonly (readonly [object, RegExp])[] = [
      [{ ...first, logLevel: 'Debug' }, /srs_log_level_v2 debug;/],
      [{ configRollout: { strategy: 'Immediate' }, maxConnections: 5 }, /max_connections 5;/],
      [{ ...first, maxConnections: 6, listeners: { rtmp: { port: 1936 } } }, /max_connections 6;/],
    ];
    for (const [spec, line] of changes) {
      tier.change(spec);
      await tier.scene.kube.until(() => line.test(tier.scene.conf('live')));
      assert.deepEqual(tier.files, [CONFIG_KEY]);
      assert.deepEqual(tier.told, [undefined, undefined, undefined]);
    }
  });

  it('with Canary there is none', async (t) => {
    const tier = await Tier.start(t);
    tier.change({ configRollout: { strategy: 'Canary', watchSeconds: 3600 }, logLevel: 'Debug' });
    assert.match(await tier.canary(), /^canary-[0-9a-f]{8}\.conf$/);
  });

  it('while no edge is ready', async (t) => {
    const scene = await OperatorScene.start(t);
    const running = scene.operator();
    scene.cluster('live', first);
    await scene.settled('live', running);
    scene.cluster('live', changed);
    await scene.kube.until(() => scene.conf('live').includes('max_connections 7;'));
  });
});

/** An EdgeCluster whose configuration is changed, on the double of the API, with edges that say what the test says. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { V1ConfigMap, V1Pod } from '@kubernetes/client-node';
import { CONFIG_FILE, CONFIG_KEY } from '../../operator/api/labels.ts';
import { RESOURCES } from '../../operator/kube/resources.ts';
import { FakeEdge } from './fake-edge.ts';
import { OperatorScene, type RunningOperator } from './operator-scene.ts';

const times = { pollIntervalMs: 50 };
const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 16);
const first = { configRollout: { watchSeconds: 1 } };

export class ConfigTier {
  readonly scene: OperatorScene;
  readonly edges: readonly FakeEdge[];
  running: RunningOperator;

  private constructor(scene: OperatorScene, running: RunningOperator, edges: readonly FakeEdge[]) {
    this.scene = scene;
    this.running = running;
    this.edges = edges;
  }

  /** An EdgeCluster `live` with running edges, all well. */
  static async start(t: { after(fn: () => void): void }, spec: object = first, count = 3): Promise<ConfigTier> {
    const scene = await OperatorScene.start(t);
    const running = scene.operator({ times });
    scene.cluster('live', { replicas: count, ...spec });
    await scene.settled('live', running);
    const edges = await Promise.all(Array.from({ length: count }, () => FakeEdge.start(t)));
    const tier = new ConfigTier(scene, running, edges);
    for (const edge of edges) edge.hash = tier.hash(CONFIG_KEY);
    scene.runEdges('live', edges);
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

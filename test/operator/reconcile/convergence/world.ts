/** A Kubernetes API on which steps are done, with operators at work on it. */

import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { KubernetesObject, V1Deployment, V1Pod } from '@kubernetes/client-node';
import { CLUSTER_LABEL, labelsOf, PAUSED } from '../../../../operator/api/labels.ts';
import type { EdgeCluster } from '../../../../operator/api/types.ts';
import { RESOURCES } from '../../../../operator/kube/resources.ts';
import { FakeEdge } from '../../../support/fake-edge.ts';
import type { FaultHandle } from '../../../support/kube-api/kube-api.ts';
import { manifestOf, namespace, OperatorScene, type RunningOperator } from '../../../support/operator-scene.ts';
import { originService, originSlice } from '../../../support/origin-service.ts';
import { meddled } from './meddled.ts';
import { resourceOf, versionsOf } from './picture.ts';
import { type ClusterName, clusters, failures, type OwnedPlural, type Step, specs } from './steps.ts';

type After = { after(fn: () => Promise<void> | void): void };

const lease = { leaseMs: 2000, renewMs: 1000, retryMs: 50 };
const pollIntervalMs = 200;
/** Whether players are to move is looked at after half a minute. */
const always = { rebalance: { playersPerMinute: 0 } };
/** Who changes the same object more often finds pauses of minutes. */
const meddlingMost = 2;
const restMs = 40_000;

export class World {
  readonly scene: OperatorScene;
  readonly #edges: Readonly<Record<ClusterName, readonly FakeEdge[]>>;
  #running: RunningOperator[] = [];
  /** Faults that end after some steps. */
  #away: { readonly fault: FaultHandle; stepsLeft: number; readonly forgotten: boolean }[] = [];
  readonly #faults: FaultHandle[] = [];
  readonly #meddled = new Map<string, { count: number; how: Set<string> }>();

  private constructor(scene: OperatorScene, edges: Readonly<Record<ClusterName, readonly FakeEdge[]>>) {
    this.scene = scene;
    this.#edges = edges;
  }

  static async start(t: After): Promise<World> {
    const scene = await OperatorScene.start(t);
    const pair = async () => [await FakeEdge.start(t), await FakeEdge.start(t)];
    return new World(scene, { live: await pair(), other: await pair() });
  }

  /** An EdgeCluster with two edges that serve. */
  async settle(operators: 1 | 2): Promise<void> {
    this.scene.cluster('live', always);
    this.startOperators(operators);
    for (const index of [0, 1] as const) this.#pod('live', index, 'ready');
    await this.rest();
  }

  startOperators(count: 1 | 2): void {
    const leaderElection = count > 1;
    const names = ['first', 'second'].slice(0, count);
    for (const identity of names)
      this.#running.push(this.scene.operator({ leaderElection, identity, times: { lease, pollIntervalMs } }));
  }

  async stopOperators(): Promise<void> {
    await Promise.all(this.#running.map((running) => running.stop()));
    this.#running = [];
    this.scene.kube.forgetRequests();
    // Those that come next know nothing of a fight.
    this.#meddled.clear();
  }

  async run(step: Step): Promise<void> {
    await this.#do(step);
    for (const away of this.#away) if (--away.stepsLeft === 0) this.#comeBack(away);
    this.#away = this.#away.filter(({ stepsLeft }) => stepsLeft > 0);
  }

  async #do(step: Step): Promise<void> {
    const { kube } = this.scene;
    switch (step.do) {
      case 'apply':
        this.scene.cluster(step.cluster, { ...always, ...specs[step.spec] });
        return;
      case 'delete':
        kube.remove(RESOURCES.EdgeCluster, namespace, step.cluster);
        return;
      case 'annotate':
        return this.#annotate(step.cluster, step.key === 'paused' ? PAUSED : 'their/annotation', step.set);
      case 'meddle':
        return this.#meddle(step.cluster, step.with, step.with === 'controllerrevisions' ? 'delete' : step.how);
      case 'rollOut':
        return this.#rollOut(step.cluster, step.whole);
      case 'pod':
        return this.#pod(step.cluster, step.index, step.to);
      case 'origin':
        return this.#origin(step.to);
      case 'drop':
        kube.dropWatches(step.plural);
        return;
      case 'expire':
        kube.compact();
        kube.expireWatches(step.plural);
        return;
      case 'away': {
        const effect = { connection: 'reset' } as const;
        const fault = kube.fault({ verb: ['list', 'watch'], resource: step.plural, times: 10_000, effect });
        kube.dropWatches(step.plural);
        this.#away.push({ fault, stepsLeft: step.steps, forgotten: step.forgotten });
        return;
      }
      case 'fail': {
        const verb = ['apply', 'patch', 'delete', 'create'] as const;
        this.#faults.push(kube.fault({ verb, resource: step.plural, times: step.times, effect: failures[step.how] }));
        return;
      }
      case 'outage':
        await kube.goAway();
        await kube.comeBack();
        return;
      case 'restart': {
        const [oldest, ...others] = this.#running;
        await oldest?.stop();
        this.#running = others;
        kube.forgetRequests();
        const options = { leaderElection: others.length > 0, identity: `operator-${Math.random()}` };
        this.#running.push(this.scene.operator({ ...options, times: { lease, pollIntervalMs } }));
        return;
      }
      case 'wait':
        await sleep(step.ms);
        return;
      case 'work':
        await this.#work();
    }
  }

  /** Ends all that goes wrong. */
  calm(): void {
    if (this.scene.get(RESOURCES.Service, 'srs') !== undefined) this.#origin('one');
    for (const away of this.#away) this.#comeBack(away);
    this.#away = [];
    for (const fault of this.#faults) fault.end();
  }

  #comeBack({ fault, forgotten }: { readonly fault: FaultHandle; readonly forgotten: boolean }): void {
    if (forgotten) this.scene.kube.compact();
    fault.end();
  }

  /** Until the operators have nothing to do, while Kubernetes' controllers and the edges follow what they write. */
  async rest(): Promise<void> {
    const untilMs = performance.now() + restMs;
    for (let quiet = 0; quiet < 5; ) {
      assert.ok(performance.now() < untilMs, `no rest: ${JSON.stringify(this.scene.writes().slice(-5))}`);
      await sleep(20);
      const version = versionsOf(this.scene);
      for (const name of clusters) {
        this.#rollOut(name, true);
        for (const edge of this.#edges[name]) edge.hash = this.scene.edgeCluster(name)?.status?.configHash ?? '';
      }
      quiet = versionsOf(this.scene) === version && this.#isQuiet() ? quiet + 1 : 0;
    }
  }

  /** Until nothing is to be done but later. Status is written half a second after objects. */
  async #work(): Promise<void> {
    const untilMs = performance.now() + 900;
    for (let quiet = 0; quiet < 3 && performance.now() < untilMs; ) {
      await sleep(10);
      quiet = this.#running.every(({ operator }) => (operator.sizes?.queue ?? 0) === 0) ? quiet + 1 : 0;
    }
  }

  /** Whether the operator knows that all pods of an EdgeCluster run its configuration. */
  #isTold(name: ClusterName): boolean {
    const { configHash, configuredReplicas } = this.scene.edgeCluster(name)?.status ?? {};
    if (configHash === undefined) return true;
    const pods = this.scene.kube.objects(RESOURCES.Pod, namespace);
    return configuredReplicas === pods.filter(({ metadata }) => metadata?.labels?.[CLUSTER_LABEL] === name).length;
  }

  #isQuiet(): boolean {
    const sizes = this.#running.map(({ operator }) => operator.sizes).filter((size) => size !== undefined);
    const leads = sizes.length === 1 && this.#running.every(({ operator }) => operator.ready);
    const asked = new Set(
      this.scene.kube.requests
        .filter(({ verb }) => verb === 'list')
        .map(({ resource, query }) => JSON.stringify([resource, query.labelSelector, query.fieldSelector])),
    );
    return (
      leads &&
      sizes[0]?.queue === 0 &&
      clusters.every((name) => this.#isTold(name)) &&
      this.scene.kube.watches() >= asked.size
    );
  }

  /**
   * The same EdgeClusters and pods on another API, where nothing has happened before. Not those whose spec is paused or not
   * valid: what is in force then depends on what was before.
   */
  async anew(t: After): Promise<{ readonly world: World; readonly names: readonly ClusterName[] }> {
    const world = await World.start(t);
    const names = clusters.filter((name) => {
      const valid = this.scene.condition(name, 'ConfigValid')?.status === 'True';
      return valid && this.scene.condition(name, 'Progressing')?.reason !== 'Paused';
    });
    if (this.scene.get(RESOURCES.Service, 'srs') !== undefined) world.#origin('one');
    for (const name of names) world.scene.cluster(name, this.scene.edgeCluster(name)?.spec);
    for (const name of names)
      for (const index of [0, 1] as const) {
        const pod = this.scene.get<V1Pod>(RESOURCES.Pod, `${name}-${index}`);
        if (pod !== undefined)
          world.#pod(name, index, pod.status?.conditions?.[0]?.status === 'True' ? 'ready' : 'start');
      }
    return { world, names };
  }

  /** Writes but of status. */
  ownedWrites(): readonly object[] {
    return this.scene.writes().filter(({ resource }) => resource !== 'edgeclusters');
  }

  #annotate(name: ClusterName, key: string, isSet: boolean): void {
    if (this.scene.edgeCluster(name) === undefined) return;
    this.scene.kube.change<EdgeCluster>(RESOURCES.EdgeCluster, namespace, name, ({ metadata, ...cluster }) => {
      const { [key]: _, ...others } = metadata.annotations ?? {};
      return { ...cluster, metadata: { ...metadata, annotations: { ...others, ...(isSet && { [key]: 'true' }) } } };
    });
  }

  #meddle(cluster: ClusterName, plural: OwnedPlural, how: (Step & { do: 'meddle' })['how']): void {
    const { kube } = this.scene;
    const resource = resourceOf(plural);
    const found = kube
      .objects<KubernetesObject>(resource, namespace)
      .find(
        ({ metadata }) => metadata?.labels?.[CLUSTER_LABEL] === cluster && metadata?.name?.includes('hls') !== true,
      );
    if (found === undefined) return;
    const name = found.metadata?.name ?? '';
    const known = this.#meddled.get(`${plural} ${name}`) ?? { count: 0, how: new Set() };
    // Without owner and labels it is nobody's, and left alone.
    if (known.count >= meddlingMost || (how === 'owner' && known.how.has('labels'))) return;
    if (how === 'labels' && known.how.has('owner')) return;
    known.how.add(how);
    this.#meddled.set(`${plural} ${name}`, { count: known.count + 1, how: known.how });
    if (how === 'delete') kube.remove(resource, namespace, name);
    else kube.put(meddled(found, how), 'somebody');
  }

  #rollOut(name: ClusterName, whole: boolean): void {
    for (const resourceName of [name, `${name}-hls`]) {
      if (this.scene.deployment(resourceName) === undefined) continue;
      this.scene.kube.change<V1Deployment>(RESOURCES.Deployment, namespace, resourceName, (deployment) => {
        const { replicas = 0 } = deployment.spec ?? {};
        const { generation: observedGeneration = 0 } = deployment.metadata ?? {};
        const updatedReplicas = whole ? replicas : Math.floor(replicas / 2);
        const progress = { type: 'Progressing', status: 'True', reason: 'NewReplicaSetAvailable' };
        const conditions = whole ? [progress] : [];
        return { ...deployment, status: { observedGeneration, replicas, updatedReplicas, conditions } };
      });
    }
  }

  #pod(cluster: ClusterName, index: 0 | 1, to: 'start' | 'ready' | 'gone'): void {
    const { kube } = this.scene;
    const name = `${cluster}-${index}`;
    if (to === 'gone') return kube.remove(RESOURCES.Pod, namespace, name);
    const labels = labelsOf(manifestOf(cluster) as EdgeCluster);
    const pod = this.#edges[cluster][index]?.pod(name, cluster, namespace, labels) as V1Pod;
    const isReady = to === 'ready';
    const conditions = [{ type: 'Ready', status: isReady ? 'True' : 'False' }];
    const before = kube.object<V1Pod>(RESOURCES.Pod, namespace, name);
    kube.put({ ...pod, ...(before && { metadata: before.metadata }), status: { ...pod.status, conditions } } as V1Pod);
  }

  #origin(to: 'gone' | 'one' | 'two'): void {
    const { kube } = this.scene;
    if (to === 'gone') return kube.remove(RESOURCES.EndpointSlice, namespace, 'srs-abc');
    kube.put(originService('srs'));
    const slice = originSlice('srs', to === 'one' ? ['10.0.0.1'] : ['10.0.0.1', '10.0.0.2']);
    const before = kube.object(RESOURCES.EndpointSlice, namespace, 'srs-abc');
    kube.put({ ...slice, ...(before && { metadata: before.metadata }) } as typeof slice);
  }
}

/** An in-process Kubernetes API with operators at work on it, for tests of what they do. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { KubernetesObject, V1ConfigMap, V1Deployment } from '@kubernetes/client-node';
import { pino } from 'pino';
import { admit } from '../../operator/api/admission.ts';
import { CONFIG_KEY } from '../../operator/api/labels.ts';
import type { Condition, ConditionType, EdgeCluster } from '../../operator/api/types.ts';
import { RESOURCES, type Resource } from '../../operator/kube/resources.ts';
import { Operator, type OperatorTimes } from '../../operator/operator.ts';
import type { OperatorOptions } from '../../operator/options.ts';
import type { FakeEdge } from './fake-edge.ts';
import {
  type KubeApiDouble,
  type KubeApiDoubleOptions,
  type KubeObject,
  type LoggedRequest,
  Refusal,
  startKubeApi,
} from './kube-api/kube-api.ts';
import { operatorOptions } from './operator-options.ts';

export const namespace = 'media';

/** Lines of the log, as objects. */
export type LogLine = Readonly<Record<string, unknown>> & { readonly msg: string };

export interface RunningOperator {
  readonly operator: Operator;
  readonly log: readonly LogLine[];
  /** Resolves when it has ended. */
  stop(): Promise<void>;
}

export interface OperatorSettings extends Partial<OperatorOptions> {
  readonly times?: OperatorTimes;
}

type After = { after(fn: () => Promise<void> | void): void };

export class OperatorScene {
  readonly kube: KubeApiDouble;
  readonly #operators = new Set<RunningOperator>();

  private constructor(kube: KubeApiDouble) {
    this.kube = kube;
  }

  /** Ends with the test. */
  static async start(t: After, options: KubeApiDoubleOptions = {}): Promise<OperatorScene> {
    const kube = await startKubeApi({
      namespaces: [namespace],
      absent: ['podmonitors'],
      admission: admitClusters(),
      ...options,
    });
    const scene = new OperatorScene(kube);
    t.after(async () => {
      await Promise.all([...scene.#operators].map((running) => running.stop()));
      await kube.stop();
    });
    return scene;
  }

  /** With an operator that is done with an EdgeCluster `live`; requests count from then on. */
  static async settledWith(t: After, spec: object = {}): Promise<{ scene: OperatorScene; running: RunningOperator }> {
    const scene = await OperatorScene.start(t);
    const running = scene.operator();
    scene.cluster('live', spec);
    await scene.settled('live', running);
    scene.kube.forgetRequests();
    return { scene, running };
  }

  /** Starts one that has no rivals, unless `leaderElection` says so. */
  operator({ times, ...options }: OperatorSettings = {}): RunningOperator {
    const log: LogLine[] = [];
    const operator = new Operator({
      options: operatorOptions('default', { logLevel: 'debug', ...options }),
      access: this.kube.config(),
      log: pino({ level: 'debug', base: null }, { write: (line: string) => log.push(JSON.parse(line) as LogLine) }),
      times: { requestTimeoutMs: 2000, ...times },
    });
    const stop = new AbortController();
    const ended = operator.run(stop.signal);
    const running: RunningOperator = {
      operator,
      log,
      stop: async () => {
        this.#operators.delete(running);
        stop.abort();
        await ended;
      },
    };
    this.#operators.add(running);
    return running;
  }

  /** Creates or changes an EdgeCluster as kubectl would. */
  cluster(name: string, spec: object = {}): EdgeCluster {
    const before = this.kube.object<EdgeCluster>(RESOURCES.EdgeCluster, namespace, name);
    const manifest = manifestOf(name, spec);
    return this.kube.put(
      before === undefined ? manifest : { ...before, spec: manifest.spec },
      'kubectl',
    ) as EdgeCluster;
  }

  edgeCluster(name: string): EdgeCluster | undefined {
    return this.get<EdgeCluster>(RESOURCES.EdgeCluster, name);
  }

  condition(name: string, type: ConditionType): Condition | undefined {
    return this.edgeCluster(name)?.status?.conditions?.find((condition) => condition.type === type);
  }

  get<T extends KubernetesObject>(resource: Resource, name: string): T | undefined {
    return this.kube.object<T>(resource, namespace, name);
  }

  /** The edge.conf that edges of the cluster are to run; empty while there is none. */
  conf(name: string): string {
    return this.get<V1ConfigMap>(RESOURCES.ConfigMap, name)?.data?.[CONFIG_KEY] ?? '';
  }

  deployment(name: string): V1Deployment | undefined {
    return this.get<V1Deployment>(RESOURCES.Deployment, name);
  }

  /** Its pods run, `NAME-0` and so on, with these edges in them. */
  runEdges(name: string, edges: readonly FakeEdge[]): void {
    const labels = this.deployment(name)?.spec?.template.metadata?.labels ?? {};
    for (const [i, edge] of edges.entries()) this.kube.put(edge.pod(`${name}-${i}`, name, namespace, labels));
    this.rolledOut(name);
  }

  /** Its Deployment's controller tells that all pods are there, and of the newest template. */
  rolledOut(name: string): void {
    this.kube.change<V1Deployment>(RESOURCES.Deployment, namespace, name, (deployment) => {
      const replicas = deployment.spec?.replicas ?? 0;
      const observedGeneration = deployment.metadata?.generation ?? 0;
      return { ...deployment, status: { observedGeneration, replicas, updatedReplicas: replicas } };
    });
  }

  /** Waits until the cluster's status is about its present spec, and the operator has no more to do. */
  async settled(name: string, running: RunningOperator): Promise<void> {
    await this.kube.until(() => {
      const cluster = this.edgeCluster(name);
      return cluster?.status?.observedGeneration === cluster?.metadata.generation;
    });
    await this.idle(running);
  }

  /** Waits until nothing is in work and the caches show what is there. */
  async idle({ operator }: RunningOperator): Promise<void> {
    const until = performance.now() + 10_000;
    for (let quiet = 0; quiet < 3; ) {
      assert.ok(performance.now() < until, 'the operator never rests');
      await sleep(10);
      quiet = operator.sizes?.busy === 0 ? quiet + 1 : 0;
    }
  }

  /** Waits until nothing is to be done, now or later. */
  async atRest(running: RunningOperator): Promise<void> {
    const until = performance.now() + 10_000;
    do {
      await this.idle(running);
      assert.ok(performance.now() < until, 'the operator never rests');
    } while (running.operator.sizes?.queue !== 0);
  }

  /** Writes but those of leases and events. */
  writes(): LoggedRequest[] {
    return this.kube.writes().filter(({ resource }) => resource !== 'leases' && resource !== 'events');
  }

  /** Reasons of the events there are, in the order they happened, of one cluster or all. */
  events(name?: string): string[] {
    type Event = KubernetesObject & { readonly reason: string; readonly regarding: { readonly name: string } };
    return this.kube
      .objects<Event>(RESOURCES.Event)
      .filter(({ regarding }) => name === undefined || regarding.name === name)
      .toSorted((a, b) => Number(a.metadata?.resourceVersion) - Number(b.metadata?.resourceVersion))
      .map(({ reason }) => reason);
  }
}

/** With one group of origins, unless `spec` says otherwise. */
export function manifestOf(name: string, spec: object = {}): { readonly spec: object } & KubernetesObject {
  return {
    apiVersion: 'edgecluster.io/v1alpha1',
    kind: 'EdgeCluster',
    metadata: { name, namespace },
    spec: {
      origins: [{ name: 'main', servers: ['origin-a.media:1935'] }],
      // What tries a change first has tests of its own.
      configRollout: { strategy: 'Immediate' },
      ...spec,
    },
  };
}

/** What the API server does by the CRD's schema; each spec once. */
export function admitClusters(): (object: KubeObject) => KubeObject {
  const specs = new Map<string, unknown>();
  return (object) => {
    if (object.kind !== 'EdgeCluster') return object;
    const { status: _, ...manifest } = object;
    const text = JSON.stringify(object.spec);
    if (!specs.has(text)) {
      const admission = admit(manifest);
      if (!admission.ok) throw new Refusal(422, 'Invalid', admission.errors.join('\n'));
      specs.set(text, admission.cluster.spec);
    }
    return { ...object, spec: structuredClone(specs.get(text)) };
  };
}

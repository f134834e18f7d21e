/**
 * One reconcile of one EdgeCluster: brings it to what it asks for, from what the caches show, whatever has changed. In
 * order: objects (configuration before pods), pods' annotations, status. Where nothing differs nothing is written.
 */

import type { KubernetesObject, V1Deployment, V2HorizontalPodAutoscaler } from '@kubernetes/client-node';
import type { Logger } from 'pino';
import { nameOf } from '../api/labels.ts';
import { pausedBy } from '../api/pause.ts';
import type { EdgeCluster, EdgeClusterStatus } from '../api/types.ts';
import { apiCredentials } from '../render/credential.ts';
import { hlsNameOf } from '../render/hls/names.ts';
import { replicasOf } from '../render/replicas.ts';
import { carryOut, needed, type Outcome, titleOf } from './apply/carry-out.ts';
import { type Desired, type InForce, inForce, running } from './apply/desired.ts';
import { lookAtSecret } from './apply/own-secret.ts';
import { contested, type Plan, plan } from './apply/plan.ts';
import { scaleOnly } from './apply/scale-only.ts';
import type { ClusterMemory } from './cluster-memory.ts';
import { graceEndsInMs } from './edges/fleet.ts';
import { otherLanguages } from './edges/languages.ts';
import { movePlayers } from './edges/move-players.ts';
import { type ConfigTarget, refreshPods, updateCosts, updateMarks } from './edges/pod-annotations.ts';
import { edgePods } from './edges/poller.ts';
import type { ClusterKey } from './observe/caches.ts';
import { checkSecrets } from './observe/discovery.ts';
import { idOf, standingOf } from './observe/ownership.ts';
import type { Requeue } from './queue.ts';
import type { ReconcileDeps } from './reconcile-deps.ts';
import { type ConfigRolloutStep, configRollout } from './rollout/config-rollout.ts';
import type { Stage } from './rollout/config-stage.ts';
import type { Wait } from './rollout/turns.ts';
import { autoscale, type Scaling, standing } from './scaling/autoscale.ts';
import { problemDueInMs } from './scaling/autoscaler-problem.ts';
import { objectProblems } from './status/object-problems.ts';
import type { ObjectProblem, Observation, Pause } from './status/observation.ts';
import { statusOf } from './status/status.ts';
import { type StatusDeps, writeStatus } from './status/status-write.ts';

/** Answers 5xx and conflicts are told to people from so many reconciles in a row on. */
const failuresTold = 3;

export class Reconcile {
  readonly #deps: ReconcileDeps;
  readonly #nowMs: () => number;
  readonly #key: ClusterKey;
  /** With the spec that is in force. */
  #cluster: EdgeCluster;
  readonly #memory: ClusterMemory;
  readonly #log: Logger;

  constructor(deps: ReconcileDeps, nowMs: () => number, key: ClusterKey, cluster: EdgeCluster, memory: ClusterMemory) {
    this.#deps = deps;
    this.#nowMs = nowMs;
    this.#key = key;
    this.#cluster = cluster;
    this.#memory = memory;
    this.#log = deps.log.child({ cluster: key });
  }

  async run(): Promise<Requeue | undefined> {
    const { caches, settings } = this.#deps;
    const live = this.#live();
    const pause = pausedBy(this.#cluster);
    const scaled =
      pause === undefined
        ? await this.#autoscale(live)
        : standing(this.#cluster, this.#autoscaler(live), this.#memory.scaling);
    this.#cluster = scaled.cluster;
    const languages = this.#languages(live);
    const asked = inForce(
      this.#cluster,
      this.#memory.desired,
      caches,
      settings(),
      languages,
      this.#deps.requireConsent,
    );
    const { cluster, origins, httpOrigins } = asked;
    this.#cluster = cluster;
    if (pause !== undefined) return this.#stand(pause, asked, live, languages, scaled.scaling);
    const { desired: configured, stage, canaries } = this.#configRollout(asked.desired, live, languages);
    const { objects, wait } = this.#deps.turns.take(this.#key, cluster, configured.objects, this.#deployment(live));
    const desired: Desired = { ...configured, objects };
    await this.#beforeScalingIn(live);
    const mustLook = !this.#deps.ownSecretsWatched() && settings().masterKeys !== undefined;
    const lookDueInMs = mustLook ? await lookAtSecret(this.#deps, cluster, this.#memory, this.#nowMs()) : undefined;
    let todo: Plan | undefined;
    let outcome: Outcome | undefined;
    let refreshDueInMs: number | undefined;
    if (desired.objects.length > 0) {
      todo = this.#plan(desired, live);
      outcome = await carryOut(
        { ...this.#deps, log: this.#log, nowMs: this.#nowMs },
        this.#cluster,
        todo,
        this.#memory.owned,
      );
      if (outcome.namespaceEnding) return this.#leaveNamespace();
      if (outcome.kindGone) this.#deps.kindGone();
      if (!isLacking(todo, outcome, this.#cluster)) refreshDueInMs = await this.#refresh(desired, canaries);
    }
    if (todo === undefined || outcome === undefined || areEdgesRefused(todo, outcome, this.#cluster))
      await this.#scaleOnly(live);
    else this.#memory.scaledTo = undefined;
    this.#memory.failures = outcome !== undefined && outcome.failed.length > 0 ? this.#memory.failures + 1 : 0;
    await updateCosts(this.#podDeps(), this.#pods(), false, this.#memory.pods);
    const { keepNodesWithClients } = this.#cluster.spec.availability;
    await updateMarks(this.#podDeps(), this.#pods(), keepNodesWithClients, this.#memory.pods);
    this.#follow(desired);
    const moveDueInMs = await movePlayers(
      { ...this.#deps, log: this.#log },
      { cluster: this.#cluster, pods: this.#pods(), deployment: this.#deployment(live) },
      this.#memory.rebalance,
      this.#nowMs(),
    );
    const fights = contested(desired.objects, this.#memory.owned, this.#nowMs());
    const blocked = [...(todo?.blocked ?? []), ...(outcome?.blocked ?? [])];
    const failed = this.#memory.failures >= failuresTold ? (outcome?.failed ?? []) : [];
    const statusDueInMs = await writeStatus(
      this.#statusDeps(),
      this.#cluster,
      this.#status(
        { origins, httpOrigins },
        desired,
        objectProblems(blocked, failed, fights),
        wait,
        stage,
        scaled.scaling,
      ),
      this.#memory.status,
      (outcome?.applied ?? 0) > 0,
    );
    return this.#next(outcome, [
      todo?.dueInMs,
      lookDueInMs,
      refreshDueInMs,
      moveDueInMs,
      statusDueInMs,
      scaled.dueInMs,
      problemDueInMs(this.#autoscaler(live), Date.now()),
      graceEndsInMs(this.#pods(), Date.now()),
      stage.kind === 'watching' ? stage.dueInMs : undefined,
      ...fights.map(({ forgottenInMs }) => forgottenInMs),
    ]);
  }

  /** Paused: nothing but status is written, and what a person edits stays. */
  async #stand(
    by: string,
    { origins, httpOrigins, desired }: InForce,
    live: readonly KubernetesObject[],
    languages: readonly number[],
    scaling: Scaling | undefined,
  ): Promise<Requeue | undefined> {
    const { desired: configured, stage } = this.#configRollout(desired, live, languages);
    const { config, objects: rendered } = configured;
    const { status } = this.#memory;
    const objects = this.#deps.turns.stand(this.#key, this.#cluster, rendered, this.#deployment(live));
    const todo = objects.length > 0 ? this.#plan({ config, objects }, live) : undefined;
    const hash = status.newest(this.#cluster)?.configHash ?? config.hash;
    const present: Desired = { config: hash === undefined ? config : { ...config, hash }, objects: [] };
    this.#follow(present);
    const differing = [...(todo?.apply ?? []).map(({ wanted }) => wanted), ...(todo?.remove ?? [])]
      // That is our own book, and follows what is applied.
      .filter(({ kind }) => kind !== 'ControllerRevision')
      .map(titleOf);
    const dueInMs = await writeStatus(
      this.#statusDeps(),
      this.#cluster,
      this.#status(
        { origins, httpOrigins },
        present,
        objectProblems(todo?.blocked ?? [], [], []),
        undefined,
        stage,
        scaling,
        {
          by,
          differing,
        },
      ),
      status,
      false,
    );
    return this.#next(undefined, [dueInMs]);
  }

  /**
   * Kinds that are not watched are nobody's: what a list shows that has not ended must not be removed. Nor must a
   * Secret, while it is not known what is to be in it.
   */
  #live(): KubernetesObject[] {
    const { caches, settings } = this.#deps;
    const { podMonitors, masterKeys } = settings();
    const known = { PodMonitor: podMonitors, Secret: masterKeys !== undefined };
    return caches.owned(this.#key).filter(({ kind }) => known[kind as keyof typeof known] ?? true);
  }

  #plan(desired: Desired, live: readonly KubernetesObject[]): Plan {
    const { owned } = this.#memory;
    owned.retain(new Set([...desired.objects, ...live].map(idOf)));
    return plan({
      cluster: this.#cluster,
      wanted: desired.objects,
      live,
      memory: owned,
      nowMs: this.#nowMs(),
    });
  }

  /** Kubernetes takes the pods with the least cost: it must be right before, and players of the last seconds count. */
  async #beforeScalingIn(live: readonly KubernetesObject[]): Promise<void> {
    const replicas = this.#deployment(live)?.spec?.replicas ?? 0;
    if (replicasOf(this.#cluster) >= replicas) return;
    await this.#deps.edges.askNow(this.#key);
    await updateCosts(this.#podDeps(), this.#pods(), true, this.#memory.pods);
  }

  /**
   * The configuration is not valid and the former one not known, or the API server refuses the Deployment or what it
   * needs: everything stays as it is, but the number of edges follows. Once for each number: who changes it back is
   * left alone until all is well.
   */
  async #scaleOnly(live: readonly KubernetesObject[]): Promise<void> {
    const deployment = this.#deployment(live);
    const replicas = replicasOf(this.#cluster);
    if (deployment === undefined || this.#memory.scaledTo === replicas) return;
    this.#memory.scaledTo = replicas;
    const isDone = await scaleOnly({ ...this.#deps, log: this.#log }, deployment, replicas, this.#memory.owned);
    if (!isDone) this.#memory.scaledTo = undefined;
  }

  #languages(live: readonly KubernetesObject[]): readonly number[] {
    return otherLanguages(this.#pods(), this.#deployment(live), this.#own('v1', 'ConfigMap', live));
  }

  #configRollout(asked: Desired, live: readonly KubernetesObject[], languages: readonly number[]): ConfigRolloutStep {
    const { caches, edges, settings, requireConsent } = this.#deps;
    const input = {
      cluster: this.#cluster,
      asked,
      render: (cluster: EdgeCluster) =>
        running(cluster, this.#memory.desired, caches, settings(), languages, requireConsent),
      configMap: this.#own('v1', 'ConfigMap', live),
      deployment: this.#deployment(live),
      pods: this.#pods(),
      edge: edges.edge,
      nowMs: this.#nowMs(),
    };
    return configRollout(input, this.#memory.stage);
  }

  /** Ours, as it is now. */
  #deployment(live: readonly KubernetesObject[]): V1Deployment | undefined {
    return this.#own('apps/v1', 'Deployment', live);
  }

  #autoscaler(live: readonly KubernetesObject[]): V2HorizontalPodAutoscaler | undefined {
    // Its kind says so.
    return this.#own('autoscaling/v2', 'HorizontalPodAutoscaler', live) as V2HorizontalPodAutoscaler | undefined;
  }

  #autoscale(live: readonly KubernetesObject[]) {
    const deps = { ...this.#deps, log: this.#log, nowMs: this.#nowMs };
    const input = { key: this.#key, cluster: this.#cluster, deployment: this.#deployment(live), pods: this.#pods() };
    return autoscale(deps, input, this.#memory.scaling);
  }

  /** That of the caches of HLS. */
  #hlsDeployment(live: readonly KubernetesObject[]): V1Deployment | undefined {
    return this.#own('apps/v1', 'Deployment', live, hlsNameOf(this.#cluster));
  }

  #own(
    apiVersion: string,
    kind: string,
    live: readonly KubernetesObject[],
    name = nameOf(this.#cluster),
  ): KubernetesObject | undefined {
    const id = idOf({ apiVersion, kind, metadata: { name } });
    const cached = live.find((object) => idOf(object) === id);
    const newest = this.#memory.owned.newest(id, cached);
    return newest !== undefined && standingOf(newest, this.#cluster) === 'ours' ? newest : undefined;
  }

  async #refresh({ config: { hash } }: Desired, canaries: ConfigTarget['canaries']): Promise<number | undefined> {
    if (hash === undefined) return undefined;
    return refreshPods(this.#podDeps(), this.#pods(), { hash, canaries }, this.#memory.pods, this.#nowMs());
  }

  #follow({ config }: Desired): void {
    const { edges, settings } = this.#deps;
    const { masterKeys } = settings();
    const status = this.#memory.status.newest(this.#cluster);
    const pods = edgePods(this.#pods(), this.#cluster.spec.listeners.api.port);
    const credentials = masterKeys === undefined ? [] : apiCredentials(this.#cluster, masterKeys);
    edges.follow(this.#key, pods, config.hash ?? status?.configHash, credentials);
  }

  #pods() {
    return this.#memory.pods.newest(this.#deps.caches.pods(this.#key));
  }

  #podDeps() {
    const { api, edges, signal } = this.#deps;
    return { api, edge: edges.edge, log: this.#log, signal };
  }

  #statusDeps(): StatusDeps {
    return { ...this.#deps, nowMs: this.#nowMs, clusters: this.#deps.caches.clusterCount };
  }

  #status(
    { origins, httpOrigins }: Pick<InForce, 'origins' | 'httpOrigins'>,
    { config }: Desired,
    objects: readonly ObjectProblem[],
    upgrade: Wait | undefined,
    stage: Stage,
    scaling: Scaling | undefined,
    pause?: Pause,
  ): EdgeClusterStatus {
    const { caches, edges, secretsKnown, masterKeyProblem, definition } = this.#deps;
    const live = this.#live();
    const observation: Observation = {
      cluster: this.#cluster,
      previous: this.#memory.status.newest(this.#cluster),
      config,
      origins,
      secrets: secretsKnown() ? checkSecrets(this.#cluster, caches.secret) : [],
      masterKeyProblem: masterKeyProblem(),
      definition: definition.problemsOf(this.#cluster),
      objects,
      upgrade,
      stage,
      pause,
      scaling,
      autoscaler: this.#autoscaler(live),
      deployment: this.#deployment(live),
      hls: { deployment: this.#hlsDeployment(live), origins: httpOrigins },
      pods: this.#pods(),
      edge: edges.edge,
    };
    return definition.fitted(statusOf(observation, new Date()));
  }

  #leaveNamespace(): undefined {
    this.#memory.namespaceEnding = true;
    this.#deps.turns.forget(this.#key);
    this.#log.info('its namespace is being deleted');
    return undefined;
  }

  #next(outcome: Outcome | undefined, dueInMs: readonly (number | undefined)[]): Requeue | undefined {
    const failed = outcome?.failed ?? [];
    if (failed.length > 0) {
      const atLeastMs = Math.max(0, ...failed.map(({ error }) => error.retryAfterMs ?? 0));
      this.#log.warn(
        { object: failed.map(({ object }) => titleOf(object)), err: failed[0]?.error.message },
        'will try again',
      );
      return { kind: 'backOff', atLeastMs };
    }
    // What was found out just now is due at a time that a new plan knows.
    if ((outcome?.blocked.length ?? 0) > 0 || outcome?.kindGone === true) return { kind: 'after', ms: 1000 };
    const soonestMs = Math.min(...dueInMs.filter((ms) => ms !== undefined));
    return soonestMs === Number.POSITIVE_INFINITY ? undefined : { kind: 'after', ms: Math.ceil(soonestMs) };
  }
}

/** Whether the API server refuses the Deployment of the edges, or what keeps it from being applied. */
function areEdgesRefused(todo: Plan, outcome: Outcome, cluster: EdgeCluster): boolean {
  return [...todo.blocked, ...outcome.blocked].some(
    ({ object, obstacle }) =>
      obstacle.kind === 'refused' &&
      object.metadata.name === nameOf(cluster) &&
      (object.kind === 'Deployment' || needed.has(object.kind)),
  );
}

/** Whether the ConfigMap that pods are to be told of is not there. */
function isLacking(todo: Plan, outcome: Outcome, cluster: EdgeCluster): boolean {
  const lacking = [...todo.blocked, ...outcome.blocked, ...outcome.failed];
  return lacking.some(({ object }) => object.kind === 'ConfigMap' && object.metadata.name === nameOf(cluster));
}

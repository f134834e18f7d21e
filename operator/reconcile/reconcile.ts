/**
 * One reconcile of one EdgeCluster: brings it to what it asks for, from what the caches show, whatever has changed. In
 * order: objects (configuration before pods), pods' annotations, status. Where nothing differs nothing is written.
 */

import type { Logger } from 'pino';
import { pausedBy } from '../api/pause.ts';
import type { EdgeCluster, EdgeClusterStatus } from '../api/types.ts';
import { replicasOf } from '../render/replicas.ts';
import { carryOut, type Outcome, titleOf } from './apply/carry-out.ts';
import { type Desired, type InForce, inForce, running } from './apply/desired.ts';
import { LiveObjects } from './apply/live-objects.ts';
import { lookAtSecret } from './apply/own-secret.ts';
import { contested, type Plan, plan } from './apply/plan.ts';
import { areEdgesRefused, isConfigLacking } from './apply/refused.ts';
import { scaleOnly } from './apply/scale-only.ts';
import type { ClusterMemory } from './cluster-memory.ts';
import { graceEndsInMs } from './edges/fleet.ts';
import { otherLanguages } from './edges/languages.ts';
import type { ClusterKey } from './observe/caches.ts';
import { idOf } from './observe/ownership.ts';
import { checkSecrets } from './observe/tls-secrets.ts';
import type { Requeue } from './queue.ts';
import type { ReconcileDeps } from './reconcile-deps.ts';
import { ReconcilePods } from './reconcile-pods.ts';
import { type ConfigRolloutStep, configRollout } from './rollout/config-rollout.ts';
import type { Stage } from './rollout/config-stage.ts';
import type { Wait } from './rollout/turns.ts';
import { autoscale, type Scaling, standing } from './scaling/autoscale.ts';
import { problemDueInMs } from './scaling/autoscaler-problem.ts';
import { objectProblems } from './status/object-problems.ts';
import type { ObjectProblem, Observation, Pause } from './status/observation.ts';
import { statusOf } from './status/status.ts';
import { type StatusDeps, writeStatus } from './status/status-write.ts';
import { whenNext } from './when-next.ts';

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
  readonly #pods: ReconcilePods;

  constructor(deps: ReconcileDeps, nowMs: () => number, key: ClusterKey, cluster: EdgeCluster, memory: ClusterMemory) {
    this.#deps = deps;
    this.#nowMs = nowMs;
    this.#key = key;
    this.#cluster = cluster;
    this.#memory = memory;
    this.#log = deps.log.child({ cluster: key });
    this.#pods = new ReconcilePods({ ...deps, log: this.#log }, nowMs, key, memory);
  }

  async run(): Promise<Requeue | undefined> {
    const { caches, settings } = this.#deps;
    const live = this.#live();
    const pause = pausedBy(this.#cluster);
    const scaled =
      pause === undefined
        ? await this.#autoscale(live)
        : standing(this.#cluster, live.autoscaler, this.#memory.scaling);
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
    const { objects, wait } = this.#deps.turns.take(this.#key, cluster, configured.objects, live.deployment);
    const desired: Desired = { ...configured, objects };
    await this.#pods.beforeScalingIn(this.#cluster, live.deployment);
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
      if (!isConfigLacking(todo, outcome, this.#cluster))
        refreshDueInMs = await this.#pods.refresh(desired.config, canaries);
    }
    if (todo === undefined || outcome === undefined || areEdgesRefused(todo, outcome, this.#cluster))
      await this.#scaleOnly(live);
    else this.#memory.scaledTo = undefined;
    this.#memory.failures = outcome !== undefined && outcome.failed.length > 0 ? this.#memory.failures + 1 : 0;
    await this.#pods.mark(this.#cluster);
    this.#pods.follow(this.#cluster, desired.config);
    const moveDueInMs = await this.#pods.movePlayers(this.#cluster, live.deployment);
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
    this.#tellFailures(outcome);
    return whenNext(outcome, [
      todo?.dueInMs,
      lookDueInMs,
      refreshDueInMs,
      moveDueInMs,
      statusDueInMs,
      scaled.dueInMs,
      problemDueInMs(live.autoscaler, Date.now()),
      graceEndsInMs(this.#pods.newest(), Date.now()),
      stage.kind === 'watching' ? stage.dueInMs : undefined,
      ...fights.map(({ forgottenInMs }) => forgottenInMs),
    ]);
  }

  /** Paused: nothing but status is written, and what a person edits stays. */
  async #stand(
    by: string,
    { origins, httpOrigins, desired }: InForce,
    live: LiveObjects,
    languages: readonly number[],
    scaling: Scaling | undefined,
  ): Promise<Requeue | undefined> {
    const { desired: configured, stage } = this.#configRollout(desired, live, languages);
    const { config, objects: rendered } = configured;
    const { status } = this.#memory;
    const objects = this.#deps.turns.stand(this.#key, this.#cluster, rendered, live.deployment);
    const todo = objects.length > 0 ? this.#plan({ config, objects }, live) : undefined;
    const hash = status.newest(this.#cluster)?.configHash ?? config.hash;
    const present: Desired = { config: hash === undefined ? config : { ...config, hash }, objects: [] };
    this.#pods.follow(this.#cluster, present.config);
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
    return whenNext(undefined, [dueInMs]);
  }

  /**
   * Kinds that are not watched are nobody's: what a list shows that has not ended must not be removed. Nor must a
   * Secret, while it is not known what is to be in it.
   */
  #live(): LiveObjects {
    const { caches, settings } = this.#deps;
    const { podMonitors, masterKeys } = settings();
    const known = { PodMonitor: podMonitors, Secret: masterKeys !== undefined };
    const cached = caches.owned(this.#key).filter(({ kind }) => known[kind as keyof typeof known] ?? true);
    return new LiveObjects(this.#cluster, cached, this.#memory.owned);
  }

  #plan(desired: Desired, live: LiveObjects): Plan {
    const { owned } = this.#memory;
    owned.retain(new Set([...desired.objects, ...live.cached].map(idOf)));
    return plan({
      cluster: this.#cluster,
      wanted: desired.objects,
      live: live.cached,
      memory: owned,
      nowMs: this.#nowMs(),
    });
  }

  /**
   * The configuration is not valid and the former one not known, or the API server refuses the Deployment or what it
   * needs: everything stays as it is, but the number of edges follows. Once for each number: who changes it back is
   * left alone until all is well.
   */
  async #scaleOnly(live: LiveObjects): Promise<void> {
    const deployment = live.deployment;
    const replicas = replicasOf(this.#cluster);
    if (deployment === undefined || this.#memory.scaledTo === replicas) return;
    this.#memory.scaledTo = replicas;
    const isDone = await scaleOnly({ ...this.#deps, log: this.#log }, deployment, replicas, this.#memory.owned);
    if (!isDone) this.#memory.scaledTo = undefined;
  }

  #languages(live: LiveObjects): readonly number[] {
    return otherLanguages(this.#pods.newest(), live.deployment, live.configMap);
  }

  #configRollout(asked: Desired, live: LiveObjects, languages: readonly number[]): ConfigRolloutStep {
    const { caches, edges, settings, requireConsent } = this.#deps;
    const input = {
      cluster: this.#cluster,
      asked,
      render: (cluster: EdgeCluster) =>
        running(cluster, this.#memory.desired, caches, settings(), languages, requireConsent),
      configMap: live.configMap,
      deployment: live.deployment,
      pods: this.#pods.newest(),
      edge: edges.edge,
      nowMs: this.#nowMs(),
    };
    return configRollout(input, this.#memory.stage);
  }

  #autoscale(live: LiveObjects) {
    const deps = { ...this.#deps, log: this.#log, nowMs: this.#nowMs };
    const input = { key: this.#key, cluster: this.#cluster, deployment: live.deployment, pods: this.#pods.newest() };
    return autoscale(deps, input, this.#memory.scaling);
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
      autoscaler: live.autoscaler,
      deployment: live.deployment,
      hls: { deployment: live.hlsDeployment, origins: httpOrigins },
      pods: this.#pods.newest(),
      edge: edges.edge,
    };
    return definition.fitted(statusOf(observation, new Date()));
  }

  #tellFailures(outcome: Outcome | undefined): void {
    const failed = outcome?.failed ?? [];
    if (failed.length === 0) return;
    this.#log.warn(
      { object: failed.map(({ object }) => titleOf(object)), err: failed[0]?.error.message },
      'will try again',
    );
  }

  #leaveNamespace(): undefined {
    this.#memory.namespaceEnding = true;
    this.#deps.turns.forget(this.#key);
    this.#log.info('its namespace is being deleted');
    return undefined;
  }
}

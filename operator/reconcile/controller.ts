/**
 * What is watched, and which EdgeClusters a change concerns. Runs while this operator leads; its caches live as long.
 *
 * EdgeClusters, what we make and pods are watched always; Services, EndpointSlices and Secrets only once an EdgeCluster
 * refers to one, PodMonitors where their CRD is.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import type { KubernetesObject } from '@kubernetes/client-node';
import type { Logger } from 'pino';
import { scalesByClients } from '../api/autoscaling.ts';
import type { EdgeCluster } from '../api/types.ts';
import { ApiError } from '../kube/api.ts';
import { RESOURCES } from '../kube/resources.ts';
import { aborted } from './aborted.ts';
import { MasterKey } from './apply/master-key.ts';
import type { ControllerOptions, Result } from './controller-options.ts';
import type { EdgeChange } from './edges/edge-change.ts';
import { EdgePoller } from './edges/poller.ts';
import { Caches, type ClusterKey } from './observe/caches.ts';
import { Definition } from './observe/definition.ts';
import { type OwnedListed, OwnWatcher, ours } from './observe/own-watcher.ts';
import { clusterKeyOf } from './observe/ownership.ts';
import { PodMonitors } from './observe/pod-monitors.ts';
import { ReferenceWatcher } from './observe/reference-watcher.ts';
import { referencesOf } from './observe/references.ts';
import { isRevision, servicesIn } from './observe/revisions.ts';
import { namespaceOfKey, Watcher } from './observe/watcher.ts';
import { type Requeue, WorkQueue } from './queue.ts';
import { Reconciler } from './reconciler.ts';
import { Turns, type UpgradeCounts } from './rollout/turns.ts';
import { backOff } from './when-next.ts';

export interface Sizes {
  readonly caches: number;
  readonly remembered: number;
  /** EdgeClusters that wait, for a worker or for a time, or are in work. */
  readonly queue: number;
  /** Of those, the ones that do not wait for a time. */
  readonly busy: number;
}

/** What is gone is often gone with its EdgeCluster, or with others: that news comes on other watches. */
const deletedPauseMs = 100;
/** Other edges answer within this, too. */
const scaleSoonMs = 1000;
/** What is in work when we are to stop may finish within this. */
const finishMs = 3000;

export class Controller {
  readonly #options: ControllerOptions;
  readonly #log: Logger;
  readonly #caches: Caches;
  readonly #edges: EdgePoller;
  readonly #queue: WorkQueue<ClusterKey>;
  readonly #turns: Turns;
  readonly #reconciler: Reconciler;
  readonly #watcher: Watcher;
  readonly #own: OwnWatcher;
  readonly #references: ReferenceWatcher;
  readonly #masterKey: MasterKey;
  readonly #podMonitors: PodMonitors;
  readonly #definition: Definition;
  readonly #signal: AbortSignal;
  /** Ends writes that are under way. */
  readonly #writes = new AbortController();
  #synced = false;

  /** @param signal ends `run` */
  constructor(options: ControllerOptions, signal: AbortSignal) {
    this.#options = options;
    this.#log = options.log;
    this.#caches = new Caches(options.namespaces);
    this.#watcher = new Watcher(options.api, options.namespaces, options.log, signal);
    this.#signal = AbortSignal.any([signal, this.#watcher.failed]);
    this.#own = new OwnWatcher({
      watcher: this.#watcher,
      caches: this.#caches,
      clusterChanged: (...change) => this.#clusterChanged(...change),
      ownedChanged: this.#ownedChanged,
      ownedListed: this.#ownedListed,
      add: this.#add,
      addAll: () => this.#addAll(),
      longEnough: () => this.#longEnough(),
    });
    this.#references = new ReferenceWatcher({
      watcher: this.#watcher,
      caches: this.#caches,
      watchSecrets: options.watchSecrets,
      add: this.#add,
      addAll: () => this.#addAll(),
      longEnough: () => this.#longEnough(),
    });
    this.#masterKey = new MasterKey({
      ...options.masterKey,
      api: options.api,
      watcher: this.#watcher,
      changed: () => this.#addAll(),
      log: options.log,
    });
    this.#podMonitors = new PodMonitors({
      api: options.api,
      watcher: this.#watcher,
      labelSelector: ours,
      changed: this.#ownedChanged,
      listed: (...list) => this.#ownedListed(RESOURCES.PodMonitor, ...list),
      begun: () => this.#addAll(),
      ended: () => this.#caches.forgetOwned(RESOURCES.PodMonitor.kind),
      longEnough: () => this.#longEnough(),
      log: options.log,
    });
    this.#definition = new Definition({
      api: options.api,
      changed: () => this.#addAll(),
      log: options.log,
      everyMs: options.definitionEveryMs,
      signal: this.#signal,
    });
    this.#edges = new EdgePoller({
      changed: (cluster, change) => this.#edgeChanged(cluster as ClusterKey, change),
      ...(options.pollIntervalMs !== undefined && { intervalMs: options.pollIntervalMs }),
    });
    this.#turns = new Turns({
      pace: options.upgradePace,
      caches: this.#caches,
      wake: (key) => this.#queue.add(key),
      halted: (key, message) => {
        const cluster = this.#caches.cluster(key);
        if (cluster !== undefined) options.notify(cluster, 'Warning', 'UpgradeHalted', message);
      },
    });
    this.#reconciler = new Reconciler({
      api: options.api,
      caches: this.#caches,
      edges: this.#edges,
      turns: this.#turns,
      settings: () => ({
        edgeImage: options.edgeImage,
        podMonitors: this.#podMonitors.watched,
        masterKeys: this.#masterKey.keys,
      }),
      kindGone: () => this.#podMonitors.end(),
      requireConsent: options.requireConsent,
      definition: this.#definition,
      secretsKnown: () => this.#references.secretsKnown,
      ownSecretsWatched: () => this.#own.secretsWatched,
      masterKeyProblem: () => this.#masterKey.problem,
      notify: options.notify,
      log: options.log,
      signal: this.#writes.signal,
    });
    this.#queue = new WorkQueue({
      workers: options.workers ?? 8,
      work: (key) => this.#work(key),
      ...(options.waited && { started: (_, waitedMs) => options.waited?.(waitedMs) }),
    });
  }

  /** Whether it works: the caches show all that is there, or what is late has been waited for. */
  get synced(): boolean {
    return this.#synced;
  }

  /** All EdgeClusters, as they were seen last. */
  get clusters(): Iterable<EdgeCluster> {
    return this.#caches.allClusters();
  }

  /** EdgeClusters that wait for a worker. */
  get depth(): number {
    return this.#queue.depth;
  }

  /** EdgeClusters that have, get, or wait for what is new only because this operator is. */
  get upgrade(): UpgradeCounts {
    return this.#turns.counts;
  }

  /** Entries of everything that is kept in memory, to see that nothing stays of what is gone. */
  get sizes(): Sizes {
    const { size, busy } = this.#queue;
    const remembered = this.#reconciler.size + this.#turns.size;
    return { caches: this.#caches.size, remembered, queue: size, busy };
  }

  /**
   * Until the signal, and until what is in work then is finished (at most 3 s). Rejects with what went wrong in our own
   * handling of a change.
   */
  async run(): Promise<void> {
    const stopped = aborted(this.#signal);
    try {
      const filled = [this.#watchOwn(), this.#watchSecrets(), this.#podMonitors.start(), this.#definition.look()];
      await Promise.race([stopped, Promise.all(filled)]);
      if (!this.#signal.aborted) {
        this.#synced = true;
        this.#log.info({ clusters: [...this.#caches.clusters()].length }, 'caches are filled');
        void stopped.then(() => setTimeout(() => this.#writes.abort(), finishMs).unref());
        await this.#queue.run(this.#signal);
      }
    } finally {
      this.#writes.abort();
      this.#masterKey.close();
      this.#podMonitors.close();
      this.#edges.close();
      this.#turns.close();
    }
    await this.#watcher.ended();
  }

  async #work(key: ClusterKey): Promise<Requeue | undefined> {
    // It is added again when they do.
    if (!this.#caches.known.has(namespaceOfKey(key))) return undefined;
    const cluster = this.#caches.cluster(key);
    if (cluster !== undefined && this.#references.awaitedBy(cluster)) return this.#tellOfWait(cluster);
    const startMs = performance.now();
    let result: Result = 'failed';
    try {
      const next = await this.#reconciler.reconcile(key);
      result = next === undefined ? 'settled' : next.kind === 'after' ? 'later' : 'failed';
      return next;
    } catch (error) {
      if (this.#writes.signal.aborted) return undefined;
      if (error instanceof ApiError) {
        this.#log.warn({ cluster: key, err: error.message }, 'will try again');
        return backOff([error]);
      }
      this.#log.error({ cluster: key, err: error }, 'a reconcile failed: please report this');
      return { kind: 'backOff' };
    } finally {
      this.#options.reconciled?.(result, performance.now() - startMs);
    }
  }

  /** No write but an Event: what runs is not changed for what is not known. */
  #tellOfWait(cluster: EdgeCluster): undefined {
    const why = this.#references.originsLate(cluster);
    if (why === undefined) return;
    const message = `Services and EndpointSlices of origins cannot be listed, and until they can nothing is changed: ${why}`;
    this.#options.notify(cluster, 'Warning', 'OriginsUnknown', message);
  }

  #add = (keys: readonly ClusterKey[]): void => {
    for (const key of keys) this.#queue.add(key);
  };

  #addAll(): void {
    this.#add([...this.#caches.clusters()]);
  }

  async #watchOwn(): Promise<void> {
    await this.#own.start();
    // What the EdgeClusters refer to is asked for when they come. Those that need it wait for it; others need not.
    await Promise.race([this.#references.synced(), this.#longEnough()]);
  }

  /** Without the master key, or where Secrets may not be listed, all else goes on. */
  async #watchSecrets(): Promise<void> {
    const needed = [this.#masterKey.start()];
    if (this.#options.watchSecrets) needed.push(this.#own.startSecrets());
    await Promise.race([Promise.all(needed), this.#longEnough()]);
  }

  /** Figures of several edges are taken together: they can wait, and each poll changes them. More edges must not wait. */
  #edgeChanged(key: ClusterKey, change: EdgeChange): void {
    const cluster = this.#caches.cluster(key);
    const waitMs = this.#edges.intervalMs / 2;
    if (change === 'facts') this.#queue.add(key);
    else this.#queue.addAfter(key, cluster && scalesByClients(cluster.spec) ? Math.min(scaleSoonMs, waitMs) : waitMs);
  }

  #clusterChanged(cluster: EdgeCluster, previous: EdgeCluster | undefined, deleted: boolean): void {
    const keys = this.#caches.changeCluster(cluster, previous, deleted);
    if (!deleted) this.#references.follow(referencesOf(cluster));
    if (this.#synced && previous?.metadata.generation !== cluster.metadata.generation) void this.#definition.look();
    if (deleted || !this.#reconciler.seenCluster(cluster, previous)) this.#add(keys);
  }

  readonly #ownedChanged = (
    object: KubernetesObject,
    previous: KubernetesObject | undefined,
    deleted: boolean,
  ): void => {
    const keys = this.#caches.changeOwned(object, previous, deleted);
    if (isRevision(object) && !deleted) this.#references.follow({ services: servicesIn(object), secrets: [] });
    const key = clusterKeyOf(object);
    const isOwnWrite = key !== undefined && this.#reconciler.seenOwned(key, object, previous, deleted);
    if (deleted) for (const concerned of keys) this.#queue.addAfter(concerned, deletedPauseMs);
    else if (!isOwnWrite) this.#add(keys);
  };

  readonly #ownedListed: OwnedListed = (...list) => this.#add(this.#reconciler.listedOwned(...list));

  /** Who may not list something does without it. */
  async #longEnough(): Promise<'late'> {
    const { optionalWaitMs = 10_000 } = this.#options;
    return sleep(optionalWaitMs, 'late' as const, { ref: false, signal: this.#signal }).catch(() => 'late' as const);
  }
}

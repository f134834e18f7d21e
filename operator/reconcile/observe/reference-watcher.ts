/**
 * Watches what EdgeClusters refer to: Services and EndpointSlices of origins, Secrets of listeners. Each kind is
 * watched once there is an EdgeCluster that refers to one.
 */

import type { EdgeCluster } from '../../api/types.ts';
import { RESOURCES } from '../../kube/resources.ts';
import { type Caches, type ClusterKey, keyOfObject } from './caches.ts';
import { type References, referencesOf } from './references.ts';
import { isRevision, servicesIn } from './revisions.ts';
import { endpointsView, originServiceView, tlsSecretView } from './views.ts';
import { KnownNamespaces, namespaceOfKey, type Watcher } from './watcher.ts';

export interface ReferenceWatcherOptions {
  readonly watcher: Watcher;
  readonly caches: Caches;
  /** Whether Secrets may be listed: else nothing is said of them. */
  readonly watchSecrets: boolean;
  /** These EdgeClusters are concerned by a change. */
  readonly add: (keys: readonly ClusterKey[]) => void;
  /** All are: more is known than before. */
  readonly addAll: () => void;
  /** Resolves when what may be done without has been waited for long enough. */
  readonly longEnough: () => Promise<unknown>;
}

export class ReferenceWatcher {
  readonly #options: ReferenceWatcherOptions;
  #origins: Promise<unknown> | undefined;
  readonly #originsKnown = new KnownNamespaces();
  /** Those that are not known by now have been waited for so long that people must know. */
  #originsLate = false;
  #secrets: Promise<void> | undefined;
  #secretsSynced = false;
  /** They are synced, or have been waited for long enough. */
  #secretsAwaited: boolean;

  constructor(options: ReferenceWatcherOptions) {
    this.#options = options;
    this.#secretsAwaited = !options.watchSecrets;
  }

  /** Whether the caches show Secrets. */
  get secretsKnown(): boolean {
    return this.#secretsSynced;
  }

  /** Resolves when the caches show what is referred to so far, or what of it may be done without has been waited for. */
  async synced(): Promise<void> {
    await Promise.all([this.#origins, this.#secrets]);
  }

  /** Starts to watch what nobody has referred to before. It is watched from then on. */
  follow({ services, secrets }: References): void {
    const { watcher, watchSecrets, addAll, longEnough } = this.#options;
    if (services.length > 0 && this.#origins === undefined) {
      this.#origins = Promise.all(watcher.namespaces.map((namespace) => this.#watchOrigins(namespace)));
      void longEnough().then(() => {
        this.#originsLate = true;
        addAll();
      });
    }
    if (watchSecrets && secrets.length > 0 && this.#secrets === undefined) {
      const synced = this.#watchSecrets().then(() => {
        this.#secretsSynced = true;
      });
      this.#secrets = Promise.race([synced, longEnough()]).then(() => {
        this.#secretsAwaited = true;
        addAll();
      });
      void synced.then(addAll);
    }
  }

  /** Whether what it refers to is not known yet: it is added again when it is. */
  awaitedBy(cluster: EdgeCluster): boolean {
    return this.#awaitsOrigins(cluster) || (!this.#secretsAwaited && referencesOf(cluster).secrets.length > 0);
  }

  /** Why it waits for its origins, once it has done so for long. */
  originsLate(cluster: EdgeCluster): string | undefined {
    if (!this.#originsLate || !this.#awaitsOrigins(cluster)) return undefined;
    const kinds = [RESOURCES.Service, RESOURCES.EndpointSlice];
    return this.#options.watcher.problemOf(kinds)?.message ?? 'no answer yet';
  }

  /** By its spec or by one that may be in force instead. In a namespace that is not watched there is nothing to wait for. */
  #awaitsOrigins(cluster: EdgeCluster): boolean {
    const { watcher, caches } = this.#options;
    const { namespaces } = watcher;
    const isWatched = (namespace: string): boolean => namespaces.includes(undefined) || namespaces.includes(namespace);
    const revisions = caches.owned(keyOfObject(cluster)).filter(isRevision);
    return [...referencesOf(cluster).services, ...revisions.flatMap(servicesIn)]
      .map(namespaceOfKey)
      .some((namespace) => isWatched(namespace) && !this.#originsKnown.has(namespace));
  }

  /** @param namespace undefined: all */
  async #watchOrigins(namespace: string | undefined): Promise<void> {
    const { watcher, caches, add, addAll } = this.#options;
    const services = watcher.watch(RESOURCES.Service, { namespace }, originServiceView, (...change) =>
      add(caches.changeService(...change)),
    );
    const slices = watcher.watch(RESOURCES.EndpointSlice, { namespace }, endpointsView, (...change) =>
      add(caches.changeSlice(...change)),
    );
    await Promise.all([services, slices]);
    this.#originsKnown.add(namespace);
    addAll();
  }

  #watchSecrets(): Promise<void> {
    const { watcher, caches, add } = this.#options;
    const ofTls = { fieldSelector: 'type=kubernetes.io/tls' };
    return watcher.watch(RESOURCES.Secret, ofTls, tlsSecretView, (...change) => add(caches.changeSecret(...change)));
  }
}

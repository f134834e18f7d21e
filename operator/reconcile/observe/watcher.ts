/** Informers of one kind each, for all namespaces or for some. */

import type { KubernetesObject } from '@kubernetes/client-node';
import type { Logger } from 'pino';
import { type ApiError, isExpired, type KubeApi } from '../../kube/api.ts';
import { Informer } from '../../kube/informer.ts';
import type { Resource } from '../../kube/resources.ts';

export interface WatchSettings {
  /** One of `namespaces` alone; default all of them. */
  readonly namespace?: string | undefined;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** Ends this watch before the others. */
  readonly signal?: AbortSignal;
  /** Told after each list of a namespace (undefined: of all), see `InformerOptions.onListed`. */
  readonly listed?: (resourceVersion: string, namespace: string | undefined) => void;
}

export type Changed<T> = (object: T, previous: T | undefined, deleted: boolean) => void;

/** The same problem of the same kind of object is logged once in this time. */
const logEveryMs = 60_000;

/** Namespaces of which the caches show all that there is. Each comes by itself, so that none holds up the others. */
export class KnownNamespaces {
  readonly #namespaces = new Set<string | undefined>();

  /** @param namespace undefined: all */
  add(namespace: string | undefined): void {
    this.#namespaces.add(namespace);
  }

  has(namespace: string): boolean {
    return this.#namespaces.has(undefined) || this.#namespaces.has(namespace);
  }
}

/** Of a key `namespace/name`. */
export function namespaceOfKey(key: string): string {
  return key.slice(0, key.indexOf('/'));
}

export class Watcher {
  readonly #api: KubeApi;
  /** Those that are watched by themselves; `undefined` is all in one. */
  readonly namespaces: readonly (string | undefined)[];
  readonly #log: Logger;
  readonly #signal: AbortSignal;
  readonly #running = new Set<Promise<void>>();
  readonly #loggedMs = new Map<string, number>();
  /** The last one of each kind of object. */
  readonly #problems = new Map<Resource, ApiError>();
  readonly #failed = new AbortController();

  /** @param namespaces none: all */
  constructor(api: KubeApi, namespaces: readonly string[], log: Logger, signal: AbortSignal) {
    this.#api = api;
    this.namespaces = namespaces.length === 0 ? [undefined] : namespaces;
    this.#log = log;
    this.#signal = AbortSignal.any([signal, this.#failed.signal]);
  }

  /** Aborted when what is told of a change has thrown: our own mistake, after which the caches are not to be trusted. */
  get failed(): AbortSignal {
    return this.#failed.signal;
  }

  /** What went wrong last with these kinds. */
  problemOf(resources: readonly Resource[]): ApiError | undefined {
    return resources.map((resource) => this.#problems.get(resource)).find((error) => error !== undefined);
  }

  /**
   * Follows all objects of a kind.
   * @param keep what is kept of an object
   * @returns resolves when all that there are have been told
   */
  async watch<Raw extends KubernetesObject, Kept extends KubernetesObject>(
    resource: Resource,
    { signal = this.#signal, namespace: only, listed, ...selection }: WatchSettings,
    keep: (object: Raw) => Kept,
    changed: Changed<Kept>,
  ): Promise<void> {
    const stop = AbortSignal.any([this.#signal, signal]);
    const namespaces = only === undefined ? this.namespaces : [only];
    const informers = namespaces.map(
      (namespace) =>
        new Informer<Kept>(this.#api, {
          resource,
          namespace,
          ...selection,
          transform: (object) => keep(object as KubernetesObject as Raw),
          onChange: changed,
          ...(listed && { onListed: (version: string) => listed(version, namespace) }),
          onProblem: (error) => this.#problem(resource, error),
        }),
    );
    for (const informer of informers) this.#run(informer.run(stop));
    await Promise.all(informers.map(({ synced }) => synced));
  }

  /** When all informers have ended. Rejects with why one failed. */
  async ended(): Promise<void> {
    await Promise.allSettled(this.#running);
    if (this.#failed.signal.aborted) throw this.#failed.signal.reason;
  }

  #run(running: Promise<void>): void {
    const ended = running
      .catch((error: unknown) => this.#failed.abort(error))
      .finally(() => this.#running.delete(ended));
    this.#running.add(ended);
  }

  #problem(resource: Resource, error: ApiError): void {
    // The API server forgets old versions: the informer lists anew.
    if (isExpired(error)) return;
    this.#problems.set(resource, error);
    const key = `${resource.plural}\n${error.reason}`;
    const nowMs = performance.now();
    if (nowMs - (this.#loggedMs.get(key) ?? Number.NEGATIVE_INFINITY) < logEveryMs) return;
    this.#loggedMs.set(key, nowMs);
    this.#log.warn({ resource: resource.plural, err: error.message }, 'cannot watch; will try again');
  }
}

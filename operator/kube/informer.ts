/**
 * Keeps a copy of a collection: lists it once, follows it by a watch, and says what changes.
 *
 * A watch that ends is resumed where it stopped; bookmarks keep that place fresh. When the API server no longer knows
 * the place (410), or keeps refusing to go on from there, the collection is listed again, and the difference is told
 * like any other change. With nothing to tell, an informer does nothing.
 */
import type { KubernetesObject } from '@kubernetes/client-node';
import { ApiError, isAway, isExpired, type KubeApi, type Selection } from './api.ts';
import { pause, Retries } from './backoff.ts';
import { ObjectCache } from './cache.ts';
import type { Resource } from './resources.ts';

export interface InformerOptions<T extends KubernetesObject> extends Selection {
  readonly resource: Resource;
  /** Makes what is kept of an object, to save memory; `managedFields` are gone already. */
  readonly transform?: (object: T) => T;
  /**
   * Told in the order of events, with `get` already answering as after the change. An object that took another's name
   * is told as a deletion and an addition. Must not throw: that ends `run`.
   * @param previous undefined: it is new
   */
  readonly onChange: (object: T, previous: T | undefined, deleted: boolean) => void;
  /**
   * Told after each list, and after what it has changed. What was written before this version and is not shown, is gone:
   * an object that came and went while nothing was watched is never shown.
   */
  readonly onListed?: (resourceVersion: string) => void;
  /** The API server refuses or can't be reached; tried again, with back-off. */
  readonly onProblem?: (error: ApiError) => void;
}

const PAGE = 500;
const RETRY_MIN_MS = 200;
const RETRY_MAX_MS = 15_000;
/** The same while there is no API server: it has no work with us, and is to be found soon when it is back. */
const AWAY_RETRY_MAX_MS = 3000;
/** So many refusals of a watch in a row, for whatever reason, and the collection is listed again. */
const REFUSALS_UNTIL_RELIST = 3;
/** A watch that ends sooner, with nothing said, counts as failed. */
const SHORT_WATCH_MS = 1000;

export class Informer<T extends KubernetesObject> {
  readonly #api: KubeApi;
  readonly #options: InformerOptions<T>;
  readonly #cache = new ObjectCache<T>();
  readonly #synced = Promise.withResolvers<void>();
  /** Where the watch goes on; undefined: the collection must be listed. */
  #version: string | undefined;
  readonly #retries = new Retries({ minMs: RETRY_MIN_MS, maxMs: RETRY_MAX_MS, awayMaxMs: AWAY_RETRY_MAX_MS });
  /** Answers in a row that a list may mend. */
  #refusals = 0;

  constructor(api: KubeApi, options: InformerOptions<T>) {
    this.#api = api;
    this.#options = options;
  }

  /** Resolves when the collection has been listed for the first time. */
  get synced(): Promise<void> {
    return this.#synced.promise;
  }

  get(namespace: string | undefined, name: string): T | undefined {
    return this.#cache.get(namespace, name);
  }

  /** @param namespace none: all */
  list(namespace?: string): Iterable<T> {
    return this.#cache.list(namespace);
  }

  /** Runs until the signal aborts. Rejects only with what `onChange` or `transform` throw. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        this.#version ??= await this.#relist(signal);
        await this.#follow(this.#version, signal);
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof ApiError)) throw error;
        // Nothing is wrong with that: of a kind that nobody changes there may be no bookmarks either.
        if (error.reason === 'Idle') continue;
        if (!isPassing(error)) this.#refusals++;
        if (isExpired(error) || this.#refusals >= REFUSALS_UNTIL_RELIST) this.#version = undefined;
        this.#options.onProblem?.(error);
        const askedMs = Math.min(error.retryAfterMs ?? 0, RETRY_MAX_MS);
        await pause(Math.max(askedMs, this.#retries.pauseMs(isAway(error))), signal);
      }
    }
  }

  /** Lists all pages, and tells what differs from what was known. Returns the version of the list. */
  async #relist(signal: AbortSignal): Promise<string> {
    const { resource, namespace, labelSelector, fieldSelector } = this.#options;
    const seen = new Set<string>();
    for (let next: string | undefined; ; ) {
      const page = await this.#api.list<T>(resource, {
        namespace,
        labelSelector,
        fieldSelector,
        limit: PAGE,
        continue: next,
        signal,
      });
      for (const object of page.items) {
        seen.add(keyOf(object));
        this.#set(object);
      }
      next = page.continue;
      if (next !== undefined) continue;
      for (const object of [...this.#cache.list()]) if (!seen.has(keyOf(object))) this.#delete(object);
      this.#options.onListed?.(page.resourceVersion);
      this.#synced.resolve();
      this.#refusals = 0;
      return page.resourceVersion;
    }
  }

  async #follow(resourceVersion: string, signal: AbortSignal): Promise<void> {
    const { resource, namespace, labelSelector, fieldSelector } = this.#options;
    const options = { namespace, labelSelector, fieldSelector, resourceVersion, allowWatchBookmarks: true };
    const startMs = performance.now();
    let silent = true;
    try {
      for await (const event of this.#api.watch<T>(resource, options, signal)) {
        if (event.type === 'ERROR') throw event.error;
        silent = false;
        this.#refusals = 0;
        if (event.type === 'BOOKMARK') {
          this.#version = event.resourceVersion;
          continue;
        }
        if (event.type === 'DELETED') this.#delete(event.object);
        else this.#set(event.object);
        this.#version = event.object.metadata?.resourceVersion ?? this.#version;
      }
    } finally {
      // However it ended, it was of use.
      if (performance.now() - startMs >= SHORT_WATCH_MS) silent = false;
      if (!silent) this.#retries.succeeded();
    }
    if (silent) throw new ApiError(0, 'Unreachable', `watch ${resource.plural}: ended at once`);
  }

  #set(given: T): void {
    const { metadata } = given;
    const known = this.#cache.get(metadata?.namespace, metadata?.name ?? '');
    if (known?.metadata?.resourceVersion === metadata?.resourceVersion && known !== undefined) return;
    const object = this.#kept(given);
    if (known !== undefined && known.metadata?.uid !== metadata?.uid) this.#delete(known);
    const previous = this.#cache.set(object);
    this.#options.onChange(object, previous, false);
  }

  #delete(given: T): void {
    const previous = this.#cache.delete(given);
    // What is kept stands for it: what a list no longer shows has no last state, and nothing is transformed twice.
    if (previous !== undefined) this.#options.onChange(previous, previous, true);
  }

  #kept(object: T): T {
    const { transform } = this.#options;
    if (object.metadata?.managedFields === undefined) return transform === undefined ? object : transform(object);
    const { managedFields: _, ...metadata } = object.metadata;
    const bare = { ...object, metadata };
    return transform === undefined ? bare : transform(bare);
  }
}

/** The API server is not there, or busy: it has said nothing about the place where the watch is to go on. */
function isPassing(error: ApiError): boolean {
  return error.status === 429 || isAway(error);
}

function keyOf({ metadata }: KubernetesObject): string {
  return `${metadata?.namespace ?? ''}/${metadata?.name}`;
}

/** The Kubernetes API as we use it: read, watch, apply, patch, delete. Retries what the API server asks to retry. */
import type { KubernetesObject } from '@kubernetes/client-node';
import type { ClusterAccess } from './access.ts';
import { backoffMs, pause } from './backoff.ts';
import { lines, tapped, whole } from './chunks.ts';
import { ApiError, asksToRetry, isNotFound } from './error.ts';
import { type OpenApi, schemaOf } from './open-api.ts';
import type {
  ApplyOptions,
  DeleteOptions,
  KubeApiOptions,
  ListOptions,
  ListPage,
  PatchOptions,
  RequestOptions,
  RequestReport,
  Verb,
  WatchOptions,
  WriteOptions,
} from './options.ts';
import { apiVersionOf, groupPath, type Resource, resourceOf, resourcePath } from './resources.ts';
import { type Call, Transport } from './transport.ts';
import { dryRun, parseBody, parseEvent, refusal, selectors, type WatchEvent, withQuery } from './wire.ts';

export { ApiError, isAnothers, isAway, isConflict, isExpired, isNamespaceEnding, isNotFound } from './error.ts';
export type * from './options.ts';
export type { WatchEvent } from './wire.ts';

const RETRIES = 5;
const RETRY_MIN_MS = 250;
/** etcd takes 1.5 MB; this is for what aggregated APIs may send. */
const MAX_EVENT_BYTES = 32 * 1024 * 1024;

/**
 * All methods throw ApiError, or the signal's reason when it aborts. Objects are given as they come: times are strings.
 * Answers 429 and 5xx with Retry-After are waited for (bounded) and tried again; all else is the caller's to repeat.
 */
export class KubeApi {
  readonly #transport: Transport;
  readonly #fieldManager: string;
  readonly #requestTimeoutMs: number;
  readonly #retryMaxMs: number;
  readonly #watchIdleMs: number;
  readonly #onRequest: (report: RequestReport) => void;

  constructor(access: ClusterAccess, options: KubeApiOptions = {}) {
    this.#transport = new Transport(access, options.userAgent ?? 'edgecluster', options.connectTimeoutMs);
    this.#fieldManager = options.fieldManager ?? 'edgecluster';
    this.#requestTimeoutMs = options.requestTimeoutMs ?? 30_000;
    this.#retryMaxMs = options.retryMaxMs ?? 10_000;
    this.#watchIdleMs = options.watchIdleMs ?? 180_000;
    this.#onRequest = options.onRequest ?? (() => {});
  }

  /** Undefined: there is none. */
  async get<T extends KubernetesObject>(
    resource: Resource,
    namespace: string | undefined,
    name: string,
    options: RequestOptions = {},
  ): Promise<T | undefined> {
    const path = resourcePath(resource, namespace, name);
    try {
      return await this.#json<T>('get', resource, { method: 'GET', path, signal: options.signal });
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  async list<T extends KubernetesObject>(
    resource: Resource,
    options: ListOptions & RequestOptions = {},
  ): Promise<ListPage<T>> {
    const path = withQuery(resourcePath(resource, options.namespace), {
      ...selectors(options),
      limit: options.limit,
      continue: options.continue,
    });
    const { items, metadata } = await this.#json<List<T>>('list', resource, {
      method: 'GET',
      path,
      signal: options.signal,
    });
    // Items of a list come without their type.
    const type = { apiVersion: apiVersionOf(resource), kind: resource.kind };
    return {
      items: (items ?? []).map((item) => Object.assign(item, type)),
      resourceVersion: metadata.resourceVersion ?? '',
      continue: metadata.continue || undefined,
    };
  }

  /** @throws ApiError AlreadyExists */
  create<T extends KubernetesObject>(object: T, options: WriteOptions = {}): Promise<T> {
    const resource = resourceOf(object);
    const path = withQuery(resourcePath(resource, object.metadata?.namespace), {
      fieldManager: this.#fieldManager,
      ...dryRun(options),
    });
    return this.#json<T>('create', resource, {
      method: 'POST',
      path,
      body: JSON.stringify(object),
      signal: options.signal,
    });
  }

  /**
   * Server-side apply: creates the object, or sets the fields given and removes those that we set before and no longer
   * give. A `metadata.uid` or `metadata.resourceVersion` in the object must be the present one's.
   * @returns the object as it is now
   */
  apply<T extends KubernetesObject>(object: KubernetesObject, options: ApplyOptions = {}): Promise<T> {
    const resource = resourceOf(object);
    const { namespace, name } = object.metadata ?? {};
    if (name === undefined) throw new TypeError(`apply: ${resource.kind} without metadata.name`);
    const path = withQuery(resourcePath(resource, namespace, name, options.subresource), {
      fieldManager: options.fieldManager ?? this.#fieldManager,
      force: options.force ?? true,
      ...dryRun(options),
    });
    return this.#json<T>('apply', resource, {
      method: 'PATCH',
      path,
      // JSON is YAML.
      contentType: 'application/apply-patch+yaml',
      body: JSON.stringify(object),
      signal: options.signal,
    });
  }

  /**
   * JSON merge patch: null removes a field. With a `metadata.resourceVersion` in it, it is refused (Conflict) where
   * somebody has written in between.
   */
  mergePatch<T extends KubernetesObject>(
    resource: Resource,
    namespace: string | undefined,
    name: string,
    patch: object,
    options: PatchOptions = {},
  ): Promise<T> {
    const path = withQuery(resourcePath(resource, namespace, name, options.subresource), {
      fieldManager: options.fieldManager ?? this.#fieldManager,
      ...dryRun(options),
    });
    return this.#json<T>('patch', resource, {
      method: 'PATCH',
      path,
      contentType: 'application/merge-patch+json',
      body: JSON.stringify(patch),
      signal: options.signal,
    });
  }

  /** False: there was none. Another object of that name (`uid`) is a Conflict. */
  async delete(
    resource: Resource,
    namespace: string | undefined,
    name: string,
    options: DeleteOptions = {},
  ): Promise<boolean> {
    const { uid, propagationPolicy = 'Background' } = options;
    const body = { propagationPolicy, ...(uid !== undefined && { preconditions: { uid } }) };
    try {
      await this.#json('delete', resource, {
        method: 'DELETE',
        path: resourcePath(resource, namespace, name),
        body: JSON.stringify({ kind: 'DeleteOptions', apiVersion: 'v1', ...body }),
        signal: options.signal,
      });
      return true;
    } catch (error) {
      if (isNotFound(error)) return false;
      throw error;
    }
  }

  /** Whether the API server knows this resource: whether its CRD is there. */
  async serves(resource: Resource, options: RequestOptions = {}): Promise<boolean> {
    const call = { method: 'GET', path: groupPath(resource), signal: options.signal } as const;
    try {
      const { resources } = await this.#json<{ resources?: { name: string }[] }>('get', resource, call);
      return (resources ?? []).some(({ name }) => name === resource.plural);
    } catch (error) {
      if (isNotFound(error)) return false;
      throw error;
    }
  }

  /**
   * The schema of a resource as the API server serves it (OpenAPI v3). Undefined: it serves none.
   * @typeParam S a part of JSON Schema, taken as it comes
   */
  async schema<S extends object>(resource: Resource, options: RequestOptions = {}): Promise<S | undefined> {
    const path = `/openapi/v3${groupPath(resource)}`;
    try {
      const document = await this.#json<OpenApi<S>>('get', resource, { method: 'GET', path, signal: options.signal });
      return schemaOf(document, resource);
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  /**
   * What changes after `resourceVersion`, until the API server ends the watch. An ERROR event is the last.
   * @throws ApiError also Idle, when nothing came for `watchIdleMs`; the signal's reason
   */
  async *watch<T extends KubernetesObject>(
    resource: Resource,
    options: WatchOptions,
    signal: AbortSignal,
  ): AsyncGenerator<WatchEvent<T>> {
    const timeoutSeconds = options.timeoutSeconds ?? Math.round(300 + Math.random() * 300);
    const path = withQuery(resourcePath(resource, options.namespace), {
      watch: true,
      ...selectors(options),
      resourceVersion: options.resourceVersion,
      allowWatchBookmarks: options.allowWatchBookmarks,
      timeoutSeconds,
    });
    const call = this.#call('watch', { method: 'GET', path, signal });
    const { answer, status } = await this.#counted('watch', resource, async () => {
      const answer = await this.#transport.open(call);
      return { answer, status: answer.statusCode ?? 0 };
    });
    let idle = false;
    const guard = setTimeout(() => {
      idle = true;
      answer.destroy();
    }, this.#watchIdleMs);
    try {
      const chunks = tapped(answer, () => guard.refresh());
      if (status !== 200) throw refusal(call, status, await whole(chunks), answer.headers['retry-after']);
      for await (const line of lines(chunks, MAX_EVENT_BYTES)) yield parseEvent<T>(call, line);
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (idle) throw new ApiError(0, 'Idle', `${call.what}: nothing came for ${this.#watchIdleMs} ms`);
      if (error instanceof ApiError) throw error;
      throw new ApiError(0, 'Unreachable', `${call.what}: ended: ${error instanceof Error ? error.message : error}`);
    } finally {
      clearTimeout(guard);
      answer.destroy();
    }
  }

  /** Ends all connections. */
  close(): void {
    this.#transport.close();
  }

  async #json<T>(verb: Verb, resource: Resource, request: Request): Promise<T> {
    const call = this.#call(verb, request);
    for (let failures = 0; ; failures++) {
      const answer = await this.#counted(verb, resource, () => this.#transport.send(call));
      if (answer.status >= 200 && answer.status < 300) return parseBody(call, answer) as T;
      const error = refusal(call, answer.status, answer.body, answer.retryAfter);
      if (failures >= RETRIES || !asksToRetry(error)) throw error;
      const waitMs = (error.retryAfterMs ?? 0) + backoffMs(failures, RETRY_MIN_MS, this.#retryMaxMs);
      await pause(Math.min(waitMs, this.#retryMaxMs), call.signal);
    }
  }

  #call(verb: Verb, request: Request): Call {
    const what = `${verb} ${request.path.replace(/^\/apis?\//, '').replace(/\?.*$/, '')}`;
    return { ...request, what, timeoutMs: this.#requestTimeoutMs };
  }

  async #counted<T extends { readonly status: number }>(
    verb: Verb,
    resource: Resource,
    send: () => Promise<T>,
  ): Promise<T> {
    const startMs = performance.now();
    let status = 0;
    try {
      const answer = await send();
      status = answer.status;
      return answer;
    } finally {
      this.#onRequest({ verb, resource, status, durationMs: performance.now() - startMs });
    }
  }
}

type Request = Pick<Call, 'method' | 'path' | 'body' | 'contentType' | 'signal'>;

interface List<T> {
  /** Null for an empty list of some resources. */
  readonly items: T[] | null;
  readonly metadata: { readonly resourceVersion?: string; readonly continue?: string };
}

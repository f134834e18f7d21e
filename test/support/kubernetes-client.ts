/**
 * Kubernetes' API as tests look at it: JSON requests, and lists that are followed. Shares nothing with the operator's
 * own client, which it helps to test.
 */

import { type ClientRequest, type IncomingMessage, type RequestOptions, request as requestHttp } from 'node:http';
import { Agent, request as requestHttps } from 'node:https';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import type { KubeConfig, KubernetesObject, V1Pod } from '@kubernetes/client-node';

/** An answer that is not 2xx. */
export class KubeFailure extends Error {
  readonly status: number;

  constructor(status: number, text: string) {
    super(`${status}: ${text}`);
    this.status = status;
  }
}

export interface KubeRequest {
  readonly body?: unknown;
  /** Default `application/json`. */
  readonly contentType?: string;
  readonly signal?: AbortSignal;
}

export type Follower<T> = (object: T, deleted: boolean) => void;

interface WatchEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: KubernetesObject;
}

interface ObjectList<T> {
  readonly metadata: { readonly resourceVersion: string };
  readonly items: readonly T[];
}

const retryMs = 100;

export class KubeClient {
  readonly #config: KubeConfig;
  readonly #agent = new Agent({ keepAlive: true });

  constructor(config: KubeConfig) {
    this.#config = config;
  }

  get<T = KubernetesObject>(path: string, options: KubeRequest = {}): Promise<T> {
    return this.#json('GET', path, options);
  }

  /** The object, or undefined where there is none. */
  async find<T = KubernetesObject>(path: string): Promise<T | undefined> {
    try {
      return await this.get<T>(path);
    } catch (error) {
      if (error instanceof KubeFailure && error.status === 404) return undefined;
      throw error;
    }
  }

  /** The items of a list. */
  async list<T = KubernetesObject>(path: string): Promise<readonly T[]> {
    return (await this.get<ObjectList<T>>(path)).items;
  }

  post<T = KubernetesObject>(path: string, body: unknown): Promise<T> {
    return this.#json('POST', path, { body });
  }

  /** RFC 7396. */
  patch<T = KubernetesObject>(path: string, body: unknown): Promise<T> {
    return this.#json('PATCH', path, { body, contentType: 'application/merge-patch+json' });
  }

  delete(path: string, body: unknown = {}): Promise<unknown> {
    return this.#json('DELETE', path, { body });
  }

  /** An answer that is no JSON, such as metrics. */
  async text(path: string): Promise<string> {
    return readAll(await this.#send('GET', path, {}));
  }

  /**
   * Tells about each object of a list and about each change of one, until aborted. Whatever goes wrong, it begins
   * again: an object may be told about although nothing changed, and one that is gone is told as deleted.
   * @param told called when all of a list, or a change, has been told
   */
  async follow<T extends KubernetesObject>(
    path: string,
    signal: AbortSignal,
    follower: Follower<T>,
    told: () => void = () => {},
  ): Promise<void> {
    const known = new Map<string, T>();
    while (!signal.aborted) {
      try {
        await this.#listAndWatch(path, signal, known, follower, told);
      } catch {
        // The API server is away; it comes back.
      }
      await delay(retryMs, undefined, { signal }).catch(() => {});
    }
  }

  /** Resolves with the items of a list as soon as they pass a test; throws with them when that takes too long. */
  async until<T extends KubernetesObject>(
    path: string,
    test: (items: readonly T[]) => boolean,
    patienceMs = 30_000,
  ): Promise<readonly T[]> {
    const stop = new AbortController();
    const items = new Map<string, T>();
    return new Promise<readonly T[]>((resolve, reject) => {
      const timer = setTimeout(() => {
        stop.abort();
        reject(new Error(`waited ${patienceMs} ms for ${path}:\n${[...items.values()].map(summary).join('\n')}`));
      }, patienceMs);
      const look = (): void => {
        if (stop.signal.aborted) return;
        try {
          if (!test([...items.values()])) return;
        } catch (error) {
          return finish(() => reject(error as Error));
        }
        finish(() => resolve([...items.values()]));
      };
      const finish = (settle: () => void): void => {
        clearTimeout(timer);
        stop.abort();
        settle();
      };
      const follower: Follower<T> = (object, deleted) => {
        if (deleted) items.delete(keyOf(object));
        else items.set(keyOf(object), object);
      };
      void this.follow<T>(path, stop.signal, follower, look);
    });
  }

  close(): void {
    this.#agent.destroy();
  }

  async #listAndWatch<T extends KubernetesObject>(
    path: string,
    signal: AbortSignal,
    known: Map<string, T>,
    follower: Follower<T>,
    told: () => void,
  ): Promise<void> {
    const list = await this.get<ObjectList<T>>(path, { signal });
    const present = new Set(list.items.map(keyOf));
    for (const [key, object] of known) {
      if (present.has(key)) continue;
      known.delete(key);
      follower(object, true);
    }
    for (const object of list.items) {
      known.set(keyOf(object), object);
      follower(object, false);
    }
    told();
    const query = `watch=1&allowWatchBookmarks=true&resourceVersion=${list.metadata.resourceVersion}`;
    const answer = await this.#send('GET', `${path}${path.includes('?') ? '&' : '?'}${query}`, { signal });
    for await (const line of createInterface({ input: answer })) {
      const event = JSON.parse(line) as WatchEvent;
      if (event.type === 'ERROR') return;
      if (event.type === 'BOOKMARK') continue;
      const object = event.object as T;
      if (event.type === 'DELETED') known.delete(keyOf(object));
      else known.set(keyOf(object), object);
      follower(object, event.type === 'DELETED');
      told();
    }
  }

  async #json<T>(method: string, path: string, options: KubeRequest): Promise<T> {
    return JSON.parse(await readAll(await this.#send(method, path, options))) as T;
  }

  async #send(method: string, path: string, options: KubeRequest): Promise<IncomingMessage> {
    const { body, contentType = 'application/json', signal } = options;
    const text = body === undefined ? undefined : JSON.stringify(body);
    const server = this.#config.getCurrentCluster()?.server ?? '';
    const https = server.startsWith('https:');
    const target: RequestOptions = {
      method,
      // Without a length, Node sends the body of a DELETE in a way that nobody reads.
      headers: text === undefined ? {} : { 'content-type': contentType, 'content-length': Buffer.byteLength(text) },
      ...(https ? { agent: this.#agent } : {}),
      ...(signal === undefined ? {} : { signal }),
    };
    await this.#config.applyToHTTPSOptions(target);
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const url = `${server}${path}`;
      const request: ClientRequest = https ? requestHttps(url, target, resolve) : requestHttp(url, target, resolve);
      request.once('error', reject);
      request.end(text);
    });
    const status = answer.statusCode ?? 0;
    if (status < 200 || status > 299) throw new KubeFailure(status, await readAll(answer));
    return answer;
  }
}

export function isReady({ status }: V1Pod): boolean {
  return status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true;
}

function keyOf(object: KubernetesObject): string {
  return object.metadata?.uid ?? '';
}

/** The end of an object, where its status is, for messages. */
function summary({ metadata, ...rest }: KubernetesObject): string {
  return `${metadata?.name}: …${JSON.stringify(rest).slice(-1500)}`;
}

async function readAll(answer: IncomingMessage): Promise<string> {
  let text = '';
  for await (const piece of answer.setEncoding('utf8')) text += piece as string;
  return text;
}

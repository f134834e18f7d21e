/** Lists in pages, and watches. */
import type { ServerResponse } from 'node:http';
import { apiVersionOf, type Resource } from '../../../operator/kube/resources.ts';
import { type KubeObject, Refusal } from './objects.ts';
import type { Target } from './requests.ts';
import { type Matcher, matcher } from './selectors.ts';
import type { Change, Store } from './store.ts';

type Collection = Target & { readonly resource: Resource };

const EXPIRED = 'The provided continue parameter is too old to display a consistent list result.';

/** Pages of one list show the objects as they were at its first page. */
export class Lists {
  readonly #store: Store;
  readonly #rest = new Map<string, { readonly objects: KubeObject[]; readonly version: number }>();
  #tokens = 0;

  constructor(store: Store) {
    this.#store = store;
  }

  page(target: Collection): object {
    const { resource, query } = target;
    const token = query.get('continue') ?? '';
    const limit = Number(query.get('limit') ?? 0) || Number.POSITIVE_INFINITY;
    const list = token === '' ? this.#first(target) : this.#rest.get(token);
    if (list === undefined) throw new Refusal(410, 'Expired', EXPIRED);
    const items = list.objects.slice(0, limit);
    const left = list.objects.slice(limit);
    const metadata: Record<string, unknown> = { resourceVersion: String(list.version) };
    if (left.length > 0) {
      const next = `next-${++this.#tokens}`;
      this.#rest.set(next, { objects: left, version: list.version });
      metadata.continue = next;
      metadata.remainingItemCount = left.length;
    }
    const type = { kind: `${resource.kind}List`, apiVersion: apiVersionOf(resource) };
    return { ...type, metadata, items: items.map(({ apiVersion: _a, kind: _k, ...item }) => item) };
  }

  /** All lists that have begun must begin again. */
  expire(): void {
    this.#rest.clear();
  }

  #first({ resource, namespace, query }: Collection) {
    const matches = selection(resource, query);
    return { objects: this.#store.list(resource, namespace).filter(matches), version: this.#store.version };
  }
}

export class Watches {
  readonly #store: Store;
  readonly #bookmarkMs: number;
  readonly #onEnd: () => void;
  readonly #open = new Set<Stream>();

  constructor(store: Store, bookmarkMs: number, onEnd: () => void) {
    this.#store = store;
    this.#onEnd = onEnd;
    this.#bookmarkMs = bookmarkMs;
  }

  start(target: Collection, response: ServerResponse): void {
    const matches = selection(target.resource, target.query);
    response.writeHead(200, { 'Content-Type': 'application/json' });
    response.flushHeaders();
    const stream = new Stream(target, matches, response);
    const from = target.query.get('resourceVersion') ?? '';
    if (from === '' || from === '0') {
      for (const object of this.#store.list(target.resource, target.namespace).filter(matches)) {
        stream.send('ADDED', JSON.stringify(object));
      }
    } else {
      const missed = this.#store.since(Number(from));
      if (missed === undefined) {
        stream.fail(tooOld(from));
        return;
      }
      for (const change of missed) stream.tell(change);
    }
    this.#open.add(stream);
    const stop = this.#store.onChange((change) => stream.tell(change));
    const bookmarks = setInterval(() => stream.bookmark(this.#store.version), this.#bookmarkMs).unref();
    const seconds = Number(target.query.get('timeoutSeconds') ?? 0);
    const end = seconds > 0 ? setTimeout(() => response.end(), seconds * 1000).unref() : undefined;
    response.once('close', () => {
      stop();
      clearInterval(bookmarks);
      clearTimeout(end);
      this.#open.delete(stream);
      this.#onEnd();
    });
  }

  open(plural?: string): Stream[] {
    return [...this.#open].filter(({ target }) => plural === undefined || target.resource.plural === plural);
  }

  bookmark(): void {
    for (const stream of this.#open) stream.bookmark(this.#store.version);
  }
}

class Stream {
  readonly target: Collection;
  readonly #matches: Matcher;
  readonly #response: ServerResponse;

  constructor(target: Collection, matches: Matcher, response: ServerResponse) {
    this.target = target;
    this.#matches = matches;
    this.#response = response;
  }

  /** Objects that begin or cease to match come and go for this watcher. */
  tell(change: Change): void {
    const { resource, namespace } = this.target;
    const { object, previous } = change;
    if (change.resource !== resource || (namespace !== undefined && object.metadata.namespace !== namespace)) return;
    const now = change.type !== 'DELETED' && this.#matches(object);
    const before = previous !== undefined && this.#matches(previous);
    if (now) this.send(before ? 'MODIFIED' : 'ADDED', change.json());
    else if (before) this.send('DELETED', change.json());
  }

  send(type: string, json: string): void {
    if (!this.#response.writableEnded) this.#response.write(`{"type":"${type}","object":${json}}\n`);
  }

  bookmark(version: number): void {
    const { resource, query } = this.target;
    if (query.get('allowWatchBookmarks') !== 'true') return;
    const metadata = { resourceVersion: String(version), creationTimestamp: null };
    this.send('BOOKMARK', JSON.stringify({ kind: resource.kind, apiVersion: apiVersionOf(resource), metadata }));
  }

  /** An ERROR event, and the end. */
  fail(refusal: Refusal): void {
    this.send('ERROR', JSON.stringify(refusal.toStatus()));
    this.#response.end();
  }

  /** As when its time is over. */
  end(): void {
    this.#response.end();
  }

  /** The connection is cut. */
  drop(): void {
    this.#response.destroy();
  }
}

export function tooOld(version: string): Refusal {
  return new Refusal(410, 'Expired', `too old resource version: ${version}`);
}

function selection(resource: Resource, query: URLSearchParams): Matcher {
  return matcher(resource.kind, query.get('labelSelector') ?? '', query.get('fieldSelector') ?? '');
}

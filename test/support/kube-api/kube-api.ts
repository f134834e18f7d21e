/**
 * A small Kubernetes API in this process, for tests of what talks to one, above all of what goes wrong.
 *
 * It does: the kinds of operator/kube/resources.ts over HTTP; create, get, list (pages, label and field selectors),
 * update, merge patch, server-side apply with managedFields and conflicts, delete with preconditions and finalizers;
 * watches from a resourceVersion, with bookmarks and 410; status and scale; generation, uid, resourceVersion (the same
 * after a write that changes nothing); collection of what has lost its owner; the end of a namespace; some of the
 * defaults and other spellings that the API server writes; discovery of a group. And faults, on demand.
 *
 * It does not: check anything against a schema or fill in a CRD's defaults (`admission` may), TLS, authentication,
 * RBAC, strategic merge and JSON patches, YAML, protobuf, tables, generateName, dry run, collections' deletion,
 * foreground deletion, `resourceVersionMatch`, API priority and fairness. No controller runs: a Deployment has no pods,
 * a Service no endpoints, until the test puts them there. What Kubernetes really does with our objects is shown by
 * test/kube/ on the real API server.
 */
import { EventEmitter, once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { KubernetesObject, V1Namespace } from '@kubernetes/client-node';
import type { ClusterAccess } from '../../../operator/kube/access.ts';
import { type Resource, resourceOf } from '../../../operator/kube/resources.ts';
import { answerTo, exists, parse, resourceIn } from './answers.ts';
import { collectGarbage } from './collector.ts';
import { type Effect, type Fault, type FaultHandle, Faults, faulted } from './faults.ts';
import { type KubeObject, Refusal } from './objects.ts';
import { type LoggedRequest, parseTarget, type Target } from './requests.ts';
import { type Admission, Store, withStatus } from './store.ts';
import { Lists, tooOld, Watches } from './watching.ts';

export type { Effect, Fault, FaultHandle } from './faults.ts';
export { type KubeObject, Refusal } from './objects.ts';
export type { LoggedRequest } from './requests.ts';

export interface KubeApiDoubleOptions {
  /** Namespaces that are there besides `default`. */
  readonly namespaces?: readonly string[];
  /** Plurals of what isn't served, as when a CRD is missing: `['podmonitors']`. */
  readonly absent?: readonly string[];
  readonly admission?: Admission;
  /** Default: each minute, as the API server does. */
  readonly bookmarkMs?: number;
}

export async function startKubeApi(options: KubeApiDoubleOptions = {}): Promise<KubeApiDouble> {
  const double = new KubeApiDouble(options);
  await double.comeBack();
  return double;
}

const WRITES = ['create', 'update', 'apply', 'patch', 'delete'];

export class KubeApiDouble {
  /** All requests since the start, or since `forgetRequests`; those of the test through `put` and `remove` aren't any. */
  readonly requests: LoggedRequest[] = [];
  readonly #store: Store;
  readonly #lists: Lists;
  readonly #watches: Watches;
  readonly #faults = new Faults();
  readonly #absent: ReadonlySet<string>;
  readonly #server: Server;
  readonly #events = new EventEmitter<{ event: [] }>();
  #port = 0;

  constructor(options: KubeApiDoubleOptions) {
    this.#store = new Store(options.admission ?? ((object) => object));
    this.#lists = new Lists(this.#store);
    this.#watches = new Watches(this.#store, options.bookmarkMs ?? 60_000, () => this.#events.emit('event'));
    this.#absent = new Set(options.absent);
    this.#events.setMaxListeners(0);
    this.#server = createServer((request, response) => void this.#serve(request, response));
    this.#store.onChange(() => this.#events.emit('event'));
    collectGarbage(this.#store);
    for (const name of ['default', ...(options.namespaces ?? [])]) {
      const namespace: V1Namespace = {
        apiVersion: 'v1',
        kind: 'Namespace',
        metadata: { name },
        status: { phase: 'Active' },
      };
      this.put(namespace);
    }
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** As KubeApi takes it. */
  config(): ClusterAccess {
    return { server: this.url, credentials: async () => ({ headers: {}, tls: {} }) };
  }

  fault(fault: Fault): FaultHandle {
    return this.#faults.add(fault);
  }

  /** Creates or replaces an object, status and all, as somebody else than the operator would. */
  put<T extends KubernetesObject>(object: T, manager = 'test'): T {
    const resource = resourceOf(object);
    const given = structuredClone(object) as unknown as KubeObject;
    const { name, namespace } = given.metadata;
    const live = this.#store.get(resource, namespace, name);
    let written =
      live === undefined
        ? this.#store.create(resource, given, { manager })
        : this.#store.update(resource, live, given, { manager });
    if (withStatus(resource) && given.status !== undefined) {
      const writer = { manager, subresource: 'status' };
      written = this.#store.update(resource, written, { ...written, status: given.status }, writer);
    }
    return copy(written);
  }

  /** Puts what a function makes of an object in its place, without a request. */
  change<T extends KubernetesObject>(
    resource: Resource,
    namespace: string | undefined,
    name: string,
    edit: (object: T) => T,
  ): T {
    const object = this.object<T>(resource, namespace, name);
    if (object === undefined) throw new Error(`there is no ${resource.kind} ${namespace}/${name}`);
    return this.put(edit(object));
  }

  remove(resource: Resource, namespace: string | undefined, name: string): void {
    const live = this.#store.get(resource, namespace, name);
    if (live !== undefined) this.#store.remove(resource, live);
  }

  /** A copy. */
  object<T extends KubernetesObject>(resource: Resource, namespace: string | undefined, name: string): T | undefined {
    const object = this.#store.get(resource, namespace, name);
    return object && copy(object);
  }

  /** Copies, by name. */
  objects<T extends KubernetesObject>(resource: Resource, namespace?: string): T[] {
    return this.#store.list(resource, namespace).map((object) => copy<T>(object));
  }

  /** Requests that look like this. */
  count(like: Partial<LoggedRequest> = {}): number {
    const fields = Object.entries(like) as [keyof LoggedRequest, unknown][];
    return this.requests.filter((request) => fields.every(([field, value]) => request[field] === value)).length;
  }

  /** Requests that write, whatever came of them. */
  writes(): LoggedRequest[] {
    return this.requests.filter(({ verb }) => WRITES.includes(verb));
  }

  forgetRequests(): void {
    this.requests.length = 0;
  }

  /** Looks after each change, each request and each end of a watch whether it is so. */
  async until(condition: () => boolean, timeoutMs = 10_000): Promise<void> {
    const signal = AbortSignal.timeout(timeoutMs);
    while (!condition()) {
      await once(this.#events, 'event', { signal }).catch(() => {
        const last = this.requests.slice(-5).map(({ verb, path, status }) => `${verb} ${path} ${status}`);
        throw new Error(`not so after ${timeoutMs} ms: ${condition}\nlast requests:\n${last.join('\n')}`);
      });
    }
  }

  /** Open watches. */
  watches(plural?: string): number {
    return this.#watches.open(plural).length;
  }

  /** Ends watches as when their time is over. */
  endWatches(plural?: string): void {
    for (const stream of this.#watches.open(plural)) stream.end();
  }

  /** Cuts the connections of watches. */
  dropWatches(plural?: string): void {
    for (const stream of this.#watches.open(plural)) stream.drop();
  }

  /** Ends watches with an ERROR event, 410. */
  expireWatches(plural?: string): void {
    for (const stream of this.#watches.open(plural)) stream.fail(tooOld('1'));
  }

  /** Forgets all that happened: watches that resume, and lists that go on, get 410. */
  compact(): void {
    this.#store.compact();
    this.#lists.expire();
  }

  /** Sends a bookmark to all watches. */
  bookmark(): void {
    this.#watches.bookmark();
  }

  /** Refuses connections and cuts those that are there. The objects stay. */
  async goAway(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  /** Listens again, at the same port. */
  async comeBack(): Promise<void> {
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    if (this.#server.listening) await this.goAway();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', this.url);
    const chunks: Buffer[] = [];
    let entry: LoggedRequest | undefined;
    try {
      for await (const chunk of request) chunks.push(chunk);
      const target = parseTarget(request.method ?? '', url, request.headers['content-type'] ?? '', this.#absent);
      entry = this.#log(target, url, request.headers['user-agent'] ?? '');
      const effect = this.#faults.for(entry);
      const suffered = await this.#suffer(effect, response);
      if (suffered) return;
      const text = Buffer.concat(chunks).toString('utf8');
      if (target.verb === 'watch') {
        entry.status = 200;
        this.#watches.start({ ...target, resource: resourceIn(target) }, response);
        return;
      }
      const existed = exists(this.#store, target);
      const body = text === '' ? undefined : parse(text);
      const answer =
        target.verb === 'list'
          ? this.#lists.page({ ...target, resource: resourceIn(target) })
          : answerTo(this.#store, target, body, this.#absent);
      if (effect !== undefined && 'connection' in effect) response.destroy();
      else this.#send(entry, response, existed ? 200 : 201, answer);
    } catch (error) {
      if (response.destroyed) return;
      const refusal = error instanceof Refusal ? error : new Refusal(500, 'InternalError', String(error));
      this.#send(entry, response, refusal.status, refusal.toStatus(), refusal.retryAfterSeconds);
    } finally {
      this.#events.emit('event');
    }
  }

  /** True: that was all. */
  async #suffer(effect: Effect | undefined, response: ServerResponse): Promise<boolean> {
    if (effect === undefined) return false;
    if ('delayMs' in effect) await sleep(effect.delayMs);
    if ('status' in effect) {
      throw faulted(effect);
    }
    if ('connection' in effect && effect.connection === 'reset') response.destroy();
    return 'connection' in effect && effect.connection !== 'lose-answer';
  }

  #log(target: Target, url: URL, userAgent: string): LoggedRequest {
    const { verb, resource, namespace, name, subresource, query } = target;
    const entry: LoggedRequest = {
      verb,
      resource: resource?.plural ?? '',
      namespace,
      name,
      subresource,
      path: url.pathname,
      query: Object.fromEntries(query),
      userAgent,
      status: 0,
    };
    this.requests.push(entry);
    return entry;
  }

  #send(
    entry: LoggedRequest | undefined,
    response: ServerResponse,
    status: number,
    body: object,
    retryAfterSeconds?: number,
  ): void {
    if (entry !== undefined) entry.status = status;
    const retryAfter = retryAfterSeconds !== undefined && { 'Retry-After': String(retryAfterSeconds) };
    response.writeHead(status, { 'Content-Type': 'application/json', ...retryAfter });
    response.end(JSON.stringify(body));
  }
}

function copy<T>(object: KubeObject): T {
  return structuredClone(object) as unknown as T;
}

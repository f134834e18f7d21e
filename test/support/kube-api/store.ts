/** The objects, their versions, and what happened to them of late. */
import { randomUUID } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { isDeepStrictEqual } from 'node:util';
import { apiVersionOf, type Resource } from '../../../operator/kube/resources.ts';
import { withDefaults } from './defaults.ts';
import { conflict, type KubeObject, MODIFIED, qualified, Refusal } from './objects.ts';
import { now, ownable, updated, type Writer } from './ownership.ts';

export interface Change {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly version: number;
  readonly resource: Resource;
  readonly object: KubeObject;
  readonly previous: KubeObject | undefined;
  /** The object as watchers get it; made once for all of them. */
  json(): string;
}

/** Mutates or refuses (throws Refusal) what is about to be written, as admission does. */
export type Admission = (object: KubeObject) => KubeObject;

const HISTORY = 50_000;
const WITH_STATUS = new Set(
  'EdgeCluster Deployment Service Pod Namespace HorizontalPodAutoscaler PodDisruptionBudget'.split(' '),
);
const WITH_GENERATION = new Set('EdgeCluster Deployment PodDisruptionBudget NetworkPolicy PodMonitor'.split(' '));

export class Store {
  readonly #objects = new Map<string, Map<string, KubeObject>>();
  readonly #events = new EventEmitter<{ change: [Change] }>();
  readonly #admission: Admission;
  #history: Change[] = [];
  #version = 1;
  /** Changes up to this version are forgotten. */
  #floor = 0;
  #unique = 0;

  constructor(admission: Admission) {
    this.#admission = admission;
    this.#events.setMaxListeners(0);
  }

  get version(): number {
    return this.#version;
  }

  /** Synchronous, in the order of versions; call the result to end it. */
  onChange(listener: (change: Change) => void): () => void {
    this.#events.on('change', listener);
    return () => this.#events.off('change', listener);
  }

  get(resource: Resource, namespace: string | undefined, name: string): KubeObject | undefined {
    return this.#objects.get(qualified(resource))?.get(key(namespace, name));
  }

  /** In the order of their names, as the API server gives them. */
  list(resource: Resource, namespace?: string): KubeObject[] {
    const entries = [...(this.#objects.get(qualified(resource)) ?? [])];
    return entries
      .filter(([, { metadata }]) => namespace === undefined || metadata.namespace === namespace)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, object]) => object);
  }

  *all(): Iterable<KubeObject> {
    for (const objects of this.#objects.values()) yield* objects.values();
  }

  /** Changes after a version; undefined when they are forgotten. */
  since(version: number): readonly Change[] | undefined {
    if (version < this.#floor) return undefined;
    let from = this.#history.length;
    while (from > 0 && (this.#history[from - 1]?.version ?? 0) > version) from--;
    return this.#history.slice(from);
  }

  /** Forgets what happened: watches that resume get 410. */
  compact(): void {
    this.#history = [];
    this.#floor = ++this.#version;
  }

  /** @throws Refusal AlreadyExists */
  create(resource: Resource, given: KubeObject, writer: Writer): KubeObject {
    const { name, namespace } = given.metadata;
    if (this.get(resource, namespace, name) !== undefined) {
      throw new Refusal(409, 'AlreadyExists', `${qualified(resource)} "${name}" already exists`);
    }
    const { status: _, ...withoutStatus } = given;
    return this.insert(
      resource,
      updated(undefined, withStatus(resource) ? (withoutStatus as KubeObject) : given, writer),
    );
  }

  /** A new object whose owners are settled already. */
  insert(resource: Resource, given: KubeObject): KubeObject {
    const { name, namespace } = given.metadata;
    const metadata = {
      ...given.metadata,
      name,
      uid: randomUUID(),
      creationTimestamp: now(),
      ...(WITH_GENERATION.has(resource.kind) && { generation: 1 }),
    };
    const typed = { ...given, apiVersion: apiVersionOf(resource), kind: resource.kind, metadata };
    return this.#put('ADDED', resource, undefined, this.#admitted(typed, undefined), namespace);
  }

  /**
   * Puts `next` in the place of the live object, unless that changes nothing.
   * @throws Refusal Conflict when `next` says another resourceVersion or uid than the live one has
   */
  update(resource: Resource, live: KubeObject, next: KubeObject, writer: Writer): KubeObject {
    const status = writer.subresource === 'status';
    const kept = status || withStatus(resource) ? keepOther(live, next, status) : next;
    return this.replace(resource, live, updated(live, kept, writer), next);
  }

  /** As `update`, with owners settled already. @param said what the writer said of version and uid */
  replace(resource: Resource, live: KubeObject, next: KubeObject, said: KubeObject): KubeObject {
    checkPreconditions(resource, live, said.metadata);
    const { uid, creationTimestamp, resourceVersion, deletionTimestamp, generation, namespace, name } = live.metadata;
    const metadata = {
      ...next.metadata,
      ...JSON.parse(
        JSON.stringify({ name, namespace, uid, creationTimestamp, resourceVersion, deletionTimestamp, generation }),
      ),
    };
    const object = this.#admitted({ ...next, metadata }, live);
    if (isDeepStrictEqual(object, live)) return live;
    if (generation !== undefined && !isDeepStrictEqual(specOf(object), specOf(live)))
      metadata.generation = generation + 1;
    if (deletionTimestamp !== undefined && (object.metadata.finalizers ?? []).length === 0) {
      return this.#put('DELETED', resource, live, { ...object, metadata }, namespace);
    }
    return this.#put('MODIFIED', resource, live, { ...object, metadata }, namespace);
  }

  /** Deletes, or marks as being deleted what has finalizers. */
  remove(
    resource: Resource,
    live: KubeObject,
    preconditions: { uid?: string; resourceVersion?: string } = {},
  ): KubeObject {
    checkPreconditions(resource, live, preconditions);
    const { namespace, finalizers = [], deletionTimestamp } = live.metadata;
    if (finalizers.length === 0 && resource.kind !== 'Namespace') {
      return this.#put('DELETED', resource, live, live, namespace);
    }
    if (deletionTimestamp !== undefined) return live;
    const metadata = { ...live.metadata, deletionTimestamp: now() };
    const phase = resource.kind === 'Namespace' && { status: { phase: 'Terminating' } };
    return this.#put('MODIFIED', resource, live, { ...live, metadata, ...phase }, namespace);
  }

  /** The end of a namespace that is empty. */
  erase(resource: Resource, live: KubeObject): void {
    this.#put('DELETED', resource, live, live, live.metadata.namespace);
  }

  #admitted(object: KubeObject, live: KubeObject | undefined): KubeObject {
    return withDefaults(this.#admission(object), live, () => ++this.#unique);
  }

  #put(
    type: Change['type'],
    resource: Resource,
    previous: KubeObject | undefined,
    next: KubeObject,
    namespace: string | undefined,
  ): KubeObject {
    const version = ++this.#version;
    const object = { ...next, metadata: { ...next.metadata, resourceVersion: String(version) } };
    const table = qualified(resource);
    const objects = this.#objects.get(table) ?? new Map<string, KubeObject>();
    this.#objects.set(table, objects);
    if (type === 'DELETED') objects.delete(key(namespace, object.metadata.name));
    else objects.set(key(namespace, object.metadata.name), object);
    let text: string | undefined;
    const change: Change = {
      type,
      version,
      resource,
      object,
      previous,
      json: () => {
        text ??= JSON.stringify(object);
        return text;
      },
    };
    this.#history.push(change);
    if (this.#history.length > HISTORY) {
      const forgotten = this.#history.splice(0, HISTORY / 10);
      this.#floor = forgotten.at(-1)?.version ?? this.#floor;
    }
    this.#events.emit('change', change);
    return object;
  }
}

export function withStatus(resource: Resource): boolean {
  return WITH_STATUS.has(resource.kind);
}

function key(namespace: string | undefined, name: string): string {
  return `${namespace ?? ''}/${name}`;
}

/** A write to the status changes nothing else; one to the object doesn't change the status. */
function keepOther(live: KubeObject, next: KubeObject, status: boolean): KubeObject {
  const [kept, from] = status ? [live, next] : [next, live];
  const { status: _, ...rest } = kept;
  return { ...(rest as KubeObject), ...(from.status !== undefined && { status: from.status }) };
}

function specOf(object: KubeObject): unknown {
  const { metadata: _, ...rest } = ownable(object, undefined);
  return rest;
}

function checkPreconditions(
  resource: Resource,
  live: KubeObject,
  said: { uid?: string; resourceVersion?: string },
): void {
  const { name, uid, resourceVersion } = live.metadata;
  if (said.uid !== undefined && said.uid !== uid) {
    throw conflict(resource, name, `Precondition failed: UID in precondition: ${said.uid}, UID in object meta: ${uid}`);
  }
  if (said.resourceVersion !== undefined && said.resourceVersion !== resourceVersion) {
    throw conflict(resource, name, MODIFIED);
  }
}

/** Requests that write: create, update, apply, patch, delete; and the scale subresource. */
import { apiVersionOf, RESOURCES, type Resource } from '../../../operator/kube/resources.ts';
import { isMap, type KubeObject, mapAt, notFound, Refusal } from './objects.ts';
import { applied, type Writer } from './ownership.ts';
import type { Target } from './requests.ts';
import { type Store, withStatus } from './store.ts';

type Named = Target & { readonly resource: Resource; readonly name: string };

/** Of an object, or of its scale. */
export function read(store: Store, target: Named): KubeObject {
  const object = store.get(target.resource, target.namespace, target.name);
  if (object === undefined) throw notFound(target.resource, target.name);
  return target.subresource === 'scale' ? scaleOf(object) : object;
}

export function create(store: Store, target: Target & { readonly resource: Resource }, body: unknown, writer: Writer) {
  const object = asObject(target, body, undefined);
  if (object.metadata.resourceVersion !== undefined) {
    throw new Refusal(400, 'BadRequest', 'resourceVersion should not be set on objects to be created');
  }
  checkNamespace(store, target);
  return store.create(target.resource, object, writer);
}

export function update(store: Store, target: Named, body: unknown, writer: Writer): KubeObject {
  const live = mustGet(store, target);
  return written(store, target, live, asObject(target, body, target.name), writer);
}

export function patch(store: Store, target: Named, body: unknown, writer: Writer): KubeObject {
  const live = mustGet(store, target);
  const shown = target.subresource === 'scale' ? scaleOf(live) : live;
  // What the patch doesn't say of the version is no precondition.
  const { resourceVersion: _v, uid: _u, ...metadata } = shown.metadata;
  const patched = mergePatched({ ...shown, metadata }, body) as KubeObject;
  return written(store, target, live, patched, writer);
}

export function apply(store: Store, target: Named, body: unknown, writer: Writer, force: boolean): KubeObject {
  const given = asObject(target, body, target.name);
  const { resource, subresource } = target;
  const live = store.get(resource, target.namespace, target.name);
  if (given.metadata.managedFields !== undefined) {
    throw new Refusal(400, 'BadRequest', 'metadata.managedFields must be nil');
  }
  if (live === undefined) {
    if (subresource !== undefined) throw notFound(resource, target.name);
    // A resourceVersion is no obstacle to the real one (1.34) either: it creates.
    if (given.metadata.uid !== undefined) {
      throw new Refusal(
        409,
        'Conflict',
        `Operation cannot be fulfilled on ${resource.plural} "${target.name}": uid mismatch: the provided object ` +
          `specified uid ${given.metadata.uid}, and no existing object was found`,
      );
    }
    checkNamespace(store, target);
    const bare = { apiVersion: given.apiVersion, kind: given.kind, metadata: nameOf(target) };
    return store.insert(resource, applied(bare, withoutStatus(resource, given), writer, force));
  }
  if (subresource === 'scale') return written(store, target, live, given, writer);
  const { uid } = given.metadata;
  if (uid !== undefined && uid !== live.metadata.uid) {
    const why = `metadata.uid: Invalid value: "${uid}": field is immutable`;
    throw new Refusal(422, 'Invalid', `${resource.kind} "${target.name}" is invalid: ${why}`);
  }
  const relevant = subresource === 'status' ? given : withoutStatus(resource, given);
  return store.replace(resource, live, applied(live, relevant, writer, force), given);
}

export function remove(store: Store, target: Named, body: unknown): KubeObject {
  const preconditions = mapAt(body, 'preconditions');
  const live = mustGet(store, target);
  if (mapAt({ body }, 'body').propagationPolicy === 'Orphan') orphan(store, live);
  return store.remove(target.resource, live, preconditions);
}

function written(store: Store, target: Named, live: KubeObject, next: KubeObject, writer: Writer): KubeObject {
  if (target.subresource !== 'scale') return store.update(target.resource, live, next, writer);
  const { replicas } = mapAt(next, 'spec');
  if (typeof replicas !== 'number' || replicas < 0) {
    throw new Refusal(422, 'Invalid', 'Scale is invalid: spec.replicas: must be greater than or equal to 0');
  }
  const { uid, resourceVersion } = next.metadata;
  const metadata = { ...live.metadata, ...(uid && { uid }), ...(resourceVersion && { resourceVersion }) };
  const scaled = { ...live, metadata, spec: { ...mapAt(live, 'spec'), replicas } };
  return scaleOf(store.update(target.resource, live, scaled, { ...writer, subresource: 'scale' }));
}

function mustGet(store: Store, target: Named): KubeObject {
  const live = store.get(target.resource, target.namespace, target.name);
  if (live === undefined) throw notFound(target.resource, target.name);
  return live;
}

function asObject(
  target: Target & { readonly resource: Resource },
  body: unknown,
  name: string | undefined,
): KubeObject {
  const { resource, namespace } = target;
  const metadata = mapAt(body, 'metadata');
  const bad = (why: string) => new Refusal(400, 'BadRequest', why);
  if (!isMap(body)) throw bad('the body is no object');
  if (target.subresource !== 'scale' && (body.kind !== resource.kind || body.apiVersion !== apiVersionOf(resource))) {
    throw bad(`${body.apiVersion} ${body.kind} does not match ${apiVersionOf(resource)} ${resource.kind}`);
  }
  if (typeof metadata.name !== 'string') throw bad('name is required');
  if (name !== undefined && metadata.name !== name) {
    throw bad(`the name of the object (${metadata.name}) does not match the name on the URL (${name})`);
  }
  if (resource.namespaced && (metadata.namespace ?? namespace) !== namespace) {
    throw bad('the namespace of the provided object does not match the namespace sent on the request');
  }
  return { ...body, metadata: { ...metadata, ...nameOf({ ...target, name: metadata.name }) } } as KubeObject;
}

function nameOf({ name = '', namespace }: Target): KubeObject['metadata'] {
  return { name, ...(namespace !== undefined && { namespace }) };
}

function withoutStatus(resource: Resource, object: KubeObject): KubeObject {
  if (!withStatus(resource)) return object;
  const { status: _, ...rest } = object;
  return rest as KubeObject;
}

function checkNamespace(store: Store, { resource, namespace }: Target & { readonly resource: Resource }): void {
  if (!resource.namespaced) return;
  const found = store.get(RESOURCES.Namespace, undefined, namespace ?? '');
  if (found === undefined) throw notFound(RESOURCES.Namespace, namespace ?? '');
  if (found.metadata.deletionTimestamp === undefined) return;
  const why = `unable to create new content in namespace ${namespace} because it is being terminated`;
  throw new Refusal(403, 'Forbidden', `${resource.plural} is forbidden: ${why}`);
}

function orphan(store: Store, owner: KubeObject): void {
  for (const dependent of [...store.all()]) {
    const { ownerReferences = [] } = dependent.metadata;
    const others = ownerReferences.filter(({ uid }) => uid !== owner.metadata.uid);
    if (others.length === ownerReferences.length) continue;
    const resource = Object.values(RESOURCES).find(({ kind }) => kind === dependent.kind);
    const metadata = { ...dependent.metadata, ownerReferences: others };
    if (resource) store.update(resource, dependent, { ...dependent, metadata }, { manager: 'kube-controller-manager' });
  }
}

function scaleOf(object: KubeObject): KubeObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const { replicas = 0, selector } = mapAt(object, 'spec');
  const status = mapAt(object, 'status');
  const labels = Object.entries(mapAt(selector, 'matchLabels')).map(([label, value]) => `${label}=${value}`);
  return {
    apiVersion: 'autoscaling/v1',
    kind: 'Scale',
    metadata: JSON.parse(JSON.stringify({ name, namespace, uid, resourceVersion, creationTimestamp })),
    spec: { replicas },
    status: { replicas: status.replicas ?? 0, selector: status.selector ?? labels.join(',') },
  };
}

function mergePatched(into: unknown, from: unknown): unknown {
  if (!isMap(from)) return from;
  const result: Record<string, unknown> = isMap(into) ? { ...into } : {};
  for (const [name, value] of Object.entries(from)) {
    if (value === null) delete result[name];
    else result[name] = mergePatched(result[name], value);
  }
  return result;
}

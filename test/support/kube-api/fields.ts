/**
 * Server-side apply's arithmetic: which fields an object has, and how one object's fields get into another.
 *
 * What a list or map is (keyed, set, atomic, granular) is told by its field's name, for the kinds that we use; what
 * isn't named here is an atomic list or a granular map.
 */
import { isDeepStrictEqual } from 'node:util';
import { type FieldTree, isMap } from './objects.ts';

const ATOMIC_MAPS = new Set(
  (
    'selector podSelector namespaceSelector labelSelector nodeSelector fieldRef resourceFieldRef secretKeyRef ' +
    'configMapKeyRef'
  ).split(' '),
);

const LIST_KEYS: Readonly<Record<string, readonly string[]>> = {
  containers: ['name'],
  initContainers: ['name'],
  env: ['name'],
  volumes: ['name'],
  volumeMounts: ['mountPath'],
  imagePullSecrets: ['name'],
  topologySpreadConstraints: ['topologyKey', 'whenUnsatisfiable'],
  conditions: ['type'],
  ownerReferences: ['uid'],
};

const ATOMIC_ITEMS = new Set(['ownerReferences']);

/** Lists called `ports` differ by kind; in other kinds they are atomic. */
const PORT_KEYS: Readonly<Record<string, readonly string[]>> = {
  Deployment: ['containerPort', 'protocol'],
  Pod: ['containerPort', 'protocol'],
  Service: ['port', 'protocol'],
};

export class FieldRules {
  readonly #kind: string;

  constructor(kind: string) {
    this.#kind = kind;
  }

  /** The fields of a value. An empty tree is a leaf: something without fields of its own, or to be taken as a whole. */
  fieldsOf(value: unknown, name = ''): FieldTree {
    const tree: FieldTree = {};
    if (isMap(value) && !ATOMIC_MAPS.has(name)) {
      for (const [key, child] of Object.entries(value)) tree[`f:${key}`] = this.fieldsOf(child, key);
    } else if (Array.isArray(value)) {
      for (const item of value) {
        const element = this.element(name, item);
        const whole = ATOMIC_ITEMS.has(name) || !element?.startsWith('k:');
        if (element !== undefined) tree[element] = whole ? {} : { '.': {}, ...this.fieldsOf(item) };
      }
    }
    return tree;
  }

  /** What an item is called in its list; undefined in an atomic one. */
  element(list: string, item: unknown): string | undefined {
    if (list === 'finalizers') return `v:${JSON.stringify(item)}`;
    const keys = list === 'ports' ? PORT_KEYS[this.#kind] : LIST_KEYS[list];
    if (keys === undefined || !isMap(item)) return undefined;
    const named = keys.map((key) => [key, item[key] ?? (key === 'protocol' ? 'TCP' : '')]);
    return `k:${JSON.stringify(Object.fromEntries(named))}`;
  }

  /** `into` with all of `from` in it. Neither is changed. */
  merge(into: unknown, from: unknown, name = ''): unknown {
    if (isMap(into) && isMap(from) && !ATOMIC_MAPS.has(name)) {
      const merged: Record<string, unknown> = { ...into };
      for (const [key, value] of Object.entries(from)) merged[key] = this.merge(into[key], value, key);
      return merged;
    }
    if (Array.isArray(into) && Array.isArray(from)) return this.#mergeLists(into, from, name);
    return from;
  }

  /** In the order of what is applied; what is there besides keeps its place as far as it goes. */
  #mergeLists(into: readonly unknown[], from: readonly unknown[], name: string): readonly unknown[] {
    const elements = new Set(from.map((item) => this.element(name, item)));
    if (elements.has(undefined)) return from;
    const left = [...into];
    const merged = from.flatMap((item) => {
      const shared = left.findIndex((other) => elements.has(this.element(name, other)));
      const before = left.splice(0, shared < 0 ? left.length : shared);
      const at = left.findIndex((other) => this.element(name, other) === this.element(name, item));
      if (at < 0) return [...before, item];
      const [present] = left.splice(at, 1);
      return [...before, ATOMIC_ITEMS.has(name) ? item : this.merge(present, item)];
    });
    return [...merged, ...left];
  }

  /** The value of a field; undefined where there is none. */
  at(object: unknown, path: readonly string[]): unknown {
    let value = object;
    let name = '';
    for (const element of path) {
      if (element === '.') return value;
      if (element.startsWith('f:')) {
        name = element.slice(2);
        value = isMap(value) ? value[name] : undefined;
      } else {
        value = Array.isArray(value) ? value.find((item) => this.element(name, item) === element) : undefined;
      }
    }
    return value;
  }

  /** The object without a field, and without the maps and lists that this empties. */
  without(object: unknown, path: readonly string[], name = ''): unknown {
    const [element, ...rest] = path;
    if (element === undefined || element === '.') return undefined;
    if (isMap(object)) {
      const key = element.slice(2);
      if (!(key in object)) return object;
      const { [key]: child, ...others } = object;
      const left = this.without(child, rest, key);
      if (left !== undefined) return { ...object, [key]: left };
      return Object.keys(others).length === 0 ? undefined : others;
    }
    if (!Array.isArray(object)) return object;
    const items = object.flatMap((item) => {
      if (this.element(name, item) !== element) return [item];
      const left = this.without(item, rest);
      return left === undefined ? [] : [left];
    });
    return items.length === 0 ? undefined : items;
  }

  /** Fields of `after` that `before` has not, or has otherwise; and those of `before` that `after` has not. */
  difference(before: unknown, after: unknown): { readonly set: string[][]; readonly removed: string[][] } {
    const old = this.fieldsOf(before);
    const now = this.fieldsOf(after);
    return {
      set: leaves(now).filter(
        (path) =>
          !has(old, path) || !(path.at(-1) === '.' || isDeepStrictEqual(this.at(before, path), this.at(after, path))),
      ),
      removed: leaves(old).filter((path) => !has(now, path)),
    };
  }
}

export function leaves(tree: FieldTree): string[][] {
  return Object.entries(tree).flatMap(([element, child]) => {
    const below = leaves(child);
    return below.length === 0 ? [[element]] : below.map((path) => [element, ...path]);
  });
}

export function has(tree: FieldTree, path: readonly string[]): boolean {
  let node: FieldTree | undefined = tree;
  for (const element of path) node = node?.[element];
  return node !== undefined;
}

export function plus(tree: FieldTree, path: readonly string[]): FieldTree {
  const [element, ...rest] = path;
  return element === undefined ? tree : { ...tree, [element]: plus(tree[element] ?? {}, rest) };
}

/** Without a path, and what that leaves empty. */
export function minus(tree: FieldTree, path: readonly string[]): FieldTree {
  const [element, ...rest] = path;
  if (element === undefined || tree[element] === undefined) return tree;
  const { [element]: child = {}, ...others } = tree;
  const left = rest.length === 0 ? {} : minus(child, rest);
  return Object.keys(left).length === 0 ? others : { ...tree, [element]: left };
}

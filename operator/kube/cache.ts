/** Objects by namespace and name. */
import type { KubernetesObject } from '@kubernetes/client-node';

export class ObjectCache<T extends KubernetesObject> {
  readonly #namespaces = new Map<string, Map<string, T>>();

  get(namespace: string | undefined, name: string): T | undefined {
    return this.#namespaces.get(namespace ?? '')?.get(name);
  }

  /** @param namespace none: all */
  *list(namespace?: string): Iterable<T> {
    if (namespace !== undefined) yield* this.#namespaces.get(namespace)?.values() ?? [];
    else for (const objects of this.#namespaces.values()) yield* objects.values();
  }

  /** Returns what was in its place. */
  set(object: T): T | undefined {
    const { namespace = '', name = '' } = object.metadata ?? {};
    let objects = this.#namespaces.get(namespace);
    if (objects === undefined) {
      objects = new Map();
      this.#namespaces.set(namespace, objects);
    }
    const previous = objects.get(name);
    objects.set(name, object);
    return previous;
  }

  /** Returns what was there. */
  delete(object: T): T | undefined {
    const { namespace = '', name = '' } = object.metadata ?? {};
    const objects = this.#namespaces.get(namespace);
    const previous = objects?.get(name);
    objects?.delete(name);
    if (objects?.size === 0) this.#namespaces.delete(namespace);
    return previous;
  }
}

/** Answers to all requests but lists and watches. */
import { RESOURCES, type Resource } from '../../../operator/kube/resources.ts';
import { Refusal } from './objects.ts';
import { discovery, type Target } from './requests.ts';
import type { Store } from './store.ts';
import * as writes from './writes.ts';

/** @throws Refusal */
export function answerTo(store: Store, target: Target, body: unknown, absent: ReadonlySet<string>): object {
  if (target.verb === 'discover') return discovery(target.group, absent);
  const resource = resourceIn(target);
  const manager = target.query.get('fieldManager') ?? 'unknown';
  const writer = { manager, subresource: target.subresource };
  if (target.verb === 'create') return writes.create(store, { ...target, resource }, body, writer);
  const named = { ...target, resource, name: target.name ?? '' };
  switch (target.verb) {
    case 'get':
      return writes.read(store, named);
    case 'update':
      return writes.update(store, named, body, writer);
    case 'patch':
      return writes.patch(store, named, body, writer);
    case 'apply':
      return writes.apply(store, named, body, writer, target.query.get('force') === 'true');
    case 'delete':
      return writes.remove(store, named, body);
    default:
      throw new Refusal(405, 'MethodNotAllowed', `no answer to ${target.verb}`);
  }
}

/** Whether what is asked for, or is to be written, is there: the answer is 200, else 201. */
export function exists(store: Store, { verb, resource, namespace, name }: Target): boolean {
  if (verb === 'create') return false;
  return resource === undefined || name === undefined || store.get(resource, namespace, name) !== undefined;
}

export function resourceIn({ resource }: Target): Resource {
  return resource ?? RESOURCES.Namespace;
}

export function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Refusal(400, 'BadRequest', 'the body is not JSON (which is all that the double reads)');
  }
}

/** Who owns which fields: server-side apply, and what all other writes do to it. */
import { isDeepStrictEqual } from 'node:util';
import { FieldRules, has, leaves, minus, plus } from './fields.ts';
import { type FieldTree, isMap, type KubeObject, type ManagedFields, Refusal } from './objects.ts';

export interface Writer {
  readonly manager: string;
  readonly subresource?: string | undefined;
}

/** Of metadata, only these belong to anybody. */
const OWNED_METADATA = ['labels', 'annotations', 'finalizers', 'ownerReferences'];

/** What counts as an object's fields: not its name and what the server writes; of a subresource, that alone. */
export function ownable(object: KubeObject, subresource: string | undefined): Record<string, unknown> {
  if (subresource === 'status') return object.status === undefined ? {} : { status: object.status };
  const { apiVersion: _v, kind: _k, metadata, status: _s, ...rest } = object;
  const owned = Object.fromEntries(
    Object.entries(metadata).filter(([name, value]) => OWNED_METADATA.includes(name) && value !== undefined),
  );
  return { ...(Object.keys(owned).length > 0 && { metadata: owned }), ...rest };
}

/**
 * Applies an object over the live one.
 * @throws Refusal Conflict: others own fields that would change, unless forced
 */
export function applied(live: KubeObject, given: KubeObject, writer: Writer, force: boolean): KubeObject {
  const rules = new FieldRules(live.kind);
  const wanted = ownable(given, writer.subresource);
  const fields = rules.fieldsOf(wanted);
  const entries = live.metadata.managedFields ?? [];
  const own = entries.find((entry) => isEntryOf(entry, 'Apply', writer));
  const contested: { readonly entry: ManagedFields; readonly path: string[] }[] = [];
  for (const entry of entries) {
    if (entry === own) continue;
    for (const path of leaves(fields)) {
      if (path.at(-1) === '.' || !has(entry.fieldsV1, path)) continue;
      const value = rules.at(wanted, path);
      if (isEmptyMap(value) || isDeepStrictEqual(value, rules.at(live, path))) continue;
      contested.push({ entry, path });
    }
  }
  if (contested.length > 0 && !force) throw refused(given, contested);
  let others = entries.filter((entry) => entry !== own);
  for (const { entry, path } of contested) others = disown(others, path, entry);
  let object = rules.merge(live, wanted) as KubeObject;
  for (const path of leaves(own?.fieldsV1 ?? {})) {
    if (has(fields, path) || others.some((entry) => has(entry.fieldsV1, itemOr(path)))) continue;
    object = rules.without(object, path) as KubeObject;
  }
  return withFields(object, others, own, 'Apply', writer, fields);
}

/** `after` with the fields that differ from `before` in the writer's hands. */
export function updated(before: KubeObject | undefined, after: KubeObject, writer: Writer): KubeObject {
  const rules = new FieldRules(after.kind);
  const was = before === undefined ? {} : ownable(before, writer.subresource);
  const { set, removed } = rules.difference(was, ownable(after, writer.subresource));
  const entries = before?.metadata.managedFields ?? [];
  const own = entries.find((entry) => isEntryOf(entry, 'Update', writer));
  let others = entries.filter((entry) => entry !== own);
  for (const path of [...set, ...removed]) others = disown(others, path);
  let fields = own?.fieldsV1 ?? {};
  for (const path of removed) fields = minus(fields, path);
  for (const path of set) fields = plus(fields, path);
  return withFields(after, others, own, 'Update', writer, fields);
}

/** `.` says that somebody has the item; so does any field in it. */
function itemOr(path: readonly string[]): readonly string[] {
  return path.at(-1) === '.' ? path.slice(0, -1) : path;
}

function disown(entries: ManagedFields[], path: string[], only?: ManagedFields): ManagedFields[] {
  return entries.flatMap((entry) => {
    if (only !== undefined && !isEntryOf(entry, only.operation, only)) return [entry];
    if (!has(entry.fieldsV1, path)) return [entry];
    const fieldsV1 = minus(entry.fieldsV1, path);
    return Object.keys(fieldsV1).length === 0 ? [] : [{ ...entry, fieldsV1 }];
  });
}

function withFields(
  object: KubeObject,
  others: ManagedFields[],
  own: ManagedFields | undefined,
  operation: ManagedFields['operation'],
  writer: Writer,
  fieldsV1: FieldTree,
): KubeObject {
  const entry: ManagedFields = {
    manager: writer.manager,
    operation,
    apiVersion: object.apiVersion,
    time: own !== undefined && isDeepStrictEqual(own.fieldsV1, fieldsV1) ? own.time : now(),
    fieldsType: 'FieldsV1',
    fieldsV1,
    ...(writer.subresource !== undefined && { subresource: writer.subresource }),
  };
  const managedFields = Object.keys(fieldsV1).length === 0 ? others : [...others, entry];
  // In a steady order, so that what changes nothing looks like it.
  managedFields.sort((a, b) => order(a).localeCompare(order(b)));
  return { ...object, metadata: { ...object.metadata, managedFields } };
}

function order({ manager, operation, subresource = '' }: ManagedFields): string {
  return `${operation} ${manager} ${subresource}`;
}

function isEntryOf(entry: ManagedFields, operation: string, writer: Writer): boolean {
  return entry.manager === writer.manager && entry.operation === operation && entry.subresource === writer.subresource;
}

function isEmptyMap(value: unknown): boolean {
  return isMap(value) && Object.keys(value).length === 0;
}

function refused(
  { metadata }: KubeObject,
  contested: readonly { readonly entry: ManagedFields; readonly path: string[] }[],
): Refusal {
  const several = contested.length === 1 ? 'conflict' : 'conflicts';
  const text = contested
    .map(({ entry, path }) => `conflict with "${entry.manager}": ${path.map(spoken).join('')}`)
    .join('\n');
  return new Refusal(409, 'Conflict', `Apply failed with ${contested.length} ${several} (${metadata.name}): ${text}`);
}

/** `.spec.ports[port=80,protocol="TCP"]`. */
function spoken(element: string): string {
  if (element.startsWith('f:')) return `.${element.slice(2)}`;
  if (!element.startsWith('k:')) return '';
  const keys = Object.entries(JSON.parse(element.slice(2)) as object);
  return `[${keys.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(',')}]`;
}

export function now(): string {
  return new Date().toISOString().replace(/\.\d+Z$/, 'Z');
}

/** The fields in which two objects of Kubernetes differ, in both directions. */
import { isDeepStrictEqual } from 'node:util';
import { isSameQuantity } from '../reconcile/apply/compare.ts';

export interface FieldChange {
  /** `spec.containers[edge].image` */
  readonly path: string;
  /** Undefined: it is not there. */
  readonly from: unknown;
  readonly to: unknown;
}

/** Elements with names are compared by name; their order counts, too. Other lists are one value, unless equally long. */
export function fieldChanges(from: unknown, to: unknown): FieldChange[] {
  const found: FieldChange[] = [];
  compare(from, to, [], found);
  return found;
}

/** `from` and `to` of a change as text. */
export function changeText({ path, from, to }: FieldChange): string {
  return `${path}: ${valueText(from)} → ${valueText(to)}`;
}

/** A field below an object; undefined where there is none. */
export function valueAt(object: unknown, ...path: readonly (string | number)[]): unknown {
  let value = object;
  for (const key of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Readonly<Record<string | number, unknown>>)[key];
  }
  return value;
}

const valueMaxLength = 80;

function valueText(value: unknown): string {
  if (value === undefined) return 'none';
  const text = typeof value === 'string' && value !== '' ? value : JSON.stringify(value);
  return text.length <= valueMaxLength ? text : `${text.slice(0, valueMaxLength - 1)}…`;
}

type Path = readonly string[];

function compare(from: unknown, to: unknown, path: Path, found: FieldChange[]): void {
  if (isNothing(from) && isNothing(to)) return;
  if (Array.isArray(from) && Array.isArray(to)) compareLists(from, to, path, found);
  else if (isMap(from) && isMap(to)) {
    const keys = new Set([...Object.keys(from), ...Object.keys(to)]);
    for (const key of keys) compare(from[key], to[key], [...path, key], found);
  } else if (from !== to && !isSameQuantity(from, to, path)) found.push({ path: textOf(path), from, to });
}

function compareLists(from: readonly unknown[], to: readonly unknown[], path: Path, found: FieldChange[]): void {
  const [before, after] = [byName(from), byName(to)];
  if (before === undefined || after === undefined) {
    if (from.length !== to.length) found.push({ path: textOf(path), from, to });
    else for (const [i, value] of from.entries()) compare(value, to[i], [...path, `[${i}]`], found);
    return;
  }
  const names = new Set([...before.keys(), ...after.keys()]);
  for (const name of names) compare(before.get(name), after.get(name), [...path, `[${name}]`], found);
  const [order, newOrder] = [[...before.keys()], [...after.keys()]].map((keys) =>
    keys.filter((name) => before.has(name) && after.has(name)),
  );
  if (!isDeepStrictEqual(order, newOrder)) found.push({ path: `${textOf(path)} (order)`, from: order, to: newOrder });
}

/** Undefined: its elements have no names, or one of them twice. */
function byName(list: readonly unknown[]): ReadonlyMap<string, unknown> | undefined {
  const named = new Map<string, unknown>();
  for (const element of list) {
    const name = valueAt(element, 'name');
    if (typeof name !== 'string' || named.has(name)) return undefined;
    named.set(name, element);
  }
  return named;
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The API server leaves out what is empty. */
function isNothing(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  if (Array.isArray(value)) return value.length === 0;
  return isMap(value) && Object.keys(value).length === 0;
}

function textOf(path: Path): string {
  return path.reduce((text, part) => {
    if (part.startsWith('[') || text === '') return text + part;
    return /[./]/.test(part) ? `${text}['${part}']` : `${text}.${part}`;
  }, '');
}

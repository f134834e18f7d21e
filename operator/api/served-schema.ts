/**
 * The schema of EdgeCluster that an API server serves may be another release's than ours: what differs, and what of an
 * object such a schema can hold.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Schema } from './schema.ts';
import { isObject } from './structure.ts';

/** Fields, such as `status.players`, and words, such as `status.conditions[].type Degraded`, that `other` lacks. */
export function lacking(schema: Schema, other: Schema, path: string): readonly string[] {
  const words = (schema.enum ?? []).filter((word) => other.enum !== undefined && !other.enum.includes(word));
  const fields = Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const here = `${path}.${name}`;
    const there = other.properties?.[name];
    if (there !== undefined) return lacking(field, there, here);
    return holdsAnything(other) ? [] : [here];
  });
  const items = schema.items && other.items ? lacking(schema.items, other.items, `${path}[]`) : [];
  return [...words.map((word) => `${path} ${word}`), ...fields, ...items];
}

/** What of `value` a schema has fields and words for. Undefined: nothing of it. */
export function fitted(value: unknown, schema: Schema): unknown {
  if (schema.enum !== undefined && typeof value === 'string' && !schema.enum.includes(value)) return undefined;
  if (Array.isArray(value)) {
    const { items } = schema;
    return items === undefined ? value : value.map((item) => fitted(item, items)).filter((item) => item !== undefined);
  }
  if (!isObject(value) || holdsAnything(schema)) return value;
  const entries = Object.entries(value).flatMap(([name, inner]): [string, unknown][] => {
    const field = schema.properties?.[name] ?? schema.additionalProperties;
    const fit = field === undefined ? undefined : fitted(inner, field);
    return fit === undefined ? [] : [[name, fit]];
  });
  const object = Object.fromEntries(entries);
  return (schema.required ?? []).every((name) => name in object) ? object : undefined;
}

/**
 * Fields of `value` that the schema served has and ours lacks, where they say something other than their default, and
 * words that ours lacks: what somebody asks for, and we know nothing of.
 */
export function unknownSettings(value: unknown, ours: Schema, served: Schema, path: string): readonly string[] {
  if (Array.isArray(value)) {
    const { items = {} } = ours;
    return value.flatMap((item, i) => unknownSettings(item, items, served.items ?? {}, `${path}[${i}]`));
  }
  if (typeof value === 'string' && ours.enum?.includes(value) === false) return [`${path} ${value}`];
  if (!isObject(value) || ours.properties === undefined) return [];
  return Object.entries(value).flatMap(([name, inner]) => {
    const here = `${path}.${name}`;
    const field = served.properties?.[name] ?? {};
    const known = ours.properties?.[name];
    if (known !== undefined) return unknownSettings(inner, known, field, here);
    return isDefault(inner, field) ? [] : [here];
  });
}

/** Whether a value says what the API server would fill in. */
function isDefault(value: unknown, schema: Schema): boolean {
  if (isObject(value) && schema.properties !== undefined && isObject(schema.default)) {
    const { properties } = schema;
    return Object.entries(value).every(([name, inner]) => isDefault(inner, properties[name] ?? {}));
  }
  return isDeepStrictEqual(value, schema.default);
}

function holdsAnything(schema: Schema): boolean {
  const isFree = schema.properties === undefined && schema.additionalProperties === undefined;
  return schema['x-kubernetes-preserve-unknown-fields'] === true || isFree;
}

/**
 * What the API server does to a manifest before it checks it: unknown fields are refused (kubectl asks for that),
 * nulls dropped, defaults filled in.
 */
import { nearest } from '../../edge/conf/nearest.ts';
import type { FieldError, Path } from './field-error.ts';
import type { Schema } from './schema.ts';

export interface Structured {
  /** A copy without unknown fields and nulls, with defaults. */
  readonly value: unknown;
  readonly errors: readonly FieldError[];
}

/** Shapes `value` by `schema`. Values of a wrong type are passed on as they are, for the check that follows. */
export function structure(value: unknown, schema: Schema, path: Path = []): Structured {
  const errors: FieldError[] = [];
  return { value: shape(value, schema, path, errors), errors };
}

/** A copy of `value` with the defaults of the schema, and all that the schema does not know. */
export function withDefaults(value: unknown, schema: Schema): unknown {
  if (Array.isArray(value)) return value.map((item) => withDefaults(item, schema.items ?? {}));
  if (!isObject(value)) return value;
  const filled: Record<string, unknown> = { ...value };
  for (const [key, field] of Object.entries(schema.properties ?? {})) {
    const inner = value[key] ?? structuredClone(field.default);
    if (inner !== undefined) filled[key] = withDefaults(inner, field);
  }
  return filled;
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function shape(value: unknown, schema: Schema, path: Path, errors: FieldError[]): unknown {
  const { items, properties, additionalProperties } = schema;
  if (Array.isArray(value)) {
    return items === undefined ? value : value.map((item, index) => shape(item, items, [...path, index], errors));
  }
  if (!isObject(value)) return value;
  if (additionalProperties !== undefined) {
    const entries = Object.entries(value).filter(([, inner]) => inner !== null);
    return Object.fromEntries(
      entries.map(([key, inner]) => [key, shape(inner, additionalProperties, [...path, key], errors)]),
    );
  }
  if (properties === undefined) return structuredClone(value);
  const shaped: Record<string, unknown> = {};
  for (const [key, field] of Object.entries(properties)) {
    const given = Object.hasOwn(value, key) ? (value[key] ?? undefined) : undefined;
    const inner = given ?? structuredClone(field.default);
    if (inner !== undefined) shaped[key] = shape(inner, field, [...path, key], errors);
  }
  for (const key of Object.keys(value)) {
    if (Object.hasOwn(properties, key)) continue;
    if (schema['x-kubernetes-preserve-unknown-fields']) shaped[key] = structuredClone(value[key]);
    else errors.push(unknownField([...path, key], Object.keys(properties)));
  }
  return shaped;
}

/** An error for a field that the schema does not have, with the one that was meant where that can be guessed. */
export function unknownField(path: Path, known: readonly string[]): FieldError {
  const meant = nearest(String(path.at(-1)), known);
  const message = meant === undefined ? `the fields here are ${known.join(', ')}` : `did you mean "${meant}"?`;
  return { path, reason: 'Unknown field', message };
}

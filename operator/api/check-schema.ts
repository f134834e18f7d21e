/** Holds a manifest against the structural schema, by ajv, and says what is wrong in the API server's words. */
import { Ajv, type ErrorObject, type SchemaObject } from 'ajv';
import type { FieldError, Path } from './field-error.ts';
import type { Schema } from './schema.ts';
import { isObject } from './structure.ts';

/** Returns what finds everything wrong with a manifest that has been structured: types, limits, duplicates. */
export function schemaChecker(schema: Schema): (manifest: unknown) => readonly FieldError[] {
  const ajv = new Ajv({ allErrors: true, verbose: true, strict: false, validateFormats: false });
  const validate = ajv.compile(jsonSchema(schema));
  return (manifest) => {
    validate(manifest);
    return [...(validate.errors ?? []).map(fieldError), ...duplicates(manifest, schema, [])];
  };
}

/** A structural schema as JSON Schema. */
function jsonSchema(schema: Schema): SchemaObject {
  const { properties, additionalProperties, items, default: _, ...rest } = schema;
  return {
    ...rest,
    ...(schema['x-kubernetes-int-or-string'] && { type: ['integer', 'string'] }),
    ...(properties && {
      properties: Object.fromEntries(Object.entries(properties).map(([name, field]) => [name, jsonSchema(field)])),
    }),
    ...(additionalProperties && { additionalProperties: jsonSchema(additionalProperties) }),
    ...(items && { items: jsonSchema(items) }),
  };
}

function fieldError({ keyword, params, instancePath, data }: ErrorObject): FieldError {
  const path = pathOf(instancePath);
  const limit = params.limit as number;
  switch (keyword) {
    case 'required':
      return { path: [...path, params.missingProperty as string], reason: 'Required value', message: '' };
    case 'enum': {
      const words = (params.allowedValues as string[]).map((word) => `"${word}"`).join(', ');
      return { path, reason: 'Unsupported value', value: data, message: `supported values: ${words}` };
    }
    case 'type': {
      const wanted = String(params.type);
      return { path, reason: 'Invalid value', value: data, message: `must be of type ${wanted}: "${typeName(data)}"` };
    }
    case 'maxLength':
      return { path, reason: 'Too long', message: `may not be more than ${limit} bytes` };
    case 'maxItems':
    case 'maxProperties': {
      const count = Object.keys(data as object).length;
      return { path, reason: 'Too many', value: count, message: `must have at most ${limit} items` };
    }
    case 'minItems':
      return { path, reason: 'Invalid value', value: 0, message: `should have at least ${limit} items` };
    case 'minLength':
      return { path, reason: 'Invalid value', value: data, message: `should be at least ${limit} chars long` };
    case 'minimum':
      return { path, reason: 'Invalid value', value: data, message: `should be greater than or equal to ${limit}` };
    case 'maximum':
      return { path, reason: 'Invalid value', value: data, message: `should be less than or equal to ${limit}` };
    case 'pattern':
      return { path, reason: 'Invalid value', value: data, message: `should match '${params.pattern}'` };
    default:
      return { path, reason: 'Invalid value', value: data, message: `breaks "${keyword}"` };
  }
}

/** A JSON pointer as names and indices. Only lists have keys of digits in our schema. */
function pathOf(pointer: string): Path {
  const steps = pointer.split('/').slice(1);
  return steps.map((step) => (/^\d+$/.test(step) ? Number(step) : step.replaceAll('~1', '/').replaceAll('~0', '~')));
}

function typeName(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return Number.isInteger(value) ? 'integer' : typeof value;
}

/** Items of a set, or keys of a list map, that are there twice. */
function duplicates(value: unknown, schema: Schema, path: Path): FieldError[] {
  if (Array.isArray(value)) {
    const { items = {} } = schema;
    const seen = new Set<string>();
    const own = value.flatMap((item: unknown, index): FieldError[] => {
      const key = keyOf(item, schema);
      if (key === undefined) return [];
      const twice = seen.has(key);
      seen.add(key);
      return twice ? [{ path: [...path, index], reason: 'Duplicate value', message: key }] : [];
    });
    return [...own, ...value.flatMap((item, index) => duplicates(item, items, [...path, index]))];
  }
  if (!isObject(value)) return [];
  return Object.entries(schema.properties ?? {}).flatMap(([name, field]) =>
    Object.hasOwn(value, name) ? duplicates(value[name], field, [...path, name]) : [],
  );
}

function keyOf(item: unknown, schema: Schema): string | undefined {
  if (schema['x-kubernetes-list-type'] === 'set') return JSON.stringify(item);
  if (schema['x-kubernetes-list-type'] !== 'map' || !isObject(item)) return undefined;
  const names = schema['x-kubernetes-list-map-keys'] ?? [];
  return JSON.stringify(Object.fromEntries(names.map((name) => [name, item[name]])));
}

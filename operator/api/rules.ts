/** The CEL rules of the schema, evaluated as the API server does: on a manifest with defaults, field by field. */
import { type CelInput, type CelResult, CelScalar, celEnv, isCelError, parse, plan } from '@bufbuild/cel';
import { strings } from '@bufbuild/cel/ext';
import type { FieldError, Path, Reason } from './field-error.ts';
import type { Rule, Schema } from './schema.ts';
import { isObject } from './structure.ts';

/** Of Kubernetes' additions to CEL our rules use those to strings alone. */
const environment = celEnv({ variables: { self: CelScalar.DYN }, funcs: [...strings] });

const programs = new Map<string, (self: CelInput) => CelResult>();

/** Everything that the rules of `schema` and below say against `value`, which obeys the schema otherwise. */
export function checkRules(value: unknown, schema: Schema, path: Path = []): FieldError[] {
  const rules = schema['x-kubernetes-validations'] ?? [];
  const self = rules.length > 0 ? toCel(value, schema) : null;
  const own = rules.flatMap((rule) => checkRule(rule, self, value, path));
  if (Array.isArray(value)) {
    const { items = {} } = schema;
    return [...own, ...value.flatMap((item, index) => checkRules(item, items, [...path, index]))];
  }
  if (!isObject(value)) return own;
  const inner = Object.entries(value).flatMap(([key, item]) => {
    const field = schema.properties?.[key] ?? schema.additionalProperties;
    return field === undefined ? [] : checkRules(item, field, [...path, key]);
  });
  return [...own, ...inner];
}

const REASONS: Readonly<Record<NonNullable<Rule['reason']>, Reason>> = {
  FieldValueInvalid: 'Invalid value',
  FieldValueForbidden: 'Forbidden',
  FieldValueRequired: 'Required value',
};

function checkRule(rule: Rule, self: CelInput, value: unknown, path: Path): FieldError[] {
  const result = evaluate(rule.rule, self);
  if (result === true) return [];
  const message = isCelError(result) ? `${result.message} evaluating rule: ${rule.message}` : messageOf(rule, self);
  const where = rule.fieldPath === undefined ? path : [...path, ...rule.fieldPath.split('.').slice(1)];
  const reason = REASONS[rule.reason ?? 'FieldValueInvalid'];
  return [{ path: where, reason, message, ...(reason === 'Invalid value' && { value }) }];
}

function messageOf({ message, messageExpression }: Rule, self: CelInput): string {
  const told = messageExpression === undefined ? undefined : evaluate(messageExpression, self);
  return typeof told === 'string' ? told : message;
}

function evaluate(expression: string, self: CelInput): CelResult {
  let program = programs.get(expression);
  if (program === undefined) {
    const run = plan(environment, parse(expression));
    program = (value) => run({ self: value });
    programs.set(expression, program);
  }
  return program(self);
}

/** Words of CEL that fields may be called by; Kubernetes shows such a field as `__namespace__`. */
const RESERVED: ReadonlySet<string> = new Set(['namespace', 'const', 'for', 'function', 'if', 'package', 'return']);

/** A value as CEL has it: whole numbers where the schema says so, objects as maps. */
function toCel(value: unknown, schema: Schema): CelInput {
  if (typeof value === 'number') return schema.type === 'number' ? value : BigInt(value);
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  if (Array.isArray(value)) return value.map((item) => toCel(item, schema.items ?? {}));
  if (!isObject(value)) return null;
  const entries = Object.entries(value).flatMap(([key, item]): [string, CelInput][] => {
    const field = schema.properties?.[key];
    const inner = field ?? schema.additionalProperties;
    // Rules cannot see what the schema does not know.
    if (inner === undefined) return [];
    return [[field !== undefined && RESERVED.has(key) ? `__${key}__` : key, toCel(item, inner)]];
  });
  return new Map(entries);
}

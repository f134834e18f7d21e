/** The chart's values: their schema, their documentation, and what the chart says twice. No helm needed. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { Ajv } from 'ajv';
import { parse } from 'yaml';
import { version } from '../../edge/version.ts';
import { defaultImage } from '../image/build.ts';
import { documentedValues, withTable } from './values-table.ts';
import { wrongValues } from './wrong-values.ts';

const root = join(import.meta.dirname, '../..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const text = read('helm/values.yaml');
const defaults = parse(text) as Readonly<Record<string, unknown>>;
const schema = JSON.parse(read('helm/values.schema.json')) as SchemaNode;
const validate = new Ajv({ allErrors: true, strictTypes: false }).compile(schema);

interface SchemaNode {
  readonly additionalProperties?: unknown;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly required?: readonly string[];
}

describe("the chart's values", () => {
  it('the defaults are right', () => assert.ok(validate(defaults), JSON.stringify(validate.errors)));

  for (const { what, values, place } of wrongValues) {
    it(`refused: ${what}`, () => {
      assert.equal(validate(merged(defaults, values)), false);
      const places = validate.errors?.map((error) => error.instancePath.slice(1).replaceAll('/', '.')) ?? [];
      assert.ok(places.includes(place), `expected at ${place}: ${JSON.stringify(validate.errors)}`);
    });
  }

  it('none is left out, as by `helm upgrade --reuse-values` those are that a new chart adds', () => {
    const whole = ['pod.resources', 'pod.securityContext', 'pod.containerSecurityContext', 'pod.affinity'];
    assert.deepEqual(optional(schema, defaults, whole), []);
    const { upgrade: _, ...former } = defaults;
    assert.equal(validate(former), false);
  });

  it('every value is documented', () => {
    const documented = documentedValues(text).map(({ path }) => path);
    assert.deepEqual(leaves(defaults, documented), documented);
  });

  it('the schema knows these values and no others', () => {
    const documented = documentedValues(text).map(({ path }) => path);
    const known = leavesOfSchema(schema, documented).filter((path) => path !== 'global');
    assert.deepEqual(known.toSorted(), documented.toSorted());
  });

  it('README.md has them all (node test/helm/values-table.ts writes the table)', () => {
    const page = read('helm/README.md');
    assert.equal(page, withTable(page, documentedValues(text)));
  });
});

describe('what the chart says twice', () => {
  it('its version is that of the programs', () => {
    const chart = parse(read('helm/Chart.yaml')) as Readonly<Record<string, unknown>>;
    assert.equal(chart.appVersion, version);
    assert.equal(chart.version, version);
  });

  it('its image is what `make image` calls it', () => {
    const { repository } = defaults.image as { readonly repository: string };
    assert.equal(`${repository}:${version}`, defaultImage);
  });

  it('its CustomResourceDefinition is crds/edgecluster.yaml (node operator/api/generate.ts copies it)', () =>
    assert.deepEqual(parse(read('helm/files/edgecluster.yaml')), parse(read('crds/edgecluster.yaml'))));
});

/** Paths of the values that are no maps, or are documented as a whole. */
function leaves(value: unknown, whole: readonly string[], path = ''): readonly string[] {
  if (whole.includes(path) || typeof value !== 'object' || value === null || Array.isArray(value)) return [path];
  return Object.entries(value).flatMap(([key, inner]) => leaves(inner, whole, join2(path, key)));
}

function leavesOfSchema(node: SchemaNode, whole: readonly string[], path = ''): readonly string[] {
  if (whole.includes(path) || node.properties === undefined) return [path];
  assert.equal(node.additionalProperties, false, `${path} takes anything`);
  return Object.entries(node.properties).flatMap(([key, inner]) => leavesOfSchema(inner, whole, join2(path, key)));
}

/** Paths of the values that need not be there, though templates cannot do without. What is empty they can do without. */
function optional(node: SchemaNode, values: unknown, whole: readonly string[], path = ''): readonly string[] {
  if (!isMap(values)) return [];
  return Object.entries(node.properties ?? {}).flatMap(([key, inner]) => {
    const [value, place] = [values[key], join2(path, key)];
    if (whole.includes(place) || value === undefined || Array.isArray(value)) return [];
    const isNeeded = isMap(value) ? inner.properties !== undefined : value !== '';
    const own = isNeeded && node.required?.includes(key) !== true ? [place] : [];
    return [...own, ...optional(inner, value, whole, place)];
  });
}

function join2(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`;
}

/** As Helm does with `-f` on top of values.yaml. */
function merged(base: unknown, over: unknown): unknown {
  if (!isMap(base) || !isMap(over)) return over;
  const keys = new Set([...Object.keys(base), ...Object.keys(over)]);
  return Object.fromEntries([...keys].map((key) => [key, key in over ? merged(base[key], over[key]) : base[key]]));
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

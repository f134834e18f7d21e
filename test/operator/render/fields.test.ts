/**
 * Every field of the API, one after the other: each has an effect, and only those that a running edge cannot take over
 * change its pod. Fields are tried on `golden/everything.yaml`, which has them all.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import type { V1Deployment } from '@kubernetes/client-node';
import { parseConfig } from '../../../edge/conf/load.ts';
import type { Schema } from '../../../operator/api/schema.ts';
import { currentSchema } from '../../../operator/api/versions.ts';
import { RenderError } from '../../../operator/render/error.ts';
import { type Rendered, render } from '../../../operator/render/render.ts';
import { caseOf, inputOf } from './cases.ts';

type Path = readonly (string | number)[];

/** What the operator does itself, before or after it renders. */
const resolved =
  /^((origins\.\d+\.(service|edgeCluster)|configRollout|rebalance)\.|paused$|availability\.keepNodesWithClients$|autoscaling\.(headroomPercent|targets\.(playersPerPod|publishersPerPod|sentKbpsPerPod))$)/;
/** Kubernetes' own types, passed on whole. */
const passedOn =
  /^(pods\.(tolerations|topologySpreadConstraints|securityContext|containerSecurityContext|env)|networkPolicy\.(clients|monitoring))\./;
/** Only one of two may be given; the golden file of `autoscaling` has the other. */
const elsewhere = ['availability.podDisruptionBudget.minAvailable'];

const { cluster } = caseOf('everything');
const { spec } = cluster;
const schema: Schema = currentSchema();

function template({ objects }: Rendered): unknown {
  return (objects.find(({ kind }) => kind === 'Deployment') as V1Deployment).spec?.template;
}

/**
 * What a field with another value is rendered to, whatever the API thinks of that value; undefined when it is refused,
 * which is an effect, too.
 */
function renderedWith(path: Path): Rendered | undefined {
  const changed = structuredClone(spec);
  let parent = changed as unknown as Record<string | number, unknown>;
  for (const key of path.slice(0, -1)) parent = parent[key] as Record<string | number, unknown>;
  const key = path.at(-1)!;
  parent[key] = another(parent[key], schemaAt(path));
  try {
    return render(inputOf({ ...cluster, spec: changed }));
  } catch (error) {
    if (error instanceof RenderError) return undefined;
    throw error;
  }
}

function another(value: unknown, { enum: words }: Schema): unknown {
  if (typeof value === 'boolean') return !value;
  if (typeof value === 'number') return value + 1;
  return words?.find((word) => word !== value) ?? `${String(value)}x`;
}

function schemaAt(path: Path): Schema {
  let found: Schema = schema.properties!.spec!;
  for (const key of path) found = (typeof key === 'number' ? found.items : found.properties?.[key]) ?? {};
  return found;
}

/** Every value below. */
function leaves(value: unknown, path: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [path];
  const entries = Array.isArray(value) ? [...value.entries()] : Object.entries(value);
  return entries.flatMap(([key, field]) => leaves(field, [...path, key]));
}

/** Names of all fields, as `vhosts.play.gopCache`. */
function named({ properties, items }: Schema, path: readonly string[] = []): string[] {
  if (items !== undefined) return named(items, path);
  if (properties === undefined) return [path.join('.')];
  return Object.entries(properties).flatMap(([name, field]) => named(field, [...path, name]));
}

describe('every field', () => {
  const before = render(inputOf(cluster));
  const paths = leaves(spec).filter((path) => !resolved.test(path.join('.')));

  it('is in the golden file', () => {
    const present = new Set(leaves(spec).map((path) => path.filter((key) => typeof key === 'string').join('.')));
    const fields = named(schema.properties!.spec!).filter(
      (field) => !elsewhere.includes(field) && !passedOn.test(field),
    );
    const absent = fields.filter((field) => ![...present].some((one) => one === field || one.startsWith(`${field}.`)));
    assert.deepEqual(absent, []);
  });

  it('has an effect', () => {
    const forgotten = paths.filter((path) => isDeepStrictEqual(renderedWith(path), before));
    assert.deepEqual(
      forgotten.map((path) => path.join('.')),
      [],
    );
  });

  it('stands in a configuration that is read back as it is', () => {
    for (const path of paths) {
      const config = renderedWith(path)?.config;
      if (config !== undefined) assert.deepEqual(parseConfig(config.text).config, config.config, path.join('.'));
    }
  });

  it('changes the pods where it is about them or their ports, and otherwise never', () => {
    for (const path of paths) {
      const after = renderedWith(path);
      // A Secret is mounted.
      const isPodsOwn = path[0] === 'pods' || path[0] === 'listeners' || path.at(-1) === 'keysSecretName';
      const expected = isPodsOwn && !['servicePort', 'streams', 'requireCredentials'].includes(String(path.at(-1)));
      const changed = after !== undefined && !isDeepStrictEqual(template(after), template(before));
      if (after !== undefined) assert.equal(changed, expected, path.join('.'));
    }
  });
});

/**
 * Does offline what the API server does with an EdgeCluster, by the CRD's own schema and rules: refuses unknown and
 * wrong fields in its words, and fills in defaults.
 */
import { schemaChecker } from './check-schema.ts';
import { type FieldError, formatFieldError } from './field-error.ts';
import { readText } from './manifests.ts';
import { checkRules } from './rules.ts';
import { readCrd, type Schema } from './schema.ts';
import { isObject, structure, unknownField } from './structure.ts';
import type { EdgeCluster } from './types.ts';
import { currentVersion, servedVersions } from './versions.ts';

export type Admission =
  | { readonly ok: true; readonly cluster: EdgeCluster }
  /** Each in one line: `spec.vhosts[0].name: Invalid value: "*": what to do`. */
  | { readonly ok: false; readonly errors: readonly string[] };

type Verdict =
  | { readonly ok: true; readonly cluster: EdgeCluster }
  | { readonly ok: false; readonly errors: readonly FieldError[] };

/** Of every object in Kubernetes; the API server fills in the others. */
const METADATA = [
  ...['name', 'generateName', 'namespace', 'labels', 'annotations', 'finalizers', 'ownerReferences', 'uid'],
  ...['creationTimestamp', 'resourceVersion', 'generation', 'selfLink', 'managedFields', 'deletionTimestamp'],
  'deletionGracePeriodSeconds',
];

const crd = readCrd();
const apiVersions = servedVersions(crd).map(({ name }) => `${crd.spec.group}/${name}`);
const [apiVersion] = apiVersions;
const { kind } = crd.spec.names;
const schema: Schema = currentVersion(crd).schema.openAPIV3Schema;
const checkSchema = schemaChecker(schema);

/** Admits one manifest, as data. What it returns shares nothing with what it was given. */
export function admit(manifest: unknown): Admission {
  const verdict = judge(manifest);
  return verdict.ok ? verdict : { ok: false, errors: verdict.errors.map(formatFieldError) };
}

/**
 * Admits all EdgeClusters of a text called `name`; each error begins with `name:line:column: `. Objects of other kinds,
 * which kubectl would apply beside them, are left out. Throws ConfigError when the text is no YAML.
 */
export function admitText(text: string, name: string): readonly Admission[] {
  return readText(text, name)
    .filter(({ value }) => isOurs(value))
    .map(({ value, locate }) => {
      const verdict = judge(value);
      if (verdict.ok) return verdict;
      return { ok: false, errors: verdict.errors.map((error) => `${locate(error.path)}: ${formatFieldError(error)}`) };
    });
}

/** A wrong version or a wrong group is a mistake, not another kind. */
function isOurs(value: unknown): boolean {
  if (!isObject(value)) return true;
  return value.kind === undefined || value.kind === kind || `${value.apiVersion}`.startsWith(`${crd.spec.group}/`);
}

function judge(manifest: unknown): Verdict {
  if (!isObject(manifest)) return refuse([{ path: [], reason: 'Invalid value', message: 'this is no object' }]);
  if (!apiVersions.includes(`${manifest.apiVersion}`) || manifest.kind !== kind) {
    const what = `no matches for kind "${manifest.kind ?? ''}" in version "${manifest.apiVersion ?? ''}"`;
    const message = `${what}; write apiVersion: ${apiVersion} and kind: ${kind}`;
    return refuse([{ path: ['kind'], reason: 'Invalid value', message }]);
  }
  const { metadata, ...rest } = manifest;
  const structured = structure(rest, schema);
  const value = { ...(structured.value as object), apiVersion, metadata: metadata ?? {} };
  const errors = [...checkMetadata(value.metadata), ...structured.errors, ...checkSchema(value)];
  // As in the API server: rules are asked only about what the schema allows.
  if (errors.length === 0) errors.push(...checkRules(value, withNames(schema)));
  return errors.length > 0 ? refuse(errors) : { ok: true, cluster: structuredClone(value) as unknown as EdgeCluster };
}

function refuse(errors: readonly FieldError[]): Verdict {
  return { ok: false, errors };
}

function checkMetadata(metadata: unknown): readonly FieldError[] {
  // What is no object is refused by the schema.
  if (!isObject(metadata)) return [];
  const unknown = Object.keys(metadata).filter((key) => !METADATA.includes(key));
  const errors = unknown.map((key) => unknownField(['metadata', key], METADATA.slice(0, 7)));
  const { name } = metadata;
  if (name === undefined || name === null || name === '') {
    errors.push({ path: ['metadata', 'name'], reason: 'Required value', message: 'name or generateName is required' });
  } else if (typeof name !== 'string') {
    errors.push({
      path: ['metadata', 'name'],
      reason: 'Invalid value',
      value: name,
      message: 'must be of type string',
    });
  }
  return errors;
}

/** A CRD may not say what metadata is, and still rules know the name. */
function withNames(root: Schema): Schema {
  const metadata: Schema = {
    type: 'object',
    properties: { name: { type: 'string' }, generateName: { type: 'string' } },
  };
  return { ...root, properties: { ...root.properties, metadata } };
}

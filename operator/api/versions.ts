/**
 * The versions of the API that the CRD serves. Kubernetes converts between them by writing another apiVersion and nothing
 * else (no webhook), so that all of them have the same fields: see crds/VERSIONS.md.
 */
import { isDeepStrictEqual } from 'node:util';
import { type Crd, type CrdVersion, readCrd, type Schema } from './schema.ts';
import { lacking } from './served-schema.ts';
import { withDefaults } from './structure.ts';
import type { EdgeClusterSpec } from './types.ts';

/** The version that is stored: the operator, its types and the pages are about it. */
export function currentVersion({ spec: { versions } }: Crd): CrdVersion {
  const [version, ...others] = versions.filter(({ storage }) => storage);
  if (version === undefined || others.length > 0) throw new Error('exactly one version of a CRD is stored');
  return version;
}

/** Of EdgeCluster, in the version that is stored. */
export function currentSchema(): Schema {
  return currentVersion(readCrd()).schema.openAPIV3Schema;
}

/** A spec that was admitted by an older release, with the defaults of the fields that came since. */
export function specWithDefaults(spec: object): EdgeClusterSpec {
  return withDefaults(spec, specSchema) as EdgeClusterSpec;
}

/** Versions that clients may use, the current one first. */
export function servedVersions(crd: Crd): readonly CrdVersion[] {
  const current = currentVersion(crd);
  return [current, ...crd.spec.versions.filter((version) => version.served && version !== current)];
}

const specSchema = currentSchema().properties?.spec ?? {};

/** Throws where an object would not be the same in each version served. */
export function checkVersions(crd: Crd): void {
  const [current, ...others] = servedVersions(crd);
  const strategy = crd.spec.conversion?.strategy ?? 'None';
  if (strategy !== 'None') throw new Error(`the CRD converts by ${strategy}, which nothing of ours does`);
  if (current?.served !== true) throw new Error(`version ${current?.name} is stored and not served`);
  for (const { name, schema } of others) {
    const [ours, theirs] = [current.schema.openAPIV3Schema, schema.openAPIV3Schema];
    const [less, more] = [lacking(ours, theirs, name), lacking(theirs, ours, current.name)];
    const missing = [...less, ...more];
    if (missing.length > 0) throw new Error(`served versions have the same fields; there is no ${missing.join(', ')}`);
    if (!isDeepStrictEqual(ours, theirs)) {
      throw new Error(`the schema of ${name} is not that of ${current.name}: a rule, a default or a text differs`);
    }
  }
}

/** EdgeClusters for tests: as the API server has them, with the schema's own defaults filled in. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { KubernetesObject } from '@kubernetes/client-node';
import { parse } from 'yaml';
import type { EdgeCluster } from '../../operator/api/types.ts';

export interface Schema {
  readonly default?: unknown;
  readonly enum?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
}

const crdFile = join(import.meta.dirname, '../../crds/edgecluster.yaml');
const crd = parse(readFileSync(crdFile, 'utf8')) as {
  spec: { versions: readonly { schema: { openAPIV3Schema: Schema } }[] };
};
/** What the API server knows of an EdgeCluster. */
export const schema = crd.spec.versions[0]!.schema.openAPIV3Schema;

/** What a test says of an EdgeCluster; the fields of `spec` are not checked. */
export interface Wish {
  readonly metadata?: KubernetesObject['metadata'];
  readonly spec?: Readonly<Record<string, unknown>>;
}

/** An EdgeCluster called `live` in the namespace `media` with two origins, unless `wish` says otherwise. */
export function edgeCluster({ metadata, spec }: Wish = {}): EdgeCluster {
  const cluster = {
    apiVersion: 'edgecluster.io/v1alpha1',
    kind: 'EdgeCluster',
    metadata: { name: 'live', namespace: 'media', uid: '0b1e7f9c-3c1d-4a56-9f7e-2a3b4c5d6e7f', ...metadata },
    spec: { origins: [{ name: 'main', servers: ['origin-a.media:1935', 'origin-b.media:1935'] }], ...spec },
  };
  return filled(cluster, schema) as EdgeCluster;
}

/** Puts defaults where nothing is, from the outside in, as the API server does. */
function filled(value: unknown, { properties = {}, items }: Schema): unknown {
  if (Array.isArray(value)) return items === undefined ? value : value.map((item) => filled(item, items));
  if (typeof value !== 'object' || value === null) return value;
  const result: Record<string, unknown> = { ...value };
  for (const [name, field] of Object.entries(properties)) {
    const present = result[name] ?? structuredClone(field.default);
    if (present !== undefined) result[name] = filled(present, field);
  }
  return result;
}

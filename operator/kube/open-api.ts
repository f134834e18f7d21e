/** What the API server serves as OpenAPI v3: the schemas of its resources. */

import type { Resource } from './resources.ts';

const GVK = 'x-kubernetes-group-version-kind';

type GroupVersionKind = Pick<Resource, 'group' | 'version' | 'kind'>;

export interface OpenApi<S> {
  readonly components?: {
    readonly schemas?: Readonly<Record<string, S & { readonly [GVK]?: readonly GroupVersionKind[] }>>;
  };
}

/** The schema of a resource; undefined when the document has none. */
export function schemaOf<S extends object>(document: OpenApi<S>, resource: Resource): S | undefined {
  const isOf = ({ group, version, kind }: GroupVersionKind): boolean =>
    group === resource.group && version === resource.version && kind === resource.kind;
  return Object.values(document.components?.schemas ?? {}).find((it) => it[GVK]?.some(isOf) ?? false);
}

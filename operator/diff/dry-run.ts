/**
 * What the API server would make of a manifest: it is asked to apply it and to store nothing. So its schema, rules,
 * webhooks and quotas have their say, and defaults are the server's.
 */
import { isDeepStrictEqual } from 'node:util';
import type { KubernetesObject } from '@kubernetes/client-node';
import { FIELD_MANAGER } from '../api/labels.ts';
import type { EdgeCluster } from '../api/types.ts';
import type { KubeApi } from '../kube/api.ts';
import { RESOURCES } from '../kube/resources.ts';

type Fields = Readonly<Record<string, unknown>>;

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/**
 * The EdgeCluster as it would be after `kubectl apply`: what somebody else has set and the manifest never said stays.
 * @param manifest as it was written, without defaults, but with a namespace
 * @param live undefined: there is none yet
 * @throws ApiError with what the API server says against it
 */
export async function dryRun(
  api: Pick<KubeApi, 'apply' | 'create' | 'mergePatch'>,
  manifest: KubernetesObject,
  live: EdgeCluster | undefined,
): Promise<KubernetesObject> {
  if (live === undefined) return api.create(manifest, { dryRun: true });
  const { namespace, name = '' } = live.metadata;
  const original = lastApplied(live);
  const manager = original === undefined ? applierOf(live) : undefined;
  if (manager !== undefined) return api.apply(manifest, { dryRun: true, fieldManager: manager });
  const patch = mergePatchOf(original ?? fieldsOf(live), fieldsOf(manifest), fieldsOf(live));
  return api.mergePatch(RESOURCES.EdgeCluster, namespace, name, patch, { dryRun: true });
}

/** What kubectl applied last, as it notes it; undefined where it was not applied that way. */
function lastApplied({ metadata }: EdgeCluster): Fields | undefined {
  try {
    return fieldsOf(JSON.parse(metadata.annotations?.[LAST_APPLIED] ?? ''));
  } catch {
    return undefined;
  }
}

/** Who applied the spec on the server's side: kubectl --server-side, Argo CD, Flux. */
function applierOf({ metadata }: EdgeCluster): string | undefined {
  return (metadata.managedFields ?? []).find(
    ({ operation, manager, fieldsV1 }) =>
      operation === 'Apply' && manager !== FIELD_MANAGER && Object.hasOwn(Object(fieldsV1), 'f:spec'),
  )?.manager;
}

/** What a manifest says that is not of the API server's making. */
function fieldsOf(object: object): Fields {
  const { metadata, spec } = object as { readonly metadata?: Fields; readonly spec?: unknown };
  const { [LAST_APPLIED]: _, ...annotations } = (metadata?.annotations ?? {}) as Fields;
  return { metadata: { labels: metadata?.labels ?? {}, annotations }, spec };
}

/** JSON merge patch (RFC 7396) of a three-way merge: what `original` had and `wanted` has not is removed. */
export function mergePatchOf(original: Fields, wanted: Fields, live: Fields): Fields {
  const patch: Record<string, unknown> = {};
  for (const key of Object.keys(original)) if (wanted[key] === undefined && live[key] !== undefined) patch[key] = null;
  for (const [key, value] of Object.entries(wanted)) {
    if (isDeepStrictEqual(value, live[key])) continue;
    patch[key] =
      isFields(value) && isFields(live[key])
        ? mergePatchOf(isFields(original[key]) ? original[key] : {}, value, live[key])
        : value;
  }
  return patch;
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

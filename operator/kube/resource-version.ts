/** Versions of objects on the API server. */
import type { KubernetesObject } from '@kubernetes/client-node';

/** By resourceVersion. Kubernetes' own are numbers that grow; others say nothing about which is newer. */
export function isOlder(a: KubernetesObject, b: KubernetesObject): boolean {
  return (order(versionOf(a), versionOf(b)) ?? 0) < 0;
}

/** Whether a list of this version was made after the object was written: it shows that, or what became of it. */
export function isCoveredBy(object: KubernetesObject, listVersion: string): boolean {
  return (order(versionOf(object), listVersion) ?? 1) <= 0;
}

function versionOf({ metadata }: KubernetesObject): string {
  return metadata?.resourceVersion ?? '';
}

/** Below, at or above 0; undefined: it cannot be told. */
function order(left: string, right: string): number | undefined {
  if (!/^\d+$/.test(left) || !/^\d+$/.test(right)) return undefined;
  if (left.length !== right.length) return left.length - right.length;
  return left === right ? 0 : left < right ? -1 : 1;
}

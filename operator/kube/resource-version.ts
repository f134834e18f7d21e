/** Versions of objects on the API server. */
import type { KubernetesObject } from '@kubernetes/client-node';

/** By resourceVersion. Kubernetes' own are numbers that grow; others say nothing about which is newer. */
export function isOlder(a: KubernetesObject, b: KubernetesObject): boolean {
  const [left, right] = [a.metadata?.resourceVersion ?? '', b.metadata?.resourceVersion ?? ''];
  if (!/^\d+$/.test(left) || !/^\d+$/.test(right)) return false;
  return left.length === right.length ? left < right : left.length < right.length;
}

/** The ServiceAccount of the pods: an edge asks nothing of the Kubernetes API, so it has no rights and no token. */
import type { V1ServiceAccount } from '@kubernetes/client-node';
import { nameOf } from '../api/labels.ts';
import type { EdgeCluster } from '../api/types.ts';
import { metadataOf, type Owned } from './metadata.ts';

/** Kubernetes makes an account of this name in each namespace, and makes it again when somebody deletes it. */
const ofTheNamespace = 'default';

/** The account that the pods run under: the user's, or else ours. */
export function serviceAccountNameOf(cluster: EdgeCluster): string {
  return cluster.spec.pods.serviceAccountName ?? nameOf(cluster);
}

/** None where the pods use an account of the user's, or where ours would have the name of the namespace's. */
export function serviceAccount(cluster: EdgeCluster): Owned<V1ServiceAccount> | undefined {
  if (cluster.spec.pods.serviceAccountName !== undefined || nameOf(cluster) === ofTheNamespace) return undefined;
  return {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: metadataOf(cluster),
    automountServiceAccountToken: false,
  };
}

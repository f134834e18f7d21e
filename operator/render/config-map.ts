/** The ConfigMap that holds edge.conf, and beside it the authorities of origins by RTMPS. */
import type { V1ConfigMap } from '@kubernetes/client-node';
import { CONFIG_KEY } from '../api/labels.ts';
import type { EdgeCluster } from '../api/types.ts';
import { caBundleKey } from './edge-config.ts';
import { metadataOf, type Owned } from './metadata.ts';

/** @param text the edge.conf */
export function configMap(cluster: EdgeCluster, text: string): Owned<V1ConfigMap> {
  const data: Record<string, string> = { [CONFIG_KEY]: text };
  for (const { name, tls } of cluster.spec.origins) {
    if (tls?.caBundle !== undefined) data[caBundleKey(name, tls.caBundle)] = tls.caBundle;
  }
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: metadataOf(cluster), data };
}

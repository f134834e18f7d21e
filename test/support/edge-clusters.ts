/** EdgeClusters for tests: as the API server has them, with the defaults of the schema filled in. */

import type { V1ObjectMeta } from '@kubernetes/client-node';
import { admit } from '../../operator/api/admission.ts';
import type { EdgeCluster } from '../../operator/api/types.ts';

/** What a test says of an EdgeCluster. */
export interface Wish {
  readonly metadata?: V1ObjectMeta;
  readonly spec?: Readonly<Record<string, unknown>>;
}

/**
 * An EdgeCluster called `live` in the namespace `media` with two origins, unless `wish` says otherwise. Throws what the
 * API server would say to a wrong one.
 */
export function edgeCluster({ metadata, spec }: Wish = {}): EdgeCluster {
  const admission = admit({
    apiVersion: 'edgecluster.io/v1alpha1',
    kind: 'EdgeCluster',
    metadata: { name: 'live', namespace: 'media', uid: '0b1e7f9c-3c1d-4a56-9f7e-2a3b4c5d6e7f', ...metadata },
    spec: { origins: [{ name: 'main', servers: ['origin-a.media:1935', 'origin-b.media:1935'] }], ...spec },
  });
  if (!admission.ok) throw new Error(admission.errors.join('\n'));
  return admission.cluster;
}

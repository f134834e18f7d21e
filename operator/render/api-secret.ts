/** The Secret with the credential of the edges' HTTP API. Edges get it as a file, which they read again when it changes. */
import type { V1Secret } from '@kubernetes/client-node';
import { API_CREDENTIALS_KEY, apiSecretNameOf } from '../api/labels.ts';
import type { EdgeCluster } from '../api/types.ts';
import { apiCredentials, credentialLines, type MasterKeys } from './credential.ts';
import { metadataOf, type Owned } from './metadata.ts';

/** Undefined without a master key. Pods then start without the file, and their API answers nobody. */
export function apiSecret(cluster: EdgeCluster, keys: MasterKeys | undefined): Owned<V1Secret> | undefined {
  if (keys === undefined) return undefined;
  const file = credentialLines(apiCredentials(cluster, keys));
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: metadataOf(cluster, { name: apiSecretNameOf(cluster) }),
    type: 'Opaque',
    data: { [API_CREDENTIALS_KEY]: Buffer.from(file).toString('base64') },
  };
}

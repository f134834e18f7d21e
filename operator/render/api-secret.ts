/**
 * The Secret with the credentials of the edges' HTTP API, of their metrics where those are asked for, and with the secret
 * of TLS session tickets where a listener has TLS. Edges get them as files, which they read again when they change.
 */
import type { V1Secret } from '@kubernetes/client-node';
import {
  API_CREDENTIALS_KEY,
  apiSecretNameOf,
  METRICS_CREDENTIALS_KEY,
  METRICS_PASSWORD_KEY,
  METRICS_USERNAME_KEY,
  TLS_TICKET_KEYS_KEY,
} from '../api/labels.ts';
import type { EdgeCluster } from '../api/types.ts';
import { apiCredentials, credentialLines, type MasterKeys, metricsCredentials, ticketSecret } from './credential.ts';
import { hasTls } from './edge-config.ts';
import { metadataOf, type Owned } from './metadata.ts';

/** Undefined without a master key. Pods then start without the file, and their API answers nobody. */
export function apiSecret(cluster: EdgeCluster, keys: MasterKeys | undefined): Owned<V1Secret> | undefined {
  if (keys === undefined) return undefined;
  const data = {
    [API_CREDENTIALS_KEY]: credentialLines(apiCredentials(cluster, keys)),
    ...(cluster.spec.listeners.exporter.requireCredentials && metricsData(cluster, keys)),
    ...(hasTls(cluster) && { [TLS_TICKET_KEYS_KEY]: `${ticketSecret(cluster, keys)}\n` }),
  };
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: metadataOf(cluster, { name: apiSecretNameOf(cluster) }),
    type: 'Opaque',
    data: Object.fromEntries(Object.entries(data).map(([key, text]) => [key, Buffer.from(text).toString('base64')])),
  };
}

/** Edges read the lines, the former credential among them; Prometheus shows the newest one. */
function metricsData(cluster: EdgeCluster, keys: MasterKeys): Readonly<Record<string, string>> {
  const credentials = metricsCredentials(cluster, keys);
  const [newest] = credentials;
  return {
    [METRICS_CREDENTIALS_KEY]: credentialLines(credentials),
    ...(newest && { [METRICS_USERNAME_KEY]: newest.username, [METRICS_PASSWORD_KEY]: newest.password }),
  };
}

/**
 * The credential with which the operator asks edges, and other secrets of edges. They derive from the master key, so the
 * operator need not store them. Each is of one EdgeCluster only; an EdgeCluster that is deleted and made again gets
 * others.
 */
import { createHmac } from 'node:crypto';
import type { EdgeCluster } from '../api/types.ts';

/** Base64 of at least 32 random bytes each. */
export interface MasterKeys {
  readonly current: string;
  /** The one before it, while edges may not have heard of a new one yet. */
  readonly former: string | undefined;
}

export interface ApiCredential {
  readonly username: string;
  readonly password: string;
}

/** What a derived value is for. Another use of the master key needs a purpose of its own. */
type Purpose = 'edge-api/v1' | 'edge-metrics/v1' | 'edge-tls-tickets/v1';

/** The credential of the current key; after it that of the former key, while there is one. Both are valid. */
export function apiCredentials(cluster: EdgeCluster, keys: MasterKeys): readonly ApiCredential[] {
  return credentialsFor('edge-api/v1', 'operator', cluster, keys);
}

/** The same for whoever reads the metrics. They do not open the API. */
export function metricsCredentials(cluster: EdgeCluster, keys: MasterKeys): readonly ApiCredential[] {
  return credentialsFor('edge-metrics/v1', 'metrics', cluster, keys);
}

/**
 * What keys of TLS session tickets derive from. An edge knows one at a time: tickets of the former key do not count, and
 * who shows one gets a full handshake.
 */
export function ticketSecret(cluster: EdgeCluster, { current }: MasterKeys): string {
  return derived(Buffer.from(current, 'base64'), 'edge-tls-tickets/v1', cluster);
}

function credentialsFor(
  purpose: Purpose,
  username: string,
  cluster: EdgeCluster,
  { current, former }: MasterKeys,
): readonly ApiCredential[] {
  return [current, former].flatMap((key) =>
    key === undefined ? [] : [{ username, password: derived(Buffer.from(key, 'base64'), purpose, cluster) }],
  );
}

/** HMAC-SHA-256 (RFC 2104), in 43 characters. No name can hold the slash that separates them. */
function derived(key: Buffer, purpose: Purpose, { metadata }: EdgeCluster): string {
  const { uid = '', namespace = '', name = '' } = metadata;
  return createHmac('sha256', key).update([purpose, uid, namespace, name].join('/')).digest('base64url');
}

/** The file that an edge reads: `username:password`, a line for each. */
export function credentialLines(credentials: readonly ApiCredential[]): string {
  return credentials.map(({ username, password }) => `${username}:${password}\n`).join('');
}

/** Value of the header `Authorization` (RFC 7617). */
export function basicAuthorization({ username, password }: ApiCredential): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

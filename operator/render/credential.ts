/**
 * The credential with which the operator asks edges: derived from its master key, so that it keeps none. A credential
 * is good for one EdgeCluster alone, and another EdgeCluster of the same name has another one.
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

const username = 'operator';
/** Another use of the master key must have another one. */
const purpose = 'edge-api/v1';

/** Of the current key first; then, while keys are exchanged, of the former one. All of them are valid. */
export function apiCredentials(cluster: EdgeCluster, { current, former }: MasterKeys): readonly ApiCredential[] {
  return [current, former].flatMap((key) =>
    key === undefined ? [] : [{ username, password: derived(Buffer.from(key, 'base64'), cluster) }],
  );
}

/** HMAC-SHA-256 (RFC 2104), in 43 characters. No name can hold the slash that separates them. */
function derived(key: Buffer, { metadata }: EdgeCluster): string {
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

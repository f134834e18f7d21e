/** Signed URLs: who has a key signs what a client may do, and until when. Pure. What is signed is in conf/signing.ts. */
import { timingSafeEqual } from 'node:crypto';
import { networks } from '../conf/address-values.ts';
import type { Network } from '../conf/model.ts';
import { signatureOf } from '../conf/signing.ts';
import { isIn } from './addresses.ts';
import type { Action } from './security.ts';

/** Secrets by the ids of keys. */
export type SigningKeys = ReadonlyMap<string, string>;

/** What is asked for, and by whom. */
export interface Wanted {
  readonly action: Action;
  readonly app: string;
  readonly stream: string;
  readonly address: string;
}

/** Whether the parameters of a URL look signed. */
export function isSigned(parameters: URLSearchParams): boolean {
  return parameters.has('sig');
}

/** Why the signature does not allow it, or undefined when it does. @param nowMs since 1970 */
export function signatureFault(
  keys: SigningKeys,
  parameters: URLSearchParams,
  { action, app, stream, address }: Wanted,
  nowMs: number,
): string | undefined {
  const [id = '', expires = '', from = '', signature = ''] = ['kid', 'exp', 'ip', 'sig'].map(
    (name) => parameters.get(name) ?? '',
  );
  const secret = keys.get(id);
  if (secret === undefined) return 'its key (kid) is not known here';
  if (!/^\d{1,12}$/.test(expires)) return 'its expiry (exp) is not in seconds since 1970';
  if (!isRight(signature, signatureOf(secret, { action, app, stream, expires, from })))
    return 'its signature (sig) is wrong';
  if (Number(expires) * 1_000 <= nowMs) return 'it has expired';
  return from === '' || isFrom(from, address) ? undefined : 'it is for another address';
}

/** Whether an address is the one, or in the range, that a token names. What names neither fits nobody. */
export function isFrom(from: string, address: string): boolean {
  const range = parsed(from);
  return range !== undefined && isIn(range, address);
}

function parsed(from: string): readonly Network[] | undefined {
  const result = networks.parse([from]);
  return result.ok ? result.value : undefined;
}

function isRight(signature: string, expected: Buffer): boolean {
  if (!/^[0-9a-f]{64}$/i.test(signature)) return false;
  return timingSafeEqual(Buffer.from(signature, 'hex'), expected);
}

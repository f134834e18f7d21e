/**
 * JSON Web Tokens (RFC 7519): what they let a client do. Loaded when the first one comes: the library is a tenth of all
 * that an edge loads.
 */

import type { JWTVerifyGetKey } from 'jose';
import { errors, type JWTPayload, type JWTVerifyOptions, jwtVerify } from 'jose';
import type { TokenConfig } from '../conf/access-model.ts';
import { KeysUnavailable } from './keys-unavailable.ts';
import { isFrom, type Wanted } from './signed-url.ts';
import { fits } from './stream-pattern.ts';

/** Signatures that need no shared secret; whoever can read a key set could sign with one. */
const algorithms = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
];

/** Clocks differ a little. */
const clockToleranceSeconds = 5;

const patternsMax = 100;

/** Keys that a token without `kid` is tried with: each costs a tenth of a millisecond or more. */
const keysTriedMax = 16;

/** Why the token does not allow it, or undefined when it does. Throws KeysUnavailable. */
export async function jwtFault(
  token: string,
  keys: JWTVerifyGetKey,
  { issuer, audience }: Pick<TokenConfig, 'issuer' | 'audience'>,
  wanted: Wanted,
): Promise<string | undefined> {
  const options = {
    algorithms,
    requiredClaims: ['exp'],
    clockTolerance: clockToleranceSeconds,
    ...(issuer !== '' && { issuer }),
    ...(audience !== '' && { audience }),
  };
  try {
    return claimsFault(await verified(token, keys, options), wanted);
  } catch (error) {
    if (error instanceof KeysUnavailable) throw error;
    if (error instanceof errors.JWTExpired) return 'it has expired';
    if (error instanceof errors.JOSEError) return `its JWT is not valid: ${error.message}`;
    // Such a key is in the set: broken, or too short for its algorithm.
    throw new KeysUnavailable(`the key of its JWT cannot be used: ${(error as Error).message}`);
  }
}

/** What the token claims, when a key has signed it. One that does not say which is tried with all that are of its kind. */
async function verified(token: string, keys: JWTVerifyGetKey, options: JWTVerifyOptions): Promise<JWTPayload> {
  try {
    return (await jwtVerify(token, keys, options)).payload;
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
    let tried = 0;
    for await (const key of error) {
      if (++tried > keysTriedMax) break;
      try {
        return (await jwtVerify(token, key, options)).payload;
      } catch (wrong) {
        if (!(wrong instanceof errors.JWSSignatureVerificationFailed)) throw wrong;
      }
    }
    throw new errors.JWSSignatureVerificationFailed();
  }
}

/** Claims `play` and `publish`: a pattern or several. `ip`: an address or a range of addresses. */
function claimsFault(claims: JWTPayload, { action, app, stream, address }: Wanted): string | undefined {
  const { ip } = claims;
  if (ip !== undefined && (typeof ip !== 'string' || !isFrom(ip, address))) return 'it is for another address';
  const patterns = [claims[action] ?? []].flat().slice(0, patternsMax);
  const allowed = patterns.some((pattern) => typeof pattern === 'string' && fits(pattern, app, stream));
  return allowed ? undefined : `its claim "${action}" does not name the stream`;
}

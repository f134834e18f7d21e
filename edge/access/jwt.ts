/**
 * JSON Web Tokens (RFC 7519): their keys, and what they let a client do. Loaded when the first one comes: the library is
 * a tenth of all that an edge loads.
 */

import type { JWTVerifyGetKey } from 'jose';
import { createLocalJWKSet, createRemoteJWKSet, errors, type JSONWebKeySet, type JWTPayload, jwtVerify } from 'jose';
import type { Logger } from 'pino';
import type { TokenConfig } from '../conf/access-model.ts';
import type { Kind } from './fresh-file.ts';
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

/** Why the token does not allow it, or undefined when it does. Throws KeysUnavailable. */
export async function jwtFault(
  token: string,
  keys: JWTVerifyGetKey,
  { issuer, audience }: Pick<TokenConfig, 'issuer' | 'audience'>,
  wanted: Wanted,
): Promise<string | undefined> {
  try {
    const { payload } = await jwtVerify(token, keys, {
      algorithms,
      requiredClaims: ['exp'],
      clockTolerance: clockToleranceSeconds,
      ...(issuer !== '' && { issuer }),
      ...(audience !== '' && { audience }),
    });
    return claimsFault(payload, wanted);
  } catch (error) {
    if (error instanceof KeysUnavailable) throw error;
    if (error instanceof errors.JWTExpired) return 'it has expired';
    if (error instanceof errors.JOSEError) return `its JWT is not valid: ${error.message}`;
    throw error;
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

/** A JWK Set (RFC 7517 §5) in a file. */
export const keySetFile: Kind<JWTVerifyGetKey | undefined> = {
  name: 'keys of tokens',
  counted: 'keys',
  maxBytes: 256 * 1024,
  none: undefined,
  parse: (text) => {
    const set = JSON.parse(text) as JSONWebKeySet;
    return { value: createLocalJWKSet(set), count: set.keys.length, badLines: [], remedy: '' };
  },
};

/** An answer of the server of keys. */
const answerMaxMs = 3_000;
/** Keys are asked for again when they are so old, and when a token names one that is not among them. */
const freshMs = 5 * 60_000;
const unknownKeyMs = 30_000;
/** A server that has failed is asked again after this. */
const retryMs = { withKeys: 30_000, without: 1_000 } as const;

/** A JWK Set behind a URL. While its server fails, the keys that are known count on. */
export class KeySetUrl {
  readonly #remote: ReturnType<typeof createRemoteJWKSet>;
  /** For the log: without parameters, which may be secret. */
  readonly #url: string;
  readonly #log: Logger;
  #failed: { readonly reason: string; readonly untilMs: number } | undefined;

  constructor(url: string, log: Logger) {
    const { origin, pathname } = new URL(url);
    this.#url = origin + pathname;
    this.#log = log;
    this.#remote = createRemoteJWKSet(new URL(url), {
      timeoutDuration: answerMaxMs,
      cacheMaxAge: freshMs,
      cooldownDuration: unknownKeyMs,
    });
  }

  readonly key: JWTVerifyGetKey = async (header, token) => {
    if (this.#failed === undefined || performance.now() >= this.#failed.untilMs) {
      try {
        const key = await this.#remote(header, token);
        if (this.#failed !== undefined) this.#log.info({ url: this.#url }, 'keys of tokens can be had again');
        this.#failed = undefined;
        return key;
      } catch (error) {
        if (isAboutToken(error)) throw error;
        this.#fail(error);
      }
    }
    const known = this.#remote.jwks();
    if (known === undefined) throw new KeysUnavailable(`the keys of tokens cannot be had: ${this.#failed?.reason}`);
    return await createLocalJWKSet(known)(header, token);
  };

  #fail(error: unknown): void {
    const known = this.#remote.jwks() !== undefined;
    const { message, cause } = error as Error;
    const reason = cause instanceof Error ? `${message}: ${cause.message}` : message;
    this.#failed = { reason, untilMs: performance.now() + (known ? retryMs.withKeys : retryMs.without) };
    const then = known ? 'those that are known count on' : 'nobody with a token is let in';
    this.#log.warn({ url: this.#url, reason }, `keys of tokens cannot be had: ${then}`);
  }
}

/** The keys were there; it is the token that does not fit them. */
function isAboutToken(error: unknown): boolean {
  return (
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys ||
    error instanceof errors.JOSENotSupported
  );
}

/**
 * Keys of signed URLs, and what they sign: for who judges a signature and for who makes one. Pure.
 * `edge/docs/signed-urls.md` shows it; what is signed is four lines, joined by line ends:
 *
 *     play | publish
 *     /APP/STREAM
 *     EXPIRES, in seconds since 1970
 *     the client's address or range of addresses, or nothing
 */
import { createHmac } from 'node:crypto';

export interface SigningKey {
  readonly id: string;
  readonly secret: string;
}

/** What a key allows. */
export interface SignedWish {
  readonly action: 'play' | 'publish';
  readonly app: string;
  readonly stream: string;
  /** Seconds since 1970, as written. */
  readonly expires: string;
  /** The address or the range that it holds for; empty: all. */
  readonly from: string;
}

/** Shorter ones can be guessed. */
export const secretMinLength = 16;

/** The key that a line of a file is, `id:secret`; undefined when it is none. */
export function signingKey(line: string): SigningKey | undefined {
  const [, id, secret = ''] = /^([\w.-]{1,64}):(.*)$/.exec(line) ?? [];
  return id === undefined || secret.length < secretMinLength ? undefined : { id, secret };
}

export function signatureOf(secret: string, { action, app, stream, expires, from }: SignedWish): Buffer {
  const text = [action, `/${app}/${stream}`, expires, from].join('\n');
  return createHmac('sha256', secret).update(text).digest();
}

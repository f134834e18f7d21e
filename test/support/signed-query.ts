/** Signs URLs as `edge/docs/signed-urls.md` says. */

import { createHmac } from 'node:crypto';

export interface Signed {
  readonly action: 'play' | 'publish';
  /** `/APP/STREAM` */
  readonly path: string;
  readonly keyId: string;
  readonly secret: string;
  /** Seconds since 1970. */
  readonly expires: number;
  readonly ip?: string;
}

/** The parameters, without a question mark. */
export function signedQuery({ action, path, keyId, secret, expires, ip = '' }: Signed): string {
  const sig = createHmac('sha256', secret).update(`${action}\n${path}\n${expires}\n${ip}`).digest('hex');
  return `kid=${keyId}&exp=${expires}${ip === '' ? '' : `&ip=${encodeURIComponent(ip)}`}&sig=${sig}`;
}

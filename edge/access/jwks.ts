/** Keys of JSON Web Tokens: a JWK Set (RFC 7517 §5) in a file or behind a URL. Loaded with the first token, as jwt.ts. */

import type { JWTVerifyGetKey } from 'jose';
import { createLocalJWKSet, errors, type JSONWebKeySet } from 'jose';
import type { Logger } from 'pino';
import { exchange, withoutSecrets } from '../net/exchange.ts';
import type { Kind } from './fresh-file.ts';
import { KeysUnavailable } from './keys-unavailable.ts';

/** A hundred keys and more. */
const setMaxBytes = 256 * 1024;

export const keySetFile: Kind<JWTVerifyGetKey | undefined> = {
  name: 'keys of tokens',
  counted: 'keys',
  maxBytes: setMaxBytes,
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

/**
 * A JWK Set behind a URL. While its server fails, the keys that are known count on. Times are those of a clock that
 * nobody sets: a system's clock that is put back must not hold back new keys.
 */
export class KeySetUrl {
  readonly #url: string;
  readonly #log: Logger;
  readonly #nowMs: () => number;
  #known: JWTVerifyGetKey | undefined;
  /** When they were had, and when they are asked for again if that failed. */
  #hadAtMs = Number.NEGATIVE_INFINITY;
  #failedUntilMs: number | undefined;
  #asking: Promise<void> | undefined;

  /** @param nowMs monotonic */
  constructor(url: string, log: Logger, nowMs: () => number = () => performance.now()) {
    this.#url = url;
    this.#log = log;
    this.#nowMs = nowMs;
  }

  readonly key: JWTVerifyGetKey = async (header, token) => {
    const asking = this.#refresh(freshMs);
    // A server that is silent holds up nobody twice whose key is known.
    if (this.#known === undefined || this.#failedUntilMs === undefined) await asking;
    const known = this.#keys();
    try {
      return await known(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      await this.#refresh(unknownKeyMs);
      return await this.#keys()(header, token);
    }
  };

  #keys(): JWTVerifyGetKey {
    // Why is for the log: whom it keeps out learns neither the address of the server nor its answer.
    if (this.#known === undefined) throw new KeysUnavailable('the keys of tokens cannot be had');
    return this.#known;
  }

  /** Asks for the keys if they are older than this, unless that has just failed. One answer is for all who wait. */
  #refresh(olderMs: number): Promise<void> | undefined {
    const nowMs = this.#nowMs();
    if (this.#asking === undefined && (nowMs - this.#hadAtMs < olderMs || nowMs < (this.#failedUntilMs ?? 0)))
      return undefined;
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  async #ask(): Promise<void> {
    try {
      const { status, text } = await exchange(this.#url, { timeoutMs: answerMaxMs, answerMaxBytes: setMaxBytes });
      if (status !== 200) throw new Error(`answered with status ${status}`);
      this.#known = createLocalJWKSet(JSON.parse(text) as JSONWebKeySet);
      this.#hadAtMs = this.#nowMs();
      if (this.#failedUntilMs !== undefined)
        this.#log.info({ url: withoutSecrets(this.#url) }, 'keys of tokens can be had again');
      this.#failedUntilMs = undefined;
    } catch (error) {
      const known = this.#known !== undefined;
      const reason = (error as Error).message;
      this.#failedUntilMs = this.#nowMs() + (known ? retryMs.withKeys : retryMs.without);
      const then = known ? 'those that are known count on' : 'nobody with a token is let in';
      this.#log.warn({ url: withoutSecrets(this.#url), reason }, `keys of tokens cannot be had: ${then}`);
    }
  }
}

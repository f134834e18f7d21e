/**
 * Signs what is asked of origins, with the key in `origin_keys_file`: origins that are edges may want signed URLs. What
 * the client has shown has been judged here, and does not go on.
 */
import { readFileSync } from 'node:fs';
import type { Logger } from 'pino';
import { type SigningKey, signatureOf, signingKey } from '../../conf/signing.ts';
import type { StreamRequest } from '../../stream/request.ts';

/** A signature is for one connection; clocks may differ by so much. */
const validSeconds = 300;

/** What was read so recently is believed. */
const freshMs = 1_000;

interface Read {
  readonly key: SigningKey | undefined;
  readonly atMs: number;
}

export class OriginKeys {
  readonly #log: Logger;
  readonly #nowMs: () => number;
  /** By file. */
  readonly #read = new Map<string, Read>();
  /** What was logged last of a file: the same is not said again. */
  readonly #told = new Map<string, string>();

  /** @param nowMs since 1970 */
  constructor(log: Logger, nowMs: () => number = Date.now) {
    this.#log = log;
    this.#nowMs = nowMs;
  }

  /** The request with our signature. As it was where there is no file, or no key in it: the origin says what it thinks. */
  signed(file: string, action: 'play' | 'publish', request: StreamRequest): StreamRequest {
    const key = file === '' ? undefined : this.#keyOf(file);
    if (key === undefined) return request;
    const { app, stream, param } = request;
    const expires = String(Math.floor(this.#nowMs() / 1_000) + validSeconds);
    const signature = signatureOf(key.secret, { action, app, stream, expires, from: '' }).toString('hex');
    return { ...request, param: withSignature(param, `kid=${key.id}&exp=${expires}&sig=${signature}`) };
  }

  /** The first one. The file is small, and is read again when somebody asks who comes a second later. */
  #keyOf(file: string): SigningKey | undefined {
    const nowMs = performance.now();
    const known = this.#read.get(file);
    if (known !== undefined && nowMs - known.atMs < freshMs) return known.key;
    const key = this.#readKey(file);
    this.#read.set(file, { key, atMs: nowMs });
    return key;
  }

  #readKey(file: string): SigningKey | undefined {
    try {
      for (const line of readFileSync(file, 'utf8').split('\n')) {
        const key = signingKey(line.trim());
        if (key === undefined) continue;
        this.#tell(file, key.id, () => this.#log.info({ file, kid: key.id }, 'origin key read'));
        return key;
      }
      const remedy = 'write id:secret, with a secret of 16 characters at least';
      this.#tell(file, '', () =>
        this.#log.error({ file, remedy }, 'there is no origin key: origins are asked unsigned'),
      );
    } catch (error) {
      const reason = (error as Error).message;
      this.#tell(file, reason, () =>
        this.#log.error({ file, reason }, 'origin key cannot be read: origins are asked unsigned'),
      );
    }
    return undefined;
  }

  #tell(file: string, what: string, log: () => void): void {
    if (this.#told.get(file) === what) return;
    this.#told.set(file, what);
    log();
  }
}

/** What a client shows an edge. */
const shown = /^(?:kid|exp|ip|sig|jwt)=/;

/** Ours comes first: what stands behind a `#` is not read. */
function withSignature(param: string, signature: string): string {
  const others = param
    .replace(/^[?&]+/, '')
    .split('&')
    .filter((part) => part !== '' && !shown.test(part));
  return `?${[signature, ...others].join('&')}`;
}

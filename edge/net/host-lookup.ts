/**
 * Look-ups of origins' host names. When an origin dies, all its streams connect to the next one in the same moment: one
 * look-up serves them all, and whoever comes within a second of it.
 */

import type { LookupAddress, LookupOptions } from 'node:dns';
import { type LookUp, lookUpHost } from './system-lookup.ts';

const freshMs = 1_000;

interface Answer {
  readonly error: NodeJS.ErrnoException | null;
  readonly addresses: LookupAddress[];
}

export class SharedLookUp {
  readonly #lookUp: LookUp;
  readonly #answers = new Map<string, Promise<Answer>>();

  constructor(lookUp: LookUp = lookUpHost) {
    this.#lookUp = lookUp;
  }

  /** As `lookup` of `node:dns`, for the option of that name of `net.connect` and `tls.connect`. */
  readonly lookup = (
    host: string,
    options: LookupOptions,
    done: (error: NodeJS.ErrnoException | null, address: string | LookupAddress[], family?: number) => void,
  ): void => {
    this.#answer(host, options).then(({ error, addresses }) => {
      if (options.all === true || error !== null) return done(error, addresses);
      const [first] = addresses;
      done(null, first?.address ?? '', first?.family ?? 0);
    });
  };

  #answer(host: string, options: LookupOptions): Promise<Answer> {
    const key = `${host} ${options.family ?? 0} ${options.hints ?? 0}`;
    const known = this.#answers.get(key);
    if (known !== undefined) return known;
    const answer = new Promise<Answer>((resolve) => {
      this.#lookUp(host, { ...options, all: true }, (error, addresses) => {
        // What failed is asked again by the next one.
        if (error !== null) this.#answers.delete(key);
        else setTimeout(() => this.#answers.delete(key), freshMs).unref();
        resolve({ error, addresses: addresses ?? [] });
      });
    });
    this.#answers.set(key, answer);
    return answer;
  }
}

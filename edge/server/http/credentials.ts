/** A file of credentials (`edge { api_credentials_file }`, `exporter { credentials_file }`): each line is valid. */

import { createHash, timingSafeEqual } from 'node:crypto';
import type { Logger } from 'pino';
import { FreshFile, type Kind } from '../../access/fresh-file.ts';
import { linesOf } from '../../conf/key-lines.ts';

/** Digests of `username:password`: of one length, so that comparing takes the same time whatever is wrong. */
type Digests = readonly Buffer[];

const kind: Kind<Digests> = {
  name: 'API credentials',
  counted: 'credentials',
  // As the reference says. A rotation lists two lines; this is room for hundreds.
  maxBytes: 16 * 1024,
  none: [],
  parse,
};

export class Credentials {
  readonly #log: Logger;
  #path = '';
  #file: FreshFile<Digests> | undefined;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Whether somebody has credentials. @param path of the file; empty for none */
  async exist(path: string): Promise<boolean> {
    return (await this.#digests(path)).length > 0;
  }

  /** Whether these bytes (`username:password`) are a line of the file. @param path of the file; empty for none */
  async include(path: string, given: Buffer): Promise<boolean> {
    const digest = digestOf(given);
    // Every line is compared: the time must not tell which one was right.
    return (await this.#digests(path)).reduce((found, each) => timingSafeEqual(each, digest) || found, false);
  }

  async #digests(path: string): Promise<Digests> {
    if (path !== this.#path) {
      this.#path = path;
      this.#file = path === '' ? undefined : new FreshFile(kind, path, this.#log);
    }
    return (await this.#file?.value()) ?? [];
  }
}

export function digestOf(credentials: Buffer | string): Buffer {
  return createHash('sha256').update(credentials).digest();
}

/** A line without a user name or without a password is none that anybody could mean. */
function parse(text: string): ReturnType<typeof kind.parse> {
  const digests: Buffer[] = [];
  const badLines: number[] = [];
  for (const [number, line] of linesOf(text)) {
    if (/^[^:]+:./.test(line)) digests.push(digestOf(line));
    else if (badLines.length < 10) badLines.push(number);
  }
  const remedy = 'write one username:password per line; other lines do not count';
  return { value: digests, count: digests.length, badLines, remedy };
}

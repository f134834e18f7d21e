/**
 * The file of API credentials (`edge { api_credentials_file }`): read when somebody comes with credentials, so that a
 * new file counts within a second. A mounted Secret of Kubernetes changes by a link to its directory being swapped:
 * opening the path each time follows that.
 */

import { createHash, timingSafeEqual } from 'node:crypto';
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import type { Logger } from 'pino';

/** As the reference says. A rotation lists two lines; this is room for hundreds. */
const fileMaxBytes = 16 * 1024;

/** What was read so recently is believed. */
const freshMs = 1_000;

/** Digests of `username:password`: of one length, so that comparing takes the same time whatever is wrong. */
type Digests = readonly Buffer[];

export class Credentials {
  readonly #log: Logger;
  #path = '';
  #digests: Digests = [];
  #readAtMs = Number.NEGATIVE_INFINITY;
  #reading: Promise<void> | undefined;
  /** What was logged last about the file: the same is not said again. */
  #told = '';

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Whether somebody has credentials. @param path of the file; empty for none */
  async exist(path: string): Promise<boolean> {
    await this.#refresh(path);
    return this.#digests.length > 0;
  }

  /** Whether these bytes (`username:password`) are a line of the file. @param path of the file; empty for none */
  async include(path: string, given: Buffer): Promise<boolean> {
    await this.#refresh(path);
    const digest = digestOf(given);
    // Every line is compared: the time must not tell which one was right.
    return this.#digests.reduce((found, each) => timingSafeEqual(each, digest) || found, false);
  }

  async #refresh(path: string): Promise<void> {
    if (path !== this.#path) {
      await this.#reading;
      this.#path = path;
      this.#digests = [];
      this.#readAtMs = Number.NEGATIVE_INFINITY;
    }
    if (path === '' || performance.now() - this.#readAtMs < freshMs) return;
    this.#reading ??= this.#read(path).finally(() => {
      this.#reading = undefined;
      this.#readAtMs = performance.now();
    });
    await this.#reading;
  }

  async #read(file: string): Promise<void> {
    try {
      const { digests, badLines } = parse(await readSmallFile(file));
      this.#digests = digests;
      this.#tell(JSON.stringify([file, digests.map((digest) => digest.toString('base64')), badLines]), () => {
        if (badLines.length === 0) this.#log.info({ file, credentials: digests.length }, 'API credentials read');
        else {
          const remedy = 'write one username:password per line; other lines do not count';
          this.#log.warn({ file, credentials: digests.length, badLines, remedy }, 'API credentials read in part');
        }
      });
    } catch (error) {
      // Clients may have used up the descriptors: that must not lock the operator out.
      if (isOutOfDescriptors(error)) return;
      this.#digests = [];
      const reason = (error as Error).message;
      this.#tell(JSON.stringify([file, reason]), () =>
        this.#log.warn({ file, reason }, 'API credentials cannot be read: the file gives nobody access'),
      );
    }
  }

  #tell(what: string, say: () => void): void {
    if (what === this.#told) return;
    this.#told = what;
    say();
  }
}

export function digestOf(credentials: Buffer | string): Buffer {
  return createHash('sha256').update(credentials).digest();
}

function isOutOfDescriptors(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'EMFILE' || code === 'ENFILE';
}

/** The text of an ordinary file that is not too large. Throws an Error that says why there is none. */
async function readSmallFile(path: string): Promise<string> {
  // A named pipe in its place would wait for a writer, for ever.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    if (!(await file.stat()).isFile()) throw new Error('it is no ordinary file');
    const buffer = Buffer.alloc(fileMaxBytes + 1);
    let size = 0;
    for (;;) {
      const { bytesRead } = await file.read(buffer, size, buffer.length - size);
      size += bytesRead;
      if (size > fileMaxBytes) throw new Error(`it is larger than ${fileMaxBytes} bytes`);
      if (bytesRead === 0) return buffer.toString('utf8', 0, size);
    }
  } finally {
    await file.close();
  }
}

/** A line without a user name or without a password is none that anybody could mean. */
function parse(text: string): { readonly digests: Digests; readonly badLines: readonly number[] } {
  const digests: Buffer[] = [];
  const badLines: number[] = [];
  for (const [index, raw] of text
    .replace(/^\uFEFF/, '')
    .split('\n')
    .entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    if (/^[^:]+:./.test(line)) digests.push(digestOf(line));
    else if (badLines.length < 10) badLines.push(index + 1);
  }
  return { digests, badLines };
}

/**
 * A file of secrets or keys, read when somebody comes who needs it, so that a new file counts within a second. A mounted
 * Secret of Kubernetes changes by a link to its directory being swapped: opening the path each time follows that.
 */

import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import type { Logger } from 'pino';

/** What was read so recently is believed. */
const freshMs = 1_000;

export interface Kind<T> {
  /** What the file holds, for the log: `API credentials`. */
  readonly name: string;
  /** What is counted in it, for the log: `credentials`. */
  readonly counted: string;
  readonly maxBytes: number;
  /** What a file means that cannot be read. */
  readonly none: T;
  /** What the text means. Throws an Error that says why it means nothing. */
  readonly parse: (text: string) => Parsed<T>;
}

export interface Parsed<T> {
  readonly value: T;
  readonly count: number;
  /** Lines that do not count, by their numbers: ten at most. */
  readonly badLines: readonly number[];
  /** What a line should be. */
  readonly remedy: string;
}

export class FreshFile<T> {
  readonly #kind: Kind<T>;
  readonly #path: string;
  readonly #log: Logger;
  #value: T;
  #readAtMs = Number.NEGATIVE_INFINITY;
  #reading: Promise<void> | undefined;
  /** What was logged last about the file: the same is not said again. */
  #told = '';

  constructor(kind: Kind<T>, path: string, log: Logger) {
    this.#kind = kind;
    this.#path = path;
    this.#log = log;
    this.#value = kind.none;
  }

  /** What it holds; never fails. A file that cannot be read gives nobody access. */
  async value(): Promise<T> {
    if (performance.now() - this.#readAtMs >= freshMs) {
      this.#reading ??= this.#read().finally(() => {
        this.#reading = undefined;
        this.#readAtMs = performance.now();
      });
      await this.#reading;
    }
    return this.#value;
  }

  async #read(): Promise<void> {
    const { name, counted, maxBytes, none, parse } = this.#kind;
    const file = this.#path;
    try {
      const text = await readSmallFile(file, maxBytes);
      const { value, count, badLines, remedy } = parse(text);
      this.#value = value;
      this.#tell(createHash('sha256').update(text).digest('base64'), () => {
        if (badLines.length === 0) this.#log.info({ file, [counted]: count }, `${name} read`);
        else this.#log.warn({ file, [counted]: count, badLines, remedy }, `${name} read in part`);
      });
    } catch (error) {
      // Clients may have used up the descriptors: that must not lock the operator out.
      if (isOutOfDescriptors(error)) return;
      this.#value = none;
      const reason = (error as Error).message;
      this.#tell(reason, () =>
        this.#log.warn({ file, reason }, `${name} cannot be read: the file gives nobody access`),
      );
    }
  }

  #tell(what: string, say: () => void): void {
    if (what === this.#told) return;
    this.#told = what;
    say();
  }
}

function isOutOfDescriptors(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'EMFILE' || code === 'ENFILE';
}

/** The text of an ordinary file that is not too large. Throws an Error that says why there is none. */
async function readSmallFile(path: string, maxBytes: number): Promise<string> {
  // A named pipe in its place would wait for a writer, for ever.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    if (!(await file.stat()).isFile()) throw new Error('it is no ordinary file');
    const buffer = Buffer.alloc(maxBytes + 1);
    let size = 0;
    for (;;) {
      const { bytesRead } = await file.read(buffer, size, buffer.length - size);
      size += bytesRead;
      if (size > maxBytes) throw new Error(`it is larger than ${maxBytes} bytes`);
      if (bytesRead === 0) return buffer.toString('utf8', 0, size);
    }
  } finally {
    await file.close();
  }
}

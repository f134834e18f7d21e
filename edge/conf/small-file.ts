/** Reads a file of secrets at once: it is small, or it is no such file. */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';

/**
 * How often a file is looked at that may change. Looking follows every symbolic link on the way, which watching by the
 * kernel does not: a mounted Secret changes by a link to its directory being swapped.
 */
export const lookEveryMs = 2_000;

/** The text of an ordinary file. Throws an Error that says why there is none. */
export function readSmallFile(path: string, maxBytes: number): string {
  // A named pipe in its place would wait for a writer, for ever.
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    if (!fstatSync(file).isFile()) throw new Error('it is no ordinary file');
    const buffer = Buffer.alloc(maxBytes + 1);
    let size = 0;
    for (;;) {
      const bytesRead = readSync(file, buffer, size, buffer.length - size, null);
      size += bytesRead;
      if (size > maxBytes) throw new Error(`it is larger than ${maxBytes} bytes`);
      if (bytesRead === 0) return buffer.toString('utf8', 0, size);
    }
  } finally {
    closeSync(file);
  }
}

/**
 * The one place that log lines are handed to: a file, or standard output. No write here can hold up the event loop,
 * whatever is at the other end.
 */

import { constants, fstatSync, openSync, write, writeSync } from 'node:fs';
import type { Writable } from 'node:stream';

/** @param taken bytes that were written, also when an error came after them */
export type Written = (error: NodeJS.ErrnoException | null | undefined, taken: number) => void;

export interface Sink {
  /** A write that never returns holds a thread, for which Node waits when it ends. */
  readonly onThread: boolean;
  /** Writes in the background; one write at a time. */
  write(bytes: Buffer, done: Written): void;
  /** Writes what can be written at once, for a process that ends; throws the system's error. */
  writeNow(bytes: Buffer): void;
}

/** `O_NONBLOCK`: a pipe whose reader has stopped says so (EAGAIN) instead of blocking a thread. */
const openFlags = constants.O_WRONLY | constants.O_APPEND | constants.O_NONBLOCK | constants.O_NOCTTY;

/** Flags to open a log file with. */
export const logFileFlags: number = openFlags | constants.O_CREAT;

const standardOutput = 1;

/** An open file. The write happens on a thread of Node's pool: a dead mount blocks that thread, and no more. */
export function fileSink(fd: number): Sink {
  return {
    onThread: true,
    write: (bytes, done) => write(fd, bytes, done),
    writeNow: (bytes) => {
      writeSync(fd, bytes);
    },
  };
}

/**
 * Standard output. A pipe or a terminal is opened a second time, without blocking, so that nothing changes for other
 * processes that share it. Sockets, and systems without /proc, are left to Node's own stream.
 */
export function consoleSink(): Sink {
  try {
    if (fstatSync(standardOutput).isFile()) return fileSink(standardOutput);
    return fileSink(openSync(`/proc/self/fd/${standardOutput}`, openFlags));
  } catch {
    return streamSink(process.stdout);
  }
}

function streamSink(stream: Writable): Sink {
  // Each write tells its own error: without a listener the event would end the process.
  stream.on('error', () => {});
  return {
    onThread: false,
    write: (bytes, done) => {
      stream.write(bytes, (error) => done(error, error ? 0 : bytes.length));
    },
    writeNow: (bytes) => {
      stream.write(bytes);
    },
  };
}

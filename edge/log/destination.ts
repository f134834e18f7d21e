/**
 * Takes log lines and writes them in the background. Lines that cannot be written are lost and counted; that costs
 * nothing else. When writing works again, one line says how many were lost.
 */

import { close, mkdir, mkdirSync, open, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { consoleSink, fileSink, logFileFlags, type Sink } from './sink.ts';

export interface DestinationOptions {
  /** The log file; undefined for standard output. */
  readonly file: string | undefined;
  /** The line (with its end) that tells of lost lines. */
  readonly lostLine: (lines: number, reason: string) => string;
  /** The file could not be opened again: lines go on to the one that is open. */
  readonly reopenFailed: (error: Error) => void;
}

/** Lines that wait while nothing can be written, and what is written at a time, bytes. */
const waitingMaxBytes = 1024 * 1024;
const batchMaxBytes = 64 * 1024;
/** A full pipe is tried again after this time. */
const retryMs = 50;
/** A file that could not be written or opened is opened again after this time. */
const reopenMs = 5_000;
/** A write that takes longer than this is taken for one that never ends. */
const stuckMs = 1_000;

const newline = 0x0a;

/** What is being written. */
interface Batch {
  readonly bytes: Buffer;
  /** Bytes that have been written. */
  taken: number;
  /** Lost lines that its first line tells of; 0 when there is no such line. */
  readonly tellsOf: number;
}

export class LogDestination {
  readonly #options: DestinationOptions;
  #sink: Sink;
  /** Of the file that is open; undefined for standard output. */
  #fd: number | undefined;
  readonly #waiting: string[] = [];
  #waitingBytes = 0;
  #batch: Batch | undefined;
  #scheduled = false;
  /** When the write or the opening that is under way began. */
  #busySinceMs: number | undefined;
  #reopenWanted = false;
  #reopenTimer: NodeJS.Timeout | undefined;
  /** The last write ended within a line. */
  #torn = false;
  #lostLines = 0;
  /** Of these, lines that no line in the log tells of yet; and why the last one was lost. */
  #untoldLines = 0;
  #reason = '';
  #settled: (() => void)[] = [];

  /** Throws the system's error when the file cannot be opened. */
  constructor(options: DestinationOptions) {
    this.#options = options;
    const { file } = options;
    if (file === undefined) this.#sink = consoleSink();
    else {
      mkdirSync(dirname(file), { recursive: true });
      this.#fd = openSync(file, logFileFlags);
      this.#sink = fileSink(this.#fd);
    }
  }

  /** Lines lost since the start. */
  get lostLines(): number {
    return this.#lostLines;
  }

  /** A write has not come back for so long that it may never do so. */
  get stuck(): boolean {
    return this.#busySinceMs !== undefined && performance.now() - this.#busySinceMs > stuckMs;
  }

  /** `stuck`, in a way that would keep the process from ending. */
  get holdsProcess(): boolean {
    return this.stuck && this.#sink.onThread;
  }

  /** Takes one line with its end. Never throws, never waits. */
  write(line: string): void {
    const size = Buffer.byteLength(line);
    if (this.#waitingBytes + size > waitingMaxBytes) return this.#lose(1, 'the log takes no more lines');
    this.#waiting.push(line);
    this.#waitingBytes += size;
    this.#schedule();
  }

  /** Opens the file again (it has been moved away). Until that works, lines go on to the open one. */
  reopen(): void {
    if (this.#options.file === undefined) return;
    this.#reopenWanted = true;
    this.#schedule();
  }

  /** Resolves when all is written, or when it has not been for as long as a write may take. */
  async settle(): Promise<void> {
    if (this.#batch === undefined && this.#waiting.length === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, stuckMs + retryMs);
      this.#settled.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  /** For a process that ends: writes what can be written at once. */
  writeNow(): void {
    if (this.stuck) return;
    const rest = this.#waiting.splice(0).join('');
    const begun = this.#busySinceMs === undefined ? this.#batch : undefined;
    try {
      if (begun !== undefined) this.#sink.writeNow(begun.bytes.subarray(begun.taken));
      if (rest !== '') this.#sink.writeNow(Buffer.from(rest));
    } catch {
      // Nobody is left to be told.
    }
  }

  /** Lines that come together are written together. */
  #schedule(): void {
    if (this.#scheduled || this.#busySinceMs !== undefined) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#go();
    });
  }

  #go(): void {
    if (this.#busySinceMs !== undefined) return;
    if (this.#reopenWanted) return this.#openAgain();
    this.#batch ??= this.#nextBatch();
    const batch = this.#batch;
    if (batch === undefined) {
      for (const resolve of this.#settled.splice(0)) resolve();
      return;
    }
    this.#busySinceMs = performance.now();
    this.#sink.write(batch.bytes.subarray(batch.taken), (error, taken = 0) => {
      this.#busySinceMs = undefined;
      batch.taken += taken;
      if (error?.code === 'EAGAIN') return this.#retryLater();
      if (error) this.#failed(batch, error);
      else if (batch.taken >= batch.bytes.length) this.#written(batch);
      this.#go();
    });
  }

  #nextBatch(): Batch | undefined {
    const { lostLine } = this.#options;
    if (this.#waiting.length === 0) return undefined;
    let count = 0;
    let size = 0;
    for (const line of this.#waiting) {
      if (count > 0 && size + Buffer.byteLength(line) > batchMaxBytes) break;
      size += Buffer.byteLength(line);
      count++;
    }
    const lines = this.#waiting.splice(0, count).join('');
    this.#waitingBytes -= size;
    const tellsOf = this.#untoldLines;
    const told = tellsOf > 0 ? lostLine(tellsOf, this.#reason) : '';
    return { bytes: Buffer.from((this.#torn ? '\n' : '') + told + lines), taken: 0, tellsOf };
  }

  #written(batch: Batch): void {
    this.#batch = undefined;
    this.#torn = false;
    this.#untoldLines -= batch.tellsOf;
  }

  #failed(batch: Batch, error: NodeJS.ErrnoException): void {
    this.#batch = undefined;
    const { bytes, taken } = batch;
    let lost = 0;
    for (let at = bytes.indexOf(newline, taken); at !== -1; at = bytes.indexOf(newline, at + 1)) lost++;
    // The empty end of a torn line is no line of ours, and the line that tells of lost ones is none that was given.
    if (this.#torn && taken === 0) lost--;
    const told = batch.tellsOf > 0 && bytes.subarray(this.#torn ? 1 : 0, taken).includes(newline);
    if (told) this.#untoldLines -= batch.tellsOf;
    else if (batch.tellsOf > 0) lost--;
    if (taken > 0) this.#torn = bytes[taken - 1] !== newline;
    this.#lose(lost, error.message);
    if (this.#options.file !== undefined) this.#reopenLater();
  }

  #lose(lines: number, reason: string): void {
    this.#lostLines += lines;
    this.#untoldLines += lines;
    this.#reason = reason;
  }

  #retryLater(): void {
    // A process that wants to end does not wait for a reader that may never read again.
    setTimeout(() => this.#go(), retryMs).unref();
  }

  #openAgain(): void {
    const { file, reopenFailed } = this.#options;
    this.#reopenWanted = false;
    if (file === undefined) return;
    clearTimeout(this.#reopenTimer);
    this.#reopenTimer = undefined;
    this.#busySinceMs = performance.now();
    const done = (error: Error | null, fd?: number): void => {
      this.#busySinceMs = undefined;
      if (fd === undefined) {
        if (error !== null) reopenFailed(error);
        this.#reopenLater();
      } else {
        if (this.#fd !== undefined) close(this.#fd, () => {});
        this.#fd = fd;
        this.#sink = fileSink(fd);
        this.#torn = false;
      }
      this.#go();
    };
    mkdir(dirname(file), { recursive: true }, (error) => {
      if (error) done(error);
      else open(file, logFileFlags, done);
    });
  }

  #reopenLater(): void {
    this.#reopenTimer ??= setTimeout(() => {
      this.#reopenTimer = undefined;
      this.reopen();
    }, reopenMs).unref();
  }
}

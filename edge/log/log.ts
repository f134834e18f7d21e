/**
 * The log of this process: lines by pino, at a bounded rate, into a destination that can fail without harm. Lines are
 * JSON; on a terminal they are for people.
 */

import { type Logger, pino } from 'pino';
import { LogDestination } from './destination.ts';
import { LineRate } from './line-rate.ts';
import { shorten } from './shorten.ts';
import { terminalFormat } from './terminal.ts';

export interface LogOptions {
  /** Least level that is logged. */
  readonly level: string;
  /** The log file; undefined for standard output. */
  readonly file: string | undefined;
}

/** Counts since the start. */
export interface LogCounts {
  /** Lines that could not be written. */
  readonly lostLines: number;
  /** Lines that were not written because there were too many of their event. */
  readonly leftOutLines: number;
}

/**
 * A tier's normal day stays far below: a burst of 500 is a popular stream's players who all join in one second. The
 * edge has fewer than 100 events.
 */
const rate = { burst: 500, perSecond: 50, eventsMax: 200 };

/** How long lines are counted before one line says how many were left out. */
const tellEveryMs = 5_000;

const warnLevel = 40;

export class EdgeLog {
  readonly logger: Logger;
  readonly #destination: LogDestination;
  readonly #rate = new LineRate(rate);
  #timer: NodeJS.Timeout | undefined;
  /** A line of our own about left-out lines is under way: it is always let through. */
  #telling = false;

  /** Throws the system's error when the log file cannot be opened. */
  constructor({ level, file }: LogOptions) {
    const base = { pid: process.pid };
    const format = file === undefined ? terminalFormat(process.env) : undefined;
    this.#destination = new LogDestination({
      file,
      lostLine: (lines, reason) => {
        const line = { level: warnLevel, time: Date.now(), ...base, lines, reason, msg: 'log lines were lost' };
        const json = `${JSON.stringify(line)}\n`;
        return format?.(json) ?? json;
      },
      reopenFailed: (error) =>
        this.logger.warn({ file, reason: error.message }, 'log file cannot be opened: lines go on to the one before'),
    });
    const admits = (event: string, level: number): boolean => this.#admits(event, level);
    this.logger = pino(
      {
        level,
        base,
        serializers: { err: (error: Error) => shorten(pino.stdSerializers.err(error)) },
        hooks: {
          logMethod(args, method, eachLevel) {
            const [first, second] = args as unknown[];
            const event = typeof first === 'string' ? first : String(second);
            if (!admits(event, eachLevel)) return;
            method.apply(this, args.map((each) => shorten(each)) as Parameters<typeof method>);
          },
        },
      },
      format === undefined ? this.#destination : { write: (line) => this.#destination.write(format(line)) },
    );
  }

  get counts(): LogCounts {
    return { lostLines: this.#destination.lostLines, leftOutLines: this.#rate.leftOutLines };
  }

  /** Opens the log file again, after it has been moved away. */
  reopen(): void {
    this.#destination.reopen();
  }

  /** Resolves when all lines are written, or cannot be written in time. */
  async settle(): Promise<void> {
    this.#tellLeftOut();
    await this.#destination.settle();
  }

  /** A write of the log may never return. */
  get stuck(): boolean {
    return this.#destination.stuck;
  }

  /** The last thing that a process does: writes what is left. Ends the process if a write of the log keeps it. */
  exiting(): void {
    this.#tellLeftOut();
    this.#destination.writeNow();
    if (this.#destination.holdsProcess) process.kill(process.pid, 'SIGKILL');
  }

  #admits(event: string, level: number): boolean {
    if (this.#telling || this.#rate.admits(event, level)) return true;
    this.#timer ??= setTimeout(() => this.#tellLeftOut(), tellEveryMs).unref();
    return false;
  }

  #tellLeftOut(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#telling = true;
    for (const { event, lines, level } of this.#rate.takeLeftOut()) {
      const method = this.logger.levels.labels[level] ?? 'info';
      this.logger[method as pino.Level]({ event, lines }, 'log lines left out');
    }
    this.#telling = false;
  }
}

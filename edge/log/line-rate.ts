/**
 * How many lines of one event go into the log: a burst at once, then so many a second. What is beyond is counted. So
 * a client that does the same thing again and again cannot fill the log, and other events are not held back by it.
 */

export interface LineRateOptions {
  /** Lines of one event that are let through at once. */
  readonly burst: number;
  /** Lines of one event that are let through in a second after that. */
  readonly perSecond: number;
  /** Events that are told apart; all beyond share one allowance. */
  readonly eventsMax: number;
  /** Monotonic milliseconds; `performance.now` by default. */
  readonly nowMs?: () => number;
}

/** Lines of an event that were left out. */
export interface LeftOut {
  readonly event: string;
  readonly lines: number;
  /** The highest pino level among them. */
  readonly level: number;
}

interface Allowance {
  readonly event: string;
  lines: number;
  atMs: number;
  leftOut: number;
  level: number;
}

const otherEvents = 'other events';

export class LineRate {
  readonly #options: LineRateOptions;
  readonly #nowMs: () => number;
  readonly #allowances = new Map<string, Allowance>();
  #leftOutLines = 0;

  constructor(options: LineRateOptions) {
    this.#options = options;
    this.#nowMs = options.nowMs ?? (() => performance.now());
  }

  /** Lines left out since the start. */
  get leftOutLines(): number {
    return this.#leftOutLines;
  }

  /** Whether a line of this event may be written; one that may not is counted. */
  admits(event: string, level: number): boolean {
    const allowance = this.#allowance(event);
    const { burst, perSecond } = this.#options;
    const nowMs = this.#nowMs();
    const refilled = ((nowMs - allowance.atMs) * perSecond) / 1000;
    allowance.lines = Math.min(burst, allowance.lines + refilled);
    allowance.atMs = nowMs;
    if (allowance.lines >= 1) {
      allowance.lines--;
      return true;
    }
    allowance.leftOut++;
    allowance.level = Math.max(allowance.level, level);
    this.#leftOutLines++;
    return false;
  }

  /** What was left out since this was last called. Events that have their whole burst again are forgotten. */
  takeLeftOut(): LeftOut[] {
    const taken: LeftOut[] = [];
    const { burst, perSecond } = this.#options;
    for (const [key, allowance] of this.#allowances) {
      const { event, leftOut: lines, level } = allowance;
      if (lines > 0) taken.push({ event, lines, level });
      allowance.leftOut = 0;
      allowance.level = 0;
      const fullMs = allowance.atMs + ((burst - allowance.lines) * 1000) / perSecond;
      if (fullMs <= this.#nowMs()) this.#allowances.delete(key);
    }
    return taken;
  }

  #allowance(event: string): Allowance {
    const known = this.#allowances.get(event);
    if (known !== undefined) return known;
    if (this.#allowances.size >= this.#options.eventsMax && event !== otherEvents) return this.#allowance(otherEvents);
    const added = { event, lines: this.#options.burst, atMs: this.#nowMs(), leftOut: 0, level: 0 };
    this.#allowances.set(event, added);
    return added;
  }
}

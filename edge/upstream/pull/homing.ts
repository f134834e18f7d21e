/**
 * Brings a stream back to where it belongs: with `balance hash` each stream has one origin, and edges that disagree
 * about it pull the stream twice. It is elsewhere after its origin was away, and when another one has joined the list.
 */

import type { OriginAddress } from '../../conf/model.ts';
import { Deadline } from '../../time/deadline.ts';
import { originName } from '../connection/address.ts';

export interface HomingTimes {
  /** An origin must have been well for so long, and the list unchanged: one that comes and goes moves no stream twice. */
  readonly settleMs: number;
  /** Streams go over one after the other, within this time. */
  readonly spreadMs: number;
}

const usualTimes: HomingTimes = { settleMs: 5_000, spreadMs: 5_000 };

export interface HomingOptions {
  /** The origin that the stream belongs to, of those that are well; undefined: any will do. */
  readonly home: () => OriginAddress | undefined;
  /** Name of the origin that it is pulled from. */
  readonly present: () => string;
  /** Another number whenever an origin's state or the list has changed. */
  readonly epoch: () => number;
  /** Tries that origin once. The stream stays where it is when it does not deliver. */
  readonly go: (home: OriginAddress) => void;
}

export class Homing {
  readonly #options: HomingOptions;
  readonly #times: HomingTimes;
  readonly #due = new Deadline(() => this.#goHome());
  #epoch: number | undefined;

  constructor(options: HomingOptions, times: HomingTimes = usualTimes) {
    this.#options = options;
    this.#times = times;
  }

  /** To be called now and then while the stream is pulled, and costs nothing while nothing has changed. */
  look(): void {
    const epoch = this.#options.epoch();
    if (epoch === this.#epoch) return;
    this.#epoch = epoch;
    const { settleMs, spreadMs } = this.#times;
    if (this.#away() === undefined) this.#due.stop();
    else this.#due.start(settleMs + Math.random() * spreadMs);
  }

  /** The stream has come to another origin. */
  moved(): void {
    this.#epoch = undefined;
    this.look();
  }

  stop(): void {
    this.#due.stop();
  }

  #goHome(): void {
    // What has changed meanwhile must settle, too.
    if (this.#options.epoch() !== this.#epoch) return this.look();
    const home = this.#away();
    if (home !== undefined) this.#options.go(home);
  }

  /** Its home, where it is not there. */
  #away(): OriginAddress | undefined {
    const { home, present } = this.#options;
    const origin = home();
    return origin === undefined || originName(origin) === present() ? undefined : origin;
  }
}

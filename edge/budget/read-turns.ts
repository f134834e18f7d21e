/**
 * Sockets are read in turns. libuv reads one up to 32 times in a turn of the event loop, which is 2 MB, as long as more
 * is there. When the process was held up, or gets too little of the processor, that much is there of every socket: a
 * turn would take seconds, in which no slice is sent and no question answered, and memory for all that it brings.
 */

import { Fifo } from './fifo.ts';

/** What one socket may bring in a turn, as much as one read: then it waits until others have had theirs. */
const shareBytes = 64 * 1024;

/** Sockets that go on in a turn: what they bring is taken in within some milliseconds. */
const goOnMax = 32;

/** Of the whole process, as its event loop is one. */
class ReadTurns {
  /** Bounded by the sockets that there are: each waits once. */
  readonly #queue = new Fifo<() => void>();
  #number = 0;
  #next: NodeJS.Immediate | undefined;
  waiting = 0;

  /** The number of this turn of the event loop. */
  get number(): number {
    this.#next ??= setImmediate(() => this.#turn());
    return this.#number;
  }

  /** Calls `goOn` in a later turn. */
  await(goOn: () => void): void {
    this.waiting++;
    this.#queue.push(goOn);
  }

  #turn(): void {
    this.#next = undefined;
    this.#number++;
    for (let left = goOnMax; left > 0 && !this.#queue.isEmpty; left--) {
      this.waiting--;
      this.#queue.shift()?.();
    }
    if (!this.#queue.isEmpty) this.#next ??= setImmediate(() => this.#turn());
  }
}

const turns = new ReadTurns();

/** Sockets that have brought their share and wait for their turn. */
export function socketsWaitingForTurn(): number {
  return turns.waiting;
}

/** One socket's share of each turn. */
export class ReadShare {
  readonly #wait: () => void;
  readonly #goOn: () => void;
  #turn = 0;
  #bytes = 0;
  #waits = false;

  /**
   * @param wait the socket is not to be read for now
   * @param goOn it is read on, unless it is closed
   */
  constructor(wait: () => void, goOn: () => void) {
    this.#wait = wait;
    this.#goOn = goOn;
  }

  /** Counts what has been read. */
  read(bytes: number): void {
    const turn = turns.number;
    if (turn !== this.#turn) {
      this.#turn = turn;
      this.#bytes = 0;
    }
    this.#bytes += bytes;
    if (this.#bytes < shareBytes || this.#waits) return;
    this.#waits = true;
    this.#wait();
    turns.await(() => {
      this.#waits = false;
      this.#goOn();
    });
  }
}

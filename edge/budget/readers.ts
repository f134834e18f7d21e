/**
 * Who is read, and who is not for now. A socket may have to wait for several reasons at once: it is read again when
 * none of them is left.
 */

import type { Socket } from 'node:net';
import { ReadShare } from './read-turns.ts';

/** Reasons not to read a socket, as bits. */
export const Wait = {
  /** It does not read what we answer. */
  answers: 1,
  /** It sent more than may be kept while a command of its waits. */
  command: 2,
  /** It makes us work faster than it may. */
  work: 4,
  /** Merged read: what it sends is read together. Nobody is at fault. */
  rest: 8,
  /** Unfinished messages of all clients hold too much memory, and it holds more than its share. */
  memory: 16,
  /** It has brought its share of this turn of the event loop, and more is there. Nobody is at fault. */
  turn: 32,
} as const;
export type Wait = (typeof Wait)[keyof typeof Wait];

/** Counts for metrics, over the whole process. */
export class PausedReaders {
  /** Sockets that are not read now, where somebody is at fault. */
  now = 0;
  /** Times that a socket had to wait, since the start. */
  total = 0;
}

/** Decides whether one socket is read. */
export class ReadGate {
  readonly #socket: Socket;
  readonly #paused: PausedReaders;
  readonly #share = new ReadShare(
    () => this.wait(Wait.turn),
    () => this.done(Wait.turn),
  );
  #waits = 0;

  constructor(socket: Socket, paused: PausedReaders) {
    this.#socket = socket;
    this.#paused = paused;
    socket.once('close', () => this.open());
  }

  isWaiting(reason: Wait): boolean {
    return (this.#waits & reason) !== 0;
  }

  /** Whether it is kept from being read for longer than merged read takes. */
  get isPaused(): boolean {
    return (this.#waits & ~Wait.rest) !== 0;
  }

  /** Counts what has been read. */
  hasRead(bytes: number): void {
    this.#share.read(bytes);
  }

  wait(reason: Wait): void {
    this.#set(this.#waits | reason);
  }

  done(reason: Wait): void {
    this.#set(this.#waits & ~reason);
  }

  /** Reads on, whatever there was to wait for. */
  open(): void {
    this.#set(0);
  }

  #set(waits: number): void {
    const before = this.#waits;
    if (waits === before) return;
    this.#waits = waits;
    if (before === 0) this.#socket.pause();
    else if (waits === 0) this.#socket.resume();
    const paused = isSomebodysFault(waits);
    if (paused === isSomebodysFault(before)) return;
    this.#paused.now += paused ? 1 : -1;
    if (paused) this.#paused.total++;
  }
}

function isSomebodysFault(waits: number): boolean {
  return (waits & ~(Wait.rest | Wait.turn)) !== 0;
}

/**
 * TLS handshakes. To answer the first message of one takes up to a millisecond of computing (an RSA signature). One is
 * answered in each turn of the event loop, however many come at once: between two of them media goes out.
 */

import type { Socket } from 'node:net';
import { Fifo } from './fifo.ts';

interface Waiting {
  readonly socket: Socket;
  readonly begin: () => void;
}

export class Handshakes {
  /** Bounded by the connections that there may be (`max_connections`): each waits once. */
  readonly #queue = new Fifo<Waiting>();
  #turn: NodeJS.Immediate | undefined;
  #waiting = 0;
  /** Those that succeeded, with a certificate, and with the session of a connection before. */
  full = 0;
  resumed = 0;
  /** Those that failed, without those whose client just left or was too slow. */
  failed = 0;

  /** Those whose first message is here and has not been answered. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Calls `begin` when it is the turn of a socket whose first message is here, unless it has been closed by then. */
  await(socket: Socket, begin: () => void): void {
    this.#waiting++;
    this.#queue.push({ socket, begin });
    this.#turn ??= setImmediate(() => this.#next());
  }

  succeeded(isResumed: boolean): void {
    if (isResumed) this.resumed++;
    else this.full++;
  }

  #next(): void {
    let first = this.#queue.shift();
    this.#turn = undefined;
    while (first?.socket.destroyed === true) {
      this.#waiting--;
      first = this.#queue.shift();
    }
    if (first === undefined) return;
    this.#waiting--;
    if (!this.#queue.isEmpty) this.#turn = setImmediate(() => this.#next());
    first.begin();
  }
}

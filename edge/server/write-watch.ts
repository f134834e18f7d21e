/**
 * Finds clients that accept no more bytes. One timer looks over all sockets; only those that have bytes waiting get
 * a timer of their own, which Node's sockets restart whenever some of these bytes were taken.
 */

import type { Socket } from 'node:net';

const lookEveryMs = 1_000;

interface Watched {
  readonly timeoutMs: () => number;
  armed: boolean;
}

export class WriteWatch {
  readonly #sockets = new Map<Socket, Watched>();
  #timer: NodeJS.Timeout | undefined;

  /** Destroys the socket when bytes wait and none is taken for this long; `remove` ends that. */
  add(socket: Socket, timeoutMs: () => number): void {
    this.#sockets.set(socket, { timeoutMs, armed: false });
    socket.on('timeout', () => {
      if (socket.writableLength > 0) socket.destroy(new Error(`accepted no byte for ${timeoutMs()} ms`));
    });
    this.#timer ??= setInterval(() => this.#look(), lookEveryMs).unref();
  }

  remove(socket: Socket): void {
    this.#sockets.delete(socket);
    if (this.#sockets.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #look(): void {
    for (const [socket, watched] of this.#sockets) {
      const waiting = socket.writableLength > 0;
      if (waiting === watched.armed) continue;
      watched.armed = waiting;
      socket.setTimeout(waiting ? watched.timeoutMs() : 0);
    }
  }
}

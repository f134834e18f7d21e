/**
 * Merged read, the twin of merged write: a publisher's socket rests after each read, so that many small packets come
 * in with one. (SRS does the same under `publish { mr }`; its packets may wait for `mr_latency`.)
 */

import type { Socket } from 'node:net';

/**
 * What a socket's `highWaterMark` must be for a rest to be one: with more, Node goes on reading into its own buffer,
 * packet by packet.
 */
export const restfulHighWaterMark = 1;

/** So much since the last time is no matter of small packets, and more may be waiting: there is no rest then. */
const plentyBytes = 64 * 1024;

/** Sockets at rest, by the length of it: one timer wakes all that fell asleep since it was set. */
const resting = new Map<number, Socket[]>();

/** The rests of one socket. */
export class MergedRead {
  readonly #socket: Socket;
  /** Of the socket's `bytesRead`, when it was last decided. */
  #decidedBytes = 0;
  #undecided = false;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /**
   * After a read: nothing is read for `restMs` at most, once all is read that is here. Node gives at most 64 KiB at a
   * time and, of TLS, one record, which may be a hundred bytes: a rest after each would hold up the client.
   */
  rest(restMs: number): void {
    if (this.#undecided) return;
    this.#undecided = true;
    setImmediate(() => {
      this.#undecided = false;
      const { bytesRead } = this.#socket;
      const isPlenty = bytesRead - this.#decidedBytes >= plentyBytes;
      this.#decidedBytes = bytesRead;
      if (!isPlenty) stopReading(this.#socket, restMs);
    });
  }
}

function stopReading(socket: Socket, restMs: number): void {
  socket.pause();
  const together = resting.get(restMs);
  if (together !== undefined) {
    together.push(socket);
    return;
  }
  const first = [socket];
  resting.set(restMs, first);
  setTimeout(() => {
    resting.delete(restMs);
    for (const each of first) each.resume();
  }, restMs);
}

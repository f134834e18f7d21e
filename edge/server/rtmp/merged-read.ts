/**
 * Merged read, the twin of merged write: a publisher's socket rests after each read, so that many small packets come
 * in with one. (SRS does the same under `publish { mr }`; its packets may wait for `mr_latency`.)
 */

import type { Socket } from 'node:net';
import { type ReadGate, Wait } from '../../budget/readers.ts';

/**
 * What a socket's `highWaterMark` must be for a rest to be one: with more, Node goes on reading into its own buffer,
 * packet by packet.
 */
export const restfulHighWaterMark = 1;

/** So much since the last time is no matter of small packets, and more may be waiting: there is no rest then. */
const plentyBytes = 64 * 1024;

/** Sockets at rest, by the length of it: one timer wakes all that fell asleep since it was set. */
const resting = new Map<number, ReadGate[]>();

/** The rests of one socket. */
export class MergedRead {
  readonly #socket: Socket;
  readonly #gate: ReadGate;
  /** Of the socket's `bytesRead`, when it was last decided. */
  #decidedBytes = 0;
  #undecided = false;

  constructor(socket: Socket, gate: ReadGate) {
    this.#socket = socket;
    this.#gate = gate;
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
      if (!isPlenty) stopReading(this.#gate, restMs);
    });
  }
}

function stopReading(gate: ReadGate, restMs: number): void {
  gate.wait(Wait.rest);
  const together = resting.get(restMs);
  if (together !== undefined) {
    together.push(gate);
    return;
  }
  const first = [gate];
  resting.set(restMs, first);
  setTimeout(() => {
    resting.delete(restMs);
    for (const each of first) each.done(Wait.rest);
  }, restMs);
}

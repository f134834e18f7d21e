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

/** Sockets at rest, by the length of it: one timer wakes all that fell asleep since it was set. */
const resting = new Map<number, Socket[]>();

/** Stops reading from the socket for `restMs` at most. */
export function restReading(socket: Socket, restMs: number): void {
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

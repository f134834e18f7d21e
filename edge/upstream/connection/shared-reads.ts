/**
 * One buffer for what all origins send by RTMP: whatever a read brings is taken in before the next read. A buffer for
 * each read, as sockets have them by themselves, is garbage of as many bytes as all streams bring: 78 MB a second with
 * 1,000 streams.
 */

import type { OnReadOpts } from 'node:net';

/** The most that one read brings: as much as libuv asks for by itself. */
const readMaxBytes = 64 * 1024;

const shared = Buffer.allocUnsafeSlow(readMaxBytes);

/** The reads of one socket, which is made with `onread`. */
export class SharedReads {
  readonly onread: OnReadOpts = { buffer: shared, callback: (bytes) => this.#read(bytes) };
  #take: ((bytes: Buffer) => void) | undefined;
  /** Came before anybody took it: in the turn of the event loop in which the connection was made, by TLS. */
  #early: Buffer[] = [];

  /** @param take is given what each read brings; the bytes are good until it returns */
  to(take: (bytes: Buffer) => void): void {
    this.#take = take;
    const early = this.#early;
    this.#early = [];
    for (const bytes of early) take(bytes);
  }

  #read(count: number): boolean {
    const bytes = shared.subarray(0, count);
    if (this.#take !== undefined) this.#take(bytes);
    else this.#early.push(Buffer.from(bytes));
    // Read on: who wants to wait pauses the socket.
    return true;
  }
}

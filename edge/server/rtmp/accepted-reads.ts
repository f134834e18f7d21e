/**
 * One buffer for what all clients send by RTMP, as there is one for origins (`upstream/connection/shared-reads.ts`).
 * Node has the option for it (`onread`) for sockets that connect, and none for sockets that a server accepts. So this
 * does to one of these what Node does for the option. These parts of Node are private: where one of them is not as
 * expected, and by TLS, each read has a buffer of its own, as ever.
 */

import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

/** The most that one read brings: as much as libuv asks for by itself. */
const readMaxBytes = 64 * 1024;

/** Not that of origins: what a client's read is passed on by TLS may bring something from there. */
const shared = Buffer.allocUnsafeSlow(readMaxBytes);

/** Under which names a socket keeps its own buffer, and who is told how much of it has been filled. */
interface Names {
  readonly buffer: symbol;
  readonly callback: symbol;
}

let names: Names | 'unknown' | undefined;

/**
 * Reads a socket that a server has accepted.
 * @param take is given what each read brings; the bytes are good until it returns
 */
export function takeReads(socket: Socket, take: (bytes: Buffer) => void): void {
  // What was read before comes this way, and everything where the buffer cannot be shared.
  socket.on('data', take);
  if (!(socket instanceof TLSSocket)) shareBuffer(socket, take);
}

function shareBuffer(socket: Socket, take: (bytes: Buffer) => void): void {
  names ??= namesIn(socket) ?? 'unknown';
  const handle: unknown = Reflect.get(socket, '_handle');
  if (names === 'unknown' || !canShare(handle)) return;
  Reflect.set(socket, names.buffer, shared);
  Reflect.set(socket, names.callback, (count: number) => {
    take(shared.subarray(0, count));
    // Read on: who wants to wait pauses the socket.
    return true;
  });
  handle.useUserBuffer(shared);
}

function namesIn(socket: Socket): Names | undefined {
  const symbols = Object.getOwnPropertySymbols(socket);
  const buffer = symbols.find(({ description }) => description === 'kBuffer');
  const callback = symbols.find(({ description }) => description === 'kBufferCb');
  return buffer === undefined || callback === undefined ? undefined : { buffer, callback };
}

function canShare(handle: unknown): handle is { useUserBuffer(buffer: Buffer): void } {
  return (
    typeof handle === 'object' &&
    handle !== null &&
    'useUserBuffer' in handle &&
    typeof handle.useUserBuffer === 'function'
  );
}

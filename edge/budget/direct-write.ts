/**
 * Writes to the kernel past the socket's own queue: a stream's write makes a request, a callback and a tick for each
 * player and slice, which costs as much again as what is the edge's own in it.
 *
 * Node.js has no public way to the descriptor of a socket. Where it is not where it was (another Node.js), or the socket
 * does more than pass bytes on (TLS), or is not open, or bytes wait in it already, nothing is written here.
 */

import { writeSync } from 'node:fs';
import { Socket } from 'node:net';

/** What this Node.js keeps in a socket: the handle, while it is open, with its file descriptor. */
interface WithHandle {
  readonly _handle?: { readonly fd?: unknown } | null;
}

/** Returns how many of the bytes the kernel has taken; the socket must be given the rest. Never throws. */
export function writeDirectly(socket: Socket, bytes: Buffer): number {
  const { _handle: handle } = socket as WithHandle;
  const fd = handle?.fd;
  // A TLS socket is a subclass.
  if (typeof fd !== 'number' || fd < 0 || Object.getPrototypeOf(socket) !== Socket.prototype) return 0;
  if (socket.writableLength > 0 || socket.writableCorked > 0 || socket.connecting || !socket.writable) return 0;
  try {
    return writeSync(fd, bytes);
  } catch {
    // The kernel has no room, or the connection is broken: the socket finds out which, and tells its listeners.
    return 0;
  }
}

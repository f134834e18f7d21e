/** Waits for the first message of a TLS handshake, before TLS reads from the connection. */

import type { Socket } from 'node:net';
import { hasWholeHello } from '../access/client-hello.ts';

/** So much is not waited for: what is longer is TLS's own matter. */
const helloMaxBytes = 32 * 1024;

/**
 * Calls `come` once when the message is here, to be read. A connection that ends before is destroyed.
 * @returns to be called when somebody else takes the connection: until then its end and its errors are looked after here
 */
export function awaitHello(socket: Socket, come: () => void): () => void {
  let bytes: Buffer = Buffer.alloc(0);
  const ignore = (): void => {};
  // A connection that is half closed would wait for the rest.
  const ended = (): void => void socket.destroy();
  const read = (): void => {
    for (let piece: Buffer | null = socket.read(); piece !== null; piece = socket.read()) {
      bytes = bytes.length === 0 ? piece : Buffer.concat([bytes, piece]);
      if (bytes.length < helloMaxBytes && !hasWholeHello(bytes)) continue;
      socket.off('readable', read);
      socket.unshift(bytes);
      return come();
    }
  };
  socket.on('readable', read);
  socket.on('end', ended);
  socket.on('error', ignore);
  return () => {
    socket.off('end', ended);
    socket.off('error', ignore);
  };
}

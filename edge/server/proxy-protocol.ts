/** Takes the PROXY header off a connection before anybody else reads from it. */

import type { Socket } from 'node:net';
import { parseProxyHeader } from '../access/proxy-header.ts';
import { Deadline } from '../time/deadline.ts';

export interface ProxyHeaderEvents {
  /** The header is off; what came behind it is still to be read. @param address undefined: the proxy's own connection */
  whole(address: string | undefined): void;
  bad(reason: string): void;
  late(): void;
}

/** Exactly one of the events follows, unless the connection ends before. */
export function takeProxyHeader(socket: Socket, timeoutMs: number, events: ProxyHeaderEvents): void {
  let bytes: Buffer = Buffer.alloc(0);
  const deadline = new Deadline(() => {
    stop();
    events.late();
  });
  const ignore = (): void => {};
  const stop = (): void => {
    deadline.stop();
    socket.off('readable', read);
    socket.off('end', ended);
    socket.off('close', stop);
    socket.off('error', ignore);
  };
  // A connection that is half closed would wait for the rest.
  const ended = (): void => void socket.destroy();
  const read = (): void => {
    for (;;) {
      const piece: Buffer | null = socket.read();
      if (piece === null) return;
      bytes = bytes.length === 0 ? piece : Buffer.concat([bytes, piece]);
      const header = parseProxyHeader(bytes);
      if (header.kind === 'partial') continue;
      stop();
      if (header.kind === 'bad') return events.bad(header.reason);
      if (bytes.length > header.size) socket.unshift(bytes.subarray(header.size));
      return events.whole(header.address);
    }
  };
  deadline.start(timeoutMs);
  socket.on('readable', read);
  socket.on('end', ended);
  socket.on('close', stop);
  socket.on('error', ignore);
}

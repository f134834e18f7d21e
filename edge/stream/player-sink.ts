/** The rim of a stream: where RTMP, HTTP-FLV and WebSocket take over. */

import type { Refusal } from './request.ts';

/** Where a player's bytes go. */
export interface PlayerSink {
  /** Bytes written that it still has to do with. A sink that cannot tell keeps what it is given for as long as it likes. */
  readonly pendingBytes?: number | undefined;
  /** Takes the bytes in any case. False: no more, please, until `Player.drained` is called. */
  write(bytes: Buffer): boolean;
  /** The same for bytes in several pieces, which belong together. */
  writeParts(parts: readonly Buffer[]): boolean;
  /** The stream is over for this player. @param refusal the origin will not have this client, and says why */
  end(reason: string, refusal?: Refusal): void;
  /** The stream is known to be live, though nothing of it may be there for this player yet. */
  live?(): void;
}

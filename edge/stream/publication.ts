/**
 * A publisher's way into the edge: into a local stream, or on to an origin.
 */

import type { VhostConfig } from '../conf/model.ts';
import type { RtmpMessage } from '../rtmp/message.ts';
import type { StreamContent } from './headers.ts';
import type { StreamName } from './name.ts';

export interface Publication {
  readonly name: StreamName;
  /** Name of the origin it goes to, if any. */
  readonly origin: string | undefined;
  readonly content: StreamContent;
  /** Resolves when the stream is accepted; throws a Refusal. */
  start(): Promise<void>;
  /** Takes one media message. */
  push(message: RtmpMessage): void;
  /** All that was read at once has been pushed. */
  flush(): void;
  /** The vhost's configuration has changed. */
  reconfigured(vhost: VhostConfig): void;
  /** The publisher stopped or is gone. */
  close(): void;
}

/** Somebody else has the name of the stream: said of a publication that is refused, and of one that has to end. */
export const nameTakenCode = 'NetStream.Publish.BadName';

/**
 * - `proven`: the publisher has shown that the stream is its own: by a token, or to a callback.
 * - `unproven`: nothing is known against it.
 */
export type Claim = 'proven' | 'unproven';

export interface PublicationEvents {
  /** Aborted when the publisher leaves: who is still looking for an origin for it need not go on. */
  readonly gone: AbortSignal;
  /** The publication cannot go on: the publisher is to be told, and disconnected. */
  ended(code: string, reason: string): void;
  /** For how long no media has come from the publisher, milliseconds; 0 while it waits for us. */
  silentMs(): number;
}

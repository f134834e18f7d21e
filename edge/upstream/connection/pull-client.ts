/**
 * What a pull needs of a connection to an origin, whatever it speaks: it asks for one stream and gets its messages.
 */

import type { OriginAddress } from '../../conf/model.ts';
import type { ServerIdentity } from '../../rtmp/identity.ts';
import type { RtmpMessage } from '../../rtmp/message.ts';
import { isHttp } from './address.ts';
import type { PullOptions } from './client-options.ts';
import type { UpstreamError } from './errors.ts';
import { FlvClient } from './flv-client.ts';
import type { UpstreamRequest } from './request.ts';
import { RtmpClient } from './rtmp-client.ts';
import type { Watched } from './watchdog.ts';

export interface PullHandlers {
  /** Audio, video and data of the stream. */
  media(message: RtmpMessage): void;
  /** All messages of one read have been given. */
  readEnd(): void;
  /** The origin says something about the stream, e.g. `NetStream.Play.UnpublishNotify`. */
  status(code: string, description: string): void;
  /** The connection is over; called once, and not for `destroy()`. */
  closed(error: UpstreamError): void;
}

export interface PullClient extends Watched {
  /** Local monotonic time of the last byte received. */
  readonly lastReceivedMs: number;
  /** What the origin tells of itself, if anything. */
  readonly serverIdentity: ServerIdentity | undefined;
  /** Whether a request that is not refused shows that the origin is well; else its media does. */
  readonly hasAnswered: boolean;
  /** Asks for the stream. Returns when the origin has not refused; media follows, now or whenever there is some. */
  ask(request: UpstreamRequest, signal: AbortSignal): Promise<void>;
  /** Ends the connection without telling the handlers. */
  destroy(): void;
}

/** Connects to an origin, by what its address says. Throws an UpstreamError. */
export function openPullClient(
  address: OriginAddress,
  options: PullOptions,
  handlers: PullHandlers,
  signal: AbortSignal,
): Promise<PullClient> {
  const client = isHttp(address) ? FlvClient : RtmpClient;
  return client.open(address, options, handlers, signal);
}

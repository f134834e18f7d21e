/**
 * What a client asks for, as it is passed from the server that speaks with it to callbacks and origins.
 */

import type { AmfObject, AmfValue } from '../rtmp/amf0.ts';
import type { StreamName } from './name.ts';

/** By HTTP-FLV or WebSocket: without TLS, and with it. */
export type FlvProtocol = 'http-flv' | 'ws-flv' | 'https-flv' | 'wss-flv';

export type ClientProtocol = 'rtmp' | 'rtmps' | FlvProtocol;

/** A client that has said which application it wants. */
export interface ConnectRequest {
  /** Follows the client through logs, callbacks and on to the origin. */
  readonly clientId: string;
  readonly protocol: ClientProtocol;
  readonly ip: string;
  /** Name of the vhost block that serves it, as in SRS: `__defaultVhost__` for hosts that have none of their own. */
  readonly vhost: string;
  readonly app: string;
  /** Query of the URL with its leading `?`, or empty. */
  readonly param: string;
  readonly tcUrl: string;
  readonly pageUrl: string;
  readonly swfUrl: string;
  /** The client's `connect`: its command object and further arguments. */
  readonly connectObject: AmfObject;
  readonly connectArgs: readonly AmfValue[];
}

/** A client that wants to play or publish a stream. */
export interface StreamRequest extends ConnectRequest {
  readonly stream: string;
}

export function streamName(request: StreamRequest): StreamName {
  return { vhost: request.vhost, app: request.app, stream: request.stream };
}

/** Why a client may not have what it asks for. It is told so in these words. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  /** RTMP's code, e.g. `NetStream.Publish.BadName`. */
  readonly code: string;
  /** The same for an HTTP client. */
  readonly httpStatus: number;

  constructor(code: string, message: string, httpStatus = 403, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.httpStatus = httpStatus;
  }
}

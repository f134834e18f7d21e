/**
 * Commands that servers send (RTMP 1.0 §7.2.1, §7.2.2; Enhanced RTMP v2, "Reconnect Request"; field names and values as
 * players and encoders know them from FMS and SRS): building them, and reading them on the client's side.
 */

import { type AmfObject, type AmfValue, ecmaArray, isAmfObject } from './amf0.ts';
import { buildCommand, parseCommand } from './command-codec.ts';
import { isDataName, readData } from './data.ts';
import { capabilityProperties, type EnhancedCapabilities } from './enhanced.ts';
import type { RtmpMessage, Unusable } from './message.ts';
import { urlMaxLength } from './names.ts';

type StatusLevel = 'status' | 'warning' | 'error';

/** The version we claim: clients look for FMS 3 or later before they send H.264. */
const fmsVersion = '3,5,3,888';

interface ConnectResult {
  /** As the client asked: 0 or 3. */
  readonly objectEncoding: number;
  /** What both sides know of Enhanced RTMP. Leave out for a client that announced nothing. */
  readonly enhanced?: EnhancedCapabilities | undefined;
  /** More fields for `info.data`, where SRS puts `srs_server_ip`, `srs_pid`, `srs_id` and others. */
  readonly extra?: AmfObject;
}

/** `_result` of connect: the client is accepted. */
export function connectResult(transactionId: number, result: ConnectResult): RtmpMessage {
  const enhanced = result.enhanced === undefined ? {} : capabilityProperties(result.enhanced);
  const properties: AmfObject = { fmsVer: `FMS/${fmsVersion}`, capabilities: 127, mode: 1, ...enhanced };
  const info: AmfObject = {
    level: 'status',
    code: 'NetConnection.Connect.Success',
    description: 'Connection succeeded',
    objectEncoding: result.objectEncoding,
    data: ecmaArray({ version: fmsVersion, ...result.extra }),
  };
  return buildCommand('_result', transactionId, [properties, info], 0);
}

/** `_error`: connect, or another call, is refused. */
export function errorResult(transactionId: number, code: string, description: string): RtmpMessage {
  return buildCommand('_error', transactionId, [null, { level: 'error', code, description }], 0);
}

/** `_result` of createStream. */
export function createStreamResult(transactionId: number, streamId: number): RtmpMessage {
  return buildCommand('_result', transactionId, [null, streamId], 0);
}

/** An empty `_result`: to releaseStream, FCPublish, _checkbw and what else only wants an answer. */
export function nullResult(transactionId: number, streamId = 0): RtmpMessage {
  return buildCommand('_result', transactionId, [null, undefined], streamId);
}

/** `onStatus` of a message stream, or with `streamId` 0 of the connection. */
export function onStatus(
  streamId: number,
  level: StatusLevel,
  code: string,
  description: string,
  extra: AmfObject = {},
): RtmpMessage {
  return buildCommand('onStatus', 0, [null, { level, code, description, ...extra }], streamId);
}

export const reconnectRequestCode = 'NetConnection.Connect.ReconnectRequest';

/** Asks a client that announced `CapsEx.reconnect` to connect again: to `tcUrl`, or else to where it is now. */
export function reconnectRequest(request: {
  readonly tcUrl?: string | undefined;
  readonly description?: string | undefined;
}): RtmpMessage {
  const extra: AmfObject = request.tcUrl === undefined ? {} : { tcUrl: request.tcUrl };
  return onStatus(0, 'status', reconnectRequestCode, request.description ?? 'Please reconnect', extra);
}

/** FMLE waits for this before it publishes. */
export function onFCPublish(streamId: number, description = 'Started publishing stream.'): RtmpMessage {
  return buildCommand('onFCPublish', 0, [null, { code: 'NetStream.Publish.Start', description }], streamId);
}

export function onFCUnpublish(streamId: number, description = 'Stop publishing stream.'): RtmpMessage {
  return buildCommand('onFCUnpublish', 0, [null, { code: 'NetStream.Unpublish.Success', description }], streamId);
}

/** "The bandwidth check is done": some clients wait for it after connect. */
export function onBWDone(): RtmpMessage {
  return buildCommand('onBWDone', 0, [null], 0);
}

/** A command of a server, read. */
export type ServerCommand =
  | {
      readonly kind: 'result' | 'error';
      /** Of the command it answers. */
      readonly transactionId: number;
      /** The properties (connect), null mostly. */
      readonly object: AmfValue;
      /** The information object (connect), the stream id (createStream). */
      readonly info: AmfValue;
    }
  | {
      readonly kind: 'onStatus';
      readonly streamId: number;
      /** Empty when the server left it out. */
      readonly level: string;
      readonly code: string;
      readonly description: string;
      readonly info: AmfObject;
    }
  | {
      readonly kind: 'other';
      readonly name: string;
      readonly transactionId: number;
      readonly streamId: number;
      readonly args: AmfValue[];
    }
  /** Data that came as a command: `message` is what it would be otherwise. */
  | { readonly kind: 'data'; readonly message: RtmpMessage }
  | Unusable;

/** Reads a command of a server; data that was sent as a command becomes what it was meant to be. */
export function parseServerCommand(message: RtmpMessage): ServerCommand {
  const command = parseCommand(message);
  if (command.kind === 'unusable') return command;
  const { name, transactionId, args } = command;
  if (isDataName(name)) {
    const data = readData(message);
    return 'kind' in data ? data : { kind: 'data', message: data };
  }
  const { streamId } = message;
  switch (name) {
    case '_result':
    case '_error':
      return { kind: name === '_result' ? 'result' : 'error', transactionId, object: args[0], info: args[1] };
    case 'onStatus': {
      const info = args.find(isAmfObject) ?? {};
      return { kind: 'onStatus', streamId, ...statusOf(info), info };
    }
    default:
      return { kind: 'other', name, transactionId, streamId, args };
  }
}

/** Characters of what a server says: it goes into logs and on to clients. */
const statusMaxLength = 512;

/** Level, code and description of an information object; empty where they are missing, cut off where too long. */
export function statusOf(info: AmfValue): { level: string; code: string; description: string } {
  const object = isAmfObject(info) ? info : {};
  const text = (value: AmfValue): string => (typeof value === 'string' ? value.slice(0, statusMaxLength) : '');
  return { level: text(object.level), code: text(object.code), description: text(object.description) };
}

/** Where an onStatus or _error information object redirects to (RTMP 302): a URL with stream, or just a tcUrl. */
export function redirectOf(info: AmfValue): string | undefined {
  const ex = isAmfObject(info) ? info.ex : undefined;
  if (!isAmfObject(ex) || ex.code !== 302) return undefined;
  for (const url of [ex.redirect2, ex.redirect]) {
    if (typeof url === 'string' && url !== '' && url.length <= urlMaxLength) return url;
  }
  return undefined;
}

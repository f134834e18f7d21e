/**
 * Commands that clients send (RTMP 1.0 §7.2; releaseStream, FCPublish and FCUnpublish as FMLE and all encoders after it
 * send them), read once into a typed form. What servers send is in server-command.ts and exported here too.
 */

import { type AmfObject, type AmfValue, encodeAmf0, isAmfObject } from './amf0.ts';
import { parseCommand } from './command-codec.ts';
import { isDataName, readData } from './data.ts';
import { type EnhancedCapabilities, parseCapabilities } from './enhanced.ts';
import type { RtmpMessage, Unusable } from './message.ts';
import { pageUrlMaxLength } from './names.ts';

export { buildCommand, type Command, parseCommand } from './command-codec.ts';
export * from './server-command.ts';

interface ClientCommandBase {
  readonly transactionId: number;
  /** The message stream it came on; 0 is the connection. */
  readonly streamId: number;
}

/** `connect`. What the client left out is empty, 0 or undefined. */
export interface ConnectCommand extends ClientCommandBase {
  readonly kind: 'connect';
  /** `app` and `tcUrl` as they were sent, however long: url.ts reads them. */
  readonly app: string;
  readonly tcUrl: string;
  /** Cut off where they are too long. */
  readonly pageUrl: string;
  readonly swfUrl: string;
  /** 0: AMF0; 3: AMF3 too. */
  readonly objectEncoding: number;
  /** What the client announced of Enhanced RTMP; undefined: nothing. */
  readonly enhanced: EnhancedCapabilities | undefined;
  readonly capsEx: number;
  /** As sent, for passing on; without what is too much. */
  readonly commandObject: AmfObject;
  /** The arguments behind the command object, without those that are too much. */
  readonly args: AmfValue[];
}

/** What a player wants to have of its stream from now on. */
export type PlayingCommand =
  | (ClientCommandBase & { readonly kind: 'pause'; readonly paused: boolean })
  /** A track no more, or again. */
  | (ClientCommandBase & { readonly kind: 'receiveAudio' | 'receiveVideo'; readonly wanted: boolean });

export type ClientCommand =
  | ConnectCommand
  | (ClientCommandBase & { readonly kind: 'createStream' | 'closeStream' | 'checkBandwidth' })
  | (ClientCommandBase & {
      readonly kind: 'releaseStream' | 'FCPublish' | 'FCUnpublish' | 'getStreamLength';
      readonly streamName: string;
    })
  /** Where the stream is looked for in `tcUrl` or `app`, its name here is empty. */
  | (ClientCommandBase & { readonly kind: 'publish' | 'play'; readonly streamName: string })
  | PlayingCommand
  | (ClientCommandBase & { readonly kind: 'seek' })
  | (ClientCommandBase & { readonly kind: 'deleteStream'; readonly deletedStreamId: number })
  | (ClientCommandBase & { readonly kind: 'other'; readonly name: string })
  /** Data that came as a command: `message` is what it would be otherwise. */
  | { readonly kind: 'data'; readonly message: RtmpMessage }
  | Unusable;

/** What a client shows of itself goes on to origins (`token_traverse`): up to so many bytes of AMF0, and as many of arguments. */
const connectMaxBytes = 16 * 1024;
/** Names that are longer than any client's command are not looked at. */
const commandNameMaxLength = 128;

/** Reads a command of a client; data that was sent as a command becomes what it was meant to be. */
export function parseClientCommand(message: RtmpMessage): ClientCommand {
  const command = parseCommand(message);
  if (command.kind === 'unusable') return command;
  const { name, transactionId, args } = command;
  if (isDataName(name)) {
    const data = readData(message);
    return 'kind' in data ? data : { kind: 'data', message: data };
  }
  const base = { transactionId, streamId: message.streamId };
  switch (name) {
    case 'connect':
      return parseConnect(base, args);
    case 'createStream':
    case 'closeStream':
      return { kind: name, ...base };
    case '_checkbw':
      return { kind: 'checkBandwidth', ...base };
    case 'releaseStream':
    case 'FCPublish':
    case 'FCUnpublish':
    case 'getStreamLength':
      return { kind: name, ...base, streamName: stringAt(args, 1, '') };
    case 'publish':
      if (args[1] === false) return { kind: 'closeStream', ...base }; // How Flash ends publishing.
      return { kind: name, ...base, streamName: streamNameOf(args) };
    case 'play':
      if (args[1] === false) return { kind: 'closeStream', ...base };
      return { kind: name, ...base, streamName: streamNameOf(args) };
    case 'pause':
    case 'pauseRaw':
      return { kind: 'pause', ...base, paused: args[1] !== false };
    case 'seek':
      return { kind: name, ...base };
    case 'receiveAudio':
    case 'receiveVideo':
      return { kind: name, ...base, wanted: args[1] !== false };
    case 'deleteStream':
      return { kind: name, ...base, deletedStreamId: numberAt(args, 1, message.streamId) };
    default:
      return { kind: 'other', ...base, name: name.slice(0, commandNameMaxLength) };
  }
}

function parseConnect(
  base: { readonly transactionId: number; readonly streamId: number },
  args: AmfValue[],
): ConnectCommand {
  const object = isAmfObject(args[0]) ? args[0] : {};
  const text = (key: string, maxLength = Number.POSITIVE_INFINITY): string => {
    const value = object[key];
    return typeof value === 'string' ? value.slice(0, maxLength) : '';
  };
  const { tcUrl, app, ...shown } = object;
  const [objectRoom, argsRoom] = [{ bytes: connectMaxBytes }, { bytes: connectMaxBytes }];
  const commandObject = Object.fromEntries(
    Object.entries(shown).filter(([key, value]) => fits(objectRoom, key, value)),
  );
  const enhanced = parseCapabilities(commandObject);
  return {
    kind: 'connect',
    ...base,
    // The id of connect is always 1 (RTMP 1.0 §7.2.1.1): without one the client waits for that.
    transactionId: base.transactionId || 1,
    app: text('app'),
    tcUrl: text('tcUrl'),
    pageUrl: text('pageUrl', pageUrlMaxLength),
    swfUrl: text('swfUrl', pageUrlMaxLength),
    objectEncoding: object.objectEncoding === 3 ? 3 : 0,
    enhanced,
    capsEx: enhanced?.capsEx ?? 0,
    commandObject,
    args: args.slice(1).filter((value) => fits(argsRoom, '', value)),
  };
}

/** Whether there is room for this value as well; takes the room. */
function fits(room: { bytes: number }, key: string, value: AmfValue): boolean {
  try {
    const bytes = encodeAmf0(key, value).length;
    if (bytes > room.bytes) return false;
    room.bytes -= bytes;
    return true;
  } catch {
    // Some values can be read and not be written as AMF0: too deep, or with keys too long.
    return false;
  }
}

/** The stream name of publish or play. Some clients put the stream into the app and leave this out. */
function streamNameOf(args: readonly AmfValue[]): string {
  const name = args[1];
  return typeof name === 'string' ? name : typeof name === 'number' ? String(name) : '';
}

function stringAt(args: readonly AmfValue[], index: number, otherwise: string): string {
  const value = args[index];
  return typeof value === 'string' ? value : otherwise;
}

function numberAt(args: readonly AmfValue[], index: number, otherwise: number): number {
  const value = args[index];
  return typeof value === 'number' && !Number.isNaN(value) ? value : otherwise;
}

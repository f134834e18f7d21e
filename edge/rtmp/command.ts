/**
 * Commands that clients send (RTMP 1.0 §7.2; releaseStream, FCPublish and FCUnpublish as FMLE and all encoders after it
 * send them), read once into a typed form. What servers send is in server-command.ts and exported here too.
 */

import { type AmfObject, type AmfValue, isAmfObject } from './amf0.ts';
import { type Command, parseCommand, printable } from './command-codec.ts';
import { type EnhancedCapabilities, parseCapabilities } from './enhanced.ts';
import { RtmpError } from './errors.ts';
import type { RtmpMessage } from './message.ts';

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
  readonly app: string;
  readonly tcUrl: string;
  readonly pageUrl: string;
  readonly swfUrl: string;
  readonly flashVer: string;
  /** 0: AMF0; 3: AMF3 too. */
  readonly objectEncoding: number;
  /** What the client announced of Enhanced RTMP; undefined: nothing. */
  readonly enhanced: EnhancedCapabilities | undefined;
  readonly fourCcList: readonly string[];
  readonly videoFourCcInfoMap: Readonly<Record<string, number>>;
  readonly audioFourCcInfoMap: Readonly<Record<string, number>>;
  readonly capsEx: number;
  /** As sent, for passing on. */
  readonly commandObject: AmfObject;
  /** The arguments behind the command object. */
  readonly args: AmfValue[];
}

export type ClientCommand =
  | ConnectCommand
  | (ClientCommandBase & { readonly kind: 'createStream' | 'closeStream' | 'checkBandwidth' })
  | (ClientCommandBase & {
      readonly kind: 'releaseStream' | 'FCPublish' | 'FCUnpublish' | 'getStreamLength';
      readonly streamName: string;
    })
  | (ClientCommandBase & {
      readonly kind: 'publish';
      readonly streamName: string;
      /** `live`, `record`, `append`, or whatever was sent. */
      readonly publishType: string;
    })
  | (ClientCommandBase & {
      readonly kind: 'play';
      readonly streamName: string;
      /** Seconds; -2: live, else recorded; -1: live only. */
      readonly start: number;
      /** Seconds; -1: all. */
      readonly duration: number;
      readonly reset: boolean;
    })
  | (ClientCommandBase & { readonly kind: 'pause'; readonly paused: boolean; readonly timeMs: number })
  | (ClientCommandBase & { readonly kind: 'seek'; readonly timeMs: number })
  | (ClientCommandBase & { readonly kind: 'deleteStream'; readonly deletedStreamId: number })
  | (ClientCommandBase & { readonly kind: 'other'; readonly name: string; readonly args: AmfValue[] });

/**
 * Reads a command of a client.
 *
 * @throws RtmpError 'bad-command' when a needed argument is missing or of the wrong type; AmfError
 */
export function parseClientCommand(message: RtmpMessage): ClientCommand {
  const command = parseCommand(message);
  const { name, transactionId, args } = command;
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
      return { kind: name, ...base, streamName: neededName(command), publishType: stringAt(args, 2, 'live') };
    case 'play':
      if (args[1] === false) return { kind: 'closeStream', ...base };
      return {
        kind: name,
        ...base,
        streamName: neededName(command),
        start: numberAt(args, 2, -2),
        duration: numberAt(args, 3, -1),
        reset: args[4] === undefined || args[4] === true || (typeof args[4] === 'number' && args[4] !== 0),
      };
    case 'pause':
    case 'pauseRaw':
      return { kind: 'pause', ...base, paused: args[1] !== false, timeMs: numberAt(args, 2, 0) };
    case 'seek':
      return { kind: name, ...base, timeMs: numberAt(args, 1, 0) };
    case 'deleteStream':
      return { kind: name, ...base, deletedStreamId: numberAt(args, 1, message.streamId) };
    default:
      return { kind: 'other', ...base, name, args };
  }
}

function parseConnect(
  base: { readonly transactionId: number; readonly streamId: number },
  args: AmfValue[],
): ConnectCommand {
  const [commandObject, ...rest] = args;
  if (!isAmfObject(commandObject)) throw new RtmpError('bad-command', 'connect without a command object');
  const text = (key: string): string => {
    const value = commandObject[key];
    return typeof value === 'string' ? value : '';
  };
  const enhanced = parseCapabilities(commandObject);
  return {
    kind: 'connect',
    ...base,
    app: text('app'),
    tcUrl: text('tcUrl'),
    pageUrl: text('pageUrl'),
    swfUrl: text('swfUrl'),
    flashVer: text('flashVer'),
    objectEncoding: commandObject.objectEncoding === 3 ? 3 : 0,
    enhanced,
    fourCcList: enhanced?.fourCcList ?? [],
    videoFourCcInfoMap: enhanced?.videoFourCcInfoMap ?? {},
    audioFourCcInfoMap: enhanced?.audioFourCcInfoMap ?? {},
    capsEx: enhanced?.capsEx ?? 0,
    commandObject,
    args: rest,
  };
}

/** The stream name of publish or play. It may be empty: some clients put the stream into the app. */
function neededName(command: Command): string {
  const name = command.args[1];
  if (typeof name === 'string') return name;
  throw new RtmpError('bad-command', `${printable(command.name)} without a stream name`);
}

function stringAt(args: readonly AmfValue[], index: number, otherwise: string): string {
  const value = args[index];
  return typeof value === 'string' ? value : otherwise;
}

function numberAt(args: readonly AmfValue[], index: number, otherwise: number): number {
  const value = args[index];
  return typeof value === 'number' && !Number.isNaN(value) ? value : otherwise;
}

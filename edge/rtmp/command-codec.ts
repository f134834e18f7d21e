/**
 * Command messages in general (RTMP 1.0 §7.1.1): a name, a transaction id, values. What the commands mean is in
 * command.ts (from clients) and server-command.ts (from servers).
 */

import { type AmfValue, decodeAmf0, encodeAmf0 } from './amf0.ts';
import { RtmpError } from './errors.ts';
import { MessageType, type RtmpMessage } from './message.ts';

export interface Command {
  readonly name: string;
  /** 0: no answer expected. */
  readonly transactionId: number;
  /** The command object (often null), then the rest. */
  readonly args: AmfValue[];
}

/**
 * Reads a command message, of type 20 (AMF0) or 17 (AMF0 behind a format byte, with AMF3 values inside).
 *
 * @throws RtmpError 'bad-command', AmfError
 */
export function parseCommand(message: RtmpMessage): Command {
  const { type, payload } = message;
  if (type !== MessageType.commandAmf0 && type !== MessageType.commandAmf3) {
    throw new RtmpError('bad-command', `message of type ${type} is no command`);
  }
  // A command begins with a string, so a zero can only be the format byte; some clients leave it out.
  const offset = type === MessageType.commandAmf3 && payload[0] === 0 ? 1 : 0;
  const [name, transactionId = 0, ...args] = decodeAmf0(payload, offset);
  if (typeof name !== 'string') throw new RtmpError('bad-command', 'command without a name');
  if (typeof transactionId !== 'number') {
    throw new RtmpError('bad-command', `command "${printable(name)}" whose transaction id is no number`);
  }
  return { name, transactionId, args };
}

/** A name that a peer sent, fit for a message or a log. */
export function printable(text: string): string {
  return JSON.stringify(text.slice(0, 80)).slice(1, -1);
}

/** Builds a command of type 20 with timestamp 0. `args` is the command object and what follows it. */
export function buildCommand(
  name: string,
  transactionId: number,
  args: readonly AmfValue[],
  streamId: number,
): RtmpMessage {
  const payload = encodeAmf0(name, transactionId, ...args);
  return { type: MessageType.commandAmf0, timestamp: 0, streamId, payload };
}

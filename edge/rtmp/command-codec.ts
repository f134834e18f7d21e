/**
 * Command messages in general (RTMP 1.0 §7.1.1): a name, a transaction id, values. What the commands mean is in
 * command.ts (from clients) and server-command.ts (from servers).
 *
 * Peers get much of this wrong and mean something nevertheless: what can be understood is taken.
 */

import { type AmfValue, encodeAmf0, isAmfObject, mayBeText, readAmf0 } from './amf0.ts';
import { MessageType, type RtmpMessage, type Unusable, unusable } from './message.ts';

export interface Command {
  readonly kind: 'command';
  readonly name: string;
  /** 0: no answer expected, or no id that could be read. */
  readonly transactionId: number;
  /** The command object (null where there is none), then the rest. */
  readonly args: AmfValue[];
}

const emptyCommand = unusable('an empty command');
const namelessCommand = unusable('a command without a name');

/**
 * Reads a command message, of type 20 (AMF0) or 17 (AMF0 behind a format byte, with AMF3 values inside). What is behind
 * the last value that can be read is ignored.
 */
export function parseCommand(message: RtmpMessage): Command | Unusable {
  const { payload } = message;
  // A command begins with a string, so a zero can only be the format byte; some clients leave it out, or put it everywhere.
  const offset = payload[0] === 0 ? 1 : 0;
  if (payload.length === offset) return emptyCommand;
  if (!mayBeText(payload, offset)) return namelessCommand;
  const [name, ...rest] = readAmf0(payload, offset).values;
  if (typeof name !== 'string' || name === '') return namelessCommand;
  const at = transactionIdAt(rest);
  const transactionId = at < 0 ? 0 : numberOf(rest[at]);
  const args = rest.slice(at + 1);
  if (args[0] !== null && args[0] !== undefined && !isAmfObject(args[0])) args.unshift(null);
  return { kind: 'command', name, transactionId, args };
}

/** 0 for what is no number. Objects and arrays may hold a `toString` that is no function: they are never converted. */
function numberOf(value: AmfValue): number {
  return (typeof value === 'number' || typeof value === 'string' ? Number(value) : 0) || 0;
}

/** Index of the transaction id among the values behind the name; -1: it is missing. */
function transactionIdAt(values: readonly AmfValue[]): -1 | 0 {
  const [first, second] = values;
  if (typeof first === 'number') return 0;
  if (isAmfObject(first)) return -1;
  // Something odd in its place, the command object behind it; or the command object itself, or even what follows that.
  const objectFollows = values.length > 1 && (second === null || second === undefined || isAmfObject(second));
  return objectFollows || (typeof first === 'string' && first.trim() !== '' && !Number.isNaN(Number(first))) ? 0 : -1;
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

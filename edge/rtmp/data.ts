/**
 * Data messages (RTMP 1.0 §7.1.2): metadata, captions, cue points. Encoders send them in four types, with and without
 * a format byte, and some as commands with a transaction id. They leave here in one form: type 18, the name first.
 */

import { mayBeText, readAmf0 } from './amf0.ts';
import { MessageType, type RtmpMessage, type Unusable, unusable } from './message.ts';

const setDataFrame = '@setDataFrame';

/** Commands of servers whose names look like those of data. */
const serverCommands = new Set([
  'onStatus',
  'onPlayStatus',
  'onBWDone',
  'onBWCheck',
  'onFCPublish',
  'onFCUnpublish',
  'onFCSubscribe',
  'onFCUnsubscribe',
]);

/** Whether a command of this name is data: `@setDataFrame`, `onMetaData`, `onTextData`, `onCuePoint` and the like. */
export function isDataName(name: string): boolean {
  return name === setDataFrame || name === '@clearDataFrame' || (/^on[A-Z]/.test(name) && !serverCommands.has(name));
}

const emptyData = unusable('an empty data message');
const namelessData = unusable('a data message without a name');

/**
 * The message as AMF0 data, without what is behind its last value: players give up a message that ends in the middle of
 * one. Of a command, without transaction id and command object.
 */
export function readData(message: RtmpMessage): RtmpMessage | Unusable {
  const { type, payload } = message;
  if (payload.length === 0) return emptyData;
  // Data begins with a name, so a zero can only be AMF3's format byte; some senders leave it out, or put it everywhere.
  const begin = payload[0] === 0 ? 1 : 0;
  if (!mayBeText(payload, begin)) return namelessData;
  const { values, offsets, fault } = readAmf0(payload, begin);
  const [name] = values;
  if (typeof name !== 'string') return namelessData;
  const names = name === setDataFrame && typeof values[1] === 'string' ? 2 : 1;
  const isCut = fault?.code === 'truncated' || fault?.code === 'unknown-marker';
  if (isCut && values.length === names) return unusable('a data message without a whole value');
  const end = isCut ? offsets[values.length] : payload.length;

  // `name, id, null, values` where `name, values` is meant.
  let skipped = 0;
  if (type === MessageType.commandAmf0 || type === MessageType.commandAmf3) {
    if (typeof values[1] === 'number' && values.length > 2) skipped = 1;
    const object = values[1 + skipped];
    if ((object === null || object === undefined) && values.length > 2 + skipped) skipped += 1;
  }
  const whole = type === MessageType.dataAmf0 && begin === 0 && end === payload.length && skipped === 0;
  if (whole) return message;
  const rest = payload.subarray(offsets[1 + skipped], end);
  const data =
    skipped === 0 ? payload.subarray(begin, end) : Buffer.concat([payload.subarray(begin, offsets[1]), rest]);
  return { ...message, type: MessageType.dataAmf0, payload: data };
}

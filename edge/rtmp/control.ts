/**
 * Protocol control messages (RTMP 1.0 §5.4) and user control messages (§6.2, §7.1.7): building and reading them.
 */

import { RtmpError } from './errors.ts';
import { MessageType, type RtmpMessage } from './message.ts';

/** SetPeerBandwidth (§5.4.5). */
export const LimitType = { hard: 0, soft: 1, dynamic: 2 } as const;
export type LimitType = (typeof LimitType)[keyof typeof LimitType];

/** User control event types (§7.1.7). */
const Event = {
  streamBegin: 0,
  streamEof: 1,
  streamDry: 2,
  setBufferLength: 3,
  streamIsRecorded: 4,
  pingRequest: 6,
  pingResponse: 7,
} as const;

/** A control message, read. Numbers are unsigned 32 bits; times are milliseconds. */
export type ControlMessage =
  | { readonly kind: 'setChunkSize'; readonly chunkSize: number }
  | { readonly kind: 'abort'; readonly csid: number }
  | { readonly kind: 'acknowledgement'; readonly sequenceNumber: number }
  | { readonly kind: 'windowAckSize'; readonly windowBytes: number }
  | { readonly kind: 'setPeerBandwidth'; readonly windowBytes: number; readonly limitType: number }
  | {
      readonly kind: 'streamBegin' | 'streamEof' | 'streamDry' | 'streamIsRecorded';
      readonly streamId: number;
    }
  | { readonly kind: 'setBufferLength'; readonly streamId: number; readonly bufferMs: number }
  | { readonly kind: 'pingRequest' | 'pingResponse'; readonly timestamp: number }
  /** An event of some product (SRS and FMS have their own): to be ignored. */
  | { readonly kind: 'otherEvent'; readonly event: number; readonly data: Buffer }
  /** No control message at all. */
  | { readonly kind: 'other'; readonly type: number };

function control(type: number, ...words: number[]): RtmpMessage {
  const payload = Buffer.allocUnsafe(4 * words.length);
  for (const [i, word] of words.entries()) payload.writeUInt32BE(word, 4 * i);
  return { type, timestamp: 0, streamId: 0, payload };
}

function userControl(event: number, ...words: number[]): RtmpMessage {
  const payload = Buffer.allocUnsafe(2 + 4 * words.length);
  payload.writeUInt16BE(event, 0);
  for (const [i, word] of words.entries()) payload.writeUInt32BE(word, 2 + 4 * i);
  return { type: MessageType.userControl, timestamp: 0, streamId: 0, payload };
}

/** "Our chunks are up to `chunkSize` bytes from the next one on." */
export function setChunkSize(chunkSize: number): RtmpMessage {
  return control(MessageType.setChunkSize, chunkSize);
}

/** "Forget the unfinished message of chunk stream `csid`." */
export function abort(csid: number): RtmpMessage {
  return control(MessageType.abort, csid);
}

/** "We have received `sequenceNumber` bytes so far", modulo 2^32. */
export function acknowledgement(sequenceNumber: number): RtmpMessage {
  return control(MessageType.acknowledgement, sequenceNumber);
}

/** "Acknowledge at least every `windowBytes` bytes." */
export function windowAckSize(windowBytes: number): RtmpMessage {
  return control(MessageType.windowAckSize, windowBytes);
}

/** "Have at most `windowBytes` bytes unacknowledged." */
export function setPeerBandwidth(windowBytes: number, limitType: LimitType): RtmpMessage {
  const payload = Buffer.allocUnsafe(5);
  payload.writeUInt32BE(windowBytes, 0);
  payload[4] = limitType;
  return { type: MessageType.setPeerBandwidth, timestamp: 0, streamId: 0, payload };
}

export function streamBegin(streamId: number): RtmpMessage {
  return userControl(Event.streamBegin, streamId);
}

export function streamEof(streamId: number): RtmpMessage {
  return userControl(Event.streamEof, streamId);
}

export function streamDry(streamId: number): RtmpMessage {
  return userControl(Event.streamDry, streamId);
}

/** A client's wish: buffer `bufferMs` milliseconds of the stream. */
export function setBufferLength(streamId: number, bufferMs: number): RtmpMessage {
  return userControl(Event.setBufferLength, streamId, bufferMs);
}

export function streamIsRecorded(streamId: number): RtmpMessage {
  return userControl(Event.streamIsRecorded, streamId);
}

/** To be answered by `pingResponse` with the same timestamp. */
export function pingRequest(timestamp: number): RtmpMessage {
  return userControl(Event.pingRequest, timestamp);
}

export function pingResponse(timestamp: number): RtmpMessage {
  return userControl(Event.pingResponse, timestamp);
}

/**
 * Reads a control message.
 *
 * @throws RtmpError 'bad-control' when it is shorter than its type demands.
 */
export function parseControl(message: RtmpMessage): ControlMessage {
  const { type, payload } = message;
  switch (type) {
    case MessageType.setChunkSize:
      return { kind: 'setChunkSize', chunkSize: word(message, 0) };
    case MessageType.abort:
      return { kind: 'abort', csid: word(message, 0) };
    case MessageType.acknowledgement:
      return { kind: 'acknowledgement', sequenceNumber: word(message, 0) };
    case MessageType.windowAckSize:
      return { kind: 'windowAckSize', windowBytes: word(message, 0) };
    case MessageType.setPeerBandwidth:
      // Senders that leave the limit type out mean a dynamic limit.
      return {
        kind: 'setPeerBandwidth',
        windowBytes: word(message, 0),
        limitType: payload[4] ?? LimitType.dynamic,
      };
    case MessageType.userControl:
      return parseUserControl(message);
    default:
      return { kind: 'other', type };
  }
}

function parseUserControl(message: RtmpMessage): ControlMessage {
  const { payload } = message;
  if (payload.length < 2) throw tooShort(message, 2);
  const event = payload.readUInt16BE(0);
  switch (event) {
    case Event.streamBegin:
      return { kind: 'streamBegin', streamId: word(message, 2) };
    case Event.streamEof:
      return { kind: 'streamEof', streamId: word(message, 2) };
    case Event.streamDry:
      return { kind: 'streamDry', streamId: word(message, 2) };
    case Event.streamIsRecorded:
      return { kind: 'streamIsRecorded', streamId: word(message, 2) };
    case Event.setBufferLength:
      return { kind: 'setBufferLength', streamId: word(message, 2), bufferMs: word(message, 6) };
    case Event.pingRequest:
      return { kind: 'pingRequest', timestamp: word(message, 2) };
    case Event.pingResponse:
      return { kind: 'pingResponse', timestamp: word(message, 2) };
    default:
      return { kind: 'otherEvent', event, data: payload.subarray(2) };
  }
}

function word(message: RtmpMessage, offset: number): number {
  if (message.payload.length < offset + 4) throw tooShort(message, offset + 4);
  return message.payload.readUInt32BE(offset);
}

function tooShort(message: RtmpMessage, expected: number): RtmpError {
  const what = `control message of type ${message.type} has ${message.payload.length} bytes`;
  return new RtmpError('bad-control', `${what}; ${expected} expected`);
}

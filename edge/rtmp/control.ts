/**
 * Protocol control messages (RTMP 1.0 §5.4) and user control messages (§6.2, §7.1.7): building and reading them.
 */

import { MessageType, type RtmpMessage, type Unusable, unusable } from './message.ts';

/** A limit of SetPeerBandwidth that is hard where the one before was, and else none (§5.4.5). */
const dynamicLimit = 2;

/** User control event types (§7.1.7). */
const Event = {
  streamBegin: 0,
  streamEof: 1,
  setBufferLength: 3,
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
  | { readonly kind: 'streamBegin' | 'streamEof'; readonly streamId: number }
  | { readonly kind: 'setBufferLength'; readonly streamId: number; readonly bufferMs: number }
  | { readonly kind: 'pingRequest' | 'pingResponse'; readonly timestamp: number }
  /** An event that tells us nothing (StreamDry, StreamIsRecorded, those of some products): to be ignored. */
  | { readonly kind: 'otherEvent'; readonly event: number }
  /** No control message at all. */
  | { readonly kind: 'other'; readonly type: number }
  /** Shorter than its type demands. */
  | Unusable;

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

/** "We have received `sequenceNumber` bytes so far", modulo 2^32. */
export function acknowledgement(sequenceNumber: number): RtmpMessage {
  return control(MessageType.acknowledgement, sequenceNumber);
}

/** "Acknowledge at least every `windowBytes` bytes." */
export function windowAckSize(windowBytes: number): RtmpMessage {
  return control(MessageType.windowAckSize, windowBytes);
}

/** "Have at most `windowBytes` bytes unacknowledged." */
export function setPeerBandwidth(windowBytes: number): RtmpMessage {
  const payload = Buffer.allocUnsafe(5);
  payload.writeUInt32BE(windowBytes, 0);
  payload[4] = dynamicLimit;
  return { type: MessageType.setPeerBandwidth, timestamp: 0, streamId: 0, payload };
}

export function streamBegin(streamId: number): RtmpMessage {
  return userControl(Event.streamBegin, streamId);
}

export function streamEof(streamId: number): RtmpMessage {
  return userControl(Event.streamEof, streamId);
}

/** A client's wish: buffer `bufferMs` milliseconds of the stream. */
export function setBufferLength(streamId: number, bufferMs: number): RtmpMessage {
  return userControl(Event.setBufferLength, streamId, bufferMs);
}

/** To be answered by `pingResponse` with the same timestamp. */
export function pingRequest(timestamp: number): RtmpMessage {
  return userControl(Event.pingRequest, timestamp);
}

export function pingResponse(timestamp: number): RtmpMessage {
  return userControl(Event.pingResponse, timestamp);
}

/** Reads a control message. */
export function parseControl(message: RtmpMessage): ControlMessage {
  const { type, payload } = message;
  if (type < MessageType.setChunkSize || type > MessageType.setPeerBandwidth) return { kind: 'other', type };
  if (type === MessageType.userControl) return parseUserControl(payload);
  if (payload.length < 4) return tooShort;
  const word = payload.readUInt32BE(0);
  switch (type) {
    case MessageType.setChunkSize:
      return { kind: 'setChunkSize', chunkSize: word };
    case MessageType.abort:
      return { kind: 'abort', csid: word };
    case MessageType.acknowledgement:
      return { kind: 'acknowledgement', sequenceNumber: word };
    case MessageType.windowAckSize:
      return { kind: 'windowAckSize', windowBytes: word };
    default:
      // Senders that leave the limit type out mean a dynamic limit.
      return { kind: 'setPeerBandwidth', windowBytes: word, limitType: payload[4] ?? dynamicLimit };
  }
}

const tooShort = unusable('a control message that is too short');

function parseUserControl(payload: Buffer): ControlMessage {
  if (payload.length < 2) return tooShort;
  const event = payload.readUInt16BE(0);
  const kind = eventKinds[event];
  if (kind === undefined) return { kind: 'otherEvent', event };
  if (payload.length < (kind === 'setBufferLength' ? 10 : 6)) return tooShort;
  const word = payload.readUInt32BE(2);
  switch (kind) {
    case 'setBufferLength':
      return { kind, streamId: word, bufferMs: payload.readUInt32BE(6) };
    case 'pingRequest':
    case 'pingResponse':
      return { kind, timestamp: word };
    default:
      return { kind, streamId: word };
  }
}

/** What each event is called here. */
const eventKinds: Readonly<Record<number, keyof typeof Event>> = Object.fromEntries(
  Object.entries(Event).map(([kind, event]) => [event, kind as keyof typeof Event]),
);

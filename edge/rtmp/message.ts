/**
 * An RTMP message: what the chunk stream carries (RTMP 1.0 §5.4 and §6.1).
 */

/** Message type ids (RTMP 1.0 §5.4, §6.2, §7.1). */
export const MessageType = {
  setChunkSize: 1,
  abort: 2,
  acknowledgement: 3,
  userControl: 4,
  windowAckSize: 5,
  setPeerBandwidth: 6,
  audio: 8,
  video: 9,
  dataAmf3: 15,
  commandAmf3: 17,
  dataAmf0: 18,
  commandAmf0: 20,
  aggregate: 22,
} as const;

/** One whole message. `payload` must not be changed by anyone once the message exists: it is shared. */
export interface RtmpMessage {
  /** One of `MessageType`, or a type unknown to us. */
  readonly type: number;
  /** Milliseconds, unsigned 32 bits, as on the wire. */
  readonly timestamp: number;
  /** The message stream it belongs to; 0 is the connection itself. */
  readonly streamId: number;
  readonly payload: Buffer;
}

/** A whole message that nobody can make anything of. What comes behind it can be read: it is passed over. */
export interface Unusable {
  readonly kind: 'unusable';
  /** What it is, for a log: "a command without a name". */
  readonly reason: string;
}

export function unusable(reason: string): Unusable {
  return { kind: 'unusable', reason };
}

/**
 * Messages into chunks (RTMP 1.0 §5.3.1). Only header types 0 and 1 begin a message, type 3 continues it. The extended
 * timestamp is repeated in every type 3 chunk, as Adobe's products, librtmp, FFmpeg and SRS do.
 */

/** The chunk streams we send on. Any number does; these are the ones players are used to. */
export const ChunkStreamId = { control: 2, command: 3, audio: 4, data: 5, video: 6 } as const;

/** Values from here on go into the extended timestamp (§5.3.1.3). */
const extendedFrom = 0xffffff;

function basicHeaderSize(csid: number): number {
  return csid < 64 ? 1 : csid < 320 ? 2 : 3;
}

/**
 * Bytes that `writeMessage` writes for such a message. `timeField` is the absolute timestamp for header type 0, the
 * difference to the message before on the same chunk stream for type 1; both in milliseconds, unsigned 32 bits.
 */
export function messageSize(
  payloadLength: number,
  headerType: 0 | 1,
  csid: number,
  timeField: number,
  chunkSize: number,
): number {
  const extended = timeField >= extendedFrom ? 4 : 0;
  const continuations = payloadLength > chunkSize ? Math.ceil(payloadLength / chunkSize) - 1 : 0;
  const header = messageHeaderSize(headerType, csid, timeField);
  return header + payloadLength + continuations * (basicHeaderSize(csid) + extended);
}

/** Bytes before the first byte of the payload. */
export function messageHeaderSize(headerType: 0 | 1, csid: number, timeField: number): number {
  return basicHeaderSize(csid) + (headerType === 0 ? 11 : 7) + (timeField >= extendedFrom ? 4 : 0);
}

/**
 * Writes one message at `offset` of `target`, which must have room for `messageSize` bytes; returns the offset behind
 * it. A header of type 1 leaves the message stream id out: it must be that of the message before on `csid`.
 */
export function writeMessage(
  target: Buffer,
  offset: number,
  headerType: 0 | 1,
  csid: number,
  timeField: number,
  type: number,
  streamId: number,
  payload: Buffer,
  chunkSize: number,
): number {
  const at = writeMessageHeader(target, offset, headerType, csid, timeField, payload.length, type, streamId);
  return writePayload(target, at, csid, timeField, payload, 0, payload.length, chunkSize);
}

/**
 * Writes what stands behind a message's header: its payload, which is a part of `source`, cut into chunks. Returns the
 * offset behind it.
 */
export function writePayload(
  target: Buffer,
  offset: number,
  csid: number,
  timeField: number,
  source: Buffer,
  start: number,
  end: number,
  chunkSize: number,
): number {
  let at = offset;
  let from = start;
  while (end - from > chunkSize) {
    source.copy(target, at, from, from + chunkSize);
    from += chunkSize;
    at = writeBasicHeader(target, at + chunkSize, 3, csid);
    if (timeField >= extendedFrom) at = target.writeUInt32BE(timeField, at);
  }
  if (end > from) source.copy(target, at, from, end);
  return at + end - from;
}

/** Writes what stands before the first byte of the payload; returns the offset behind it. */
export function writeMessageHeader(
  target: Buffer,
  offset: number,
  headerType: 0 | 1,
  csid: number,
  timeField: number,
  length: number,
  type: number,
  streamId: number,
): number {
  const extended = timeField >= extendedFrom;
  const field = extended ? extendedFrom : timeField;
  let at = writeBasicHeader(target, offset, headerType, csid);
  target[at] = field >>> 16;
  target[at + 1] = field >>> 8;
  target[at + 2] = field;
  target[at + 3] = length >>> 16;
  target[at + 4] = length >>> 8;
  target[at + 5] = length;
  target[at + 6] = type;
  at += 7;
  if (headerType === 0) {
    target[at] = streamId; // The one little-endian field of RTMP.
    target[at + 1] = streamId >>> 8;
    target[at + 2] = streamId >>> 16;
    target[at + 3] = streamId >>> 24;
    at += 4;
  }
  return extended ? target.writeUInt32BE(timeField, at) : at;
}

function writeBasicHeader(target: Buffer, offset: number, format: number, csid: number): number {
  const bits = format << 6;
  if (csid < 64) {
    target[offset] = bits | csid;
    return offset + 1;
  }
  const id = csid - 64;
  if (csid < 320) {
    target[offset] = bits;
    target[offset + 1] = id;
    return offset + 2;
  }
  target[offset] = bits | 1;
  target[offset + 1] = id;
  target[offset + 2] = id >>> 8;
  return offset + 3;
}

/** One whole message with a type 0 header, which stands on its own whatever was sent before on `csid`. */
export function encodeMessage(
  message: { readonly type: number; readonly timestamp: number; readonly streamId: number; readonly payload: Buffer },
  csid: number,
  chunkSize: number,
): Buffer {
  const { type, timestamp, streamId, payload } = message;
  const target = Buffer.allocUnsafe(messageSize(payload.length, 0, csid, timestamp, chunkSize));
  writeMessage(target, 0, 0, csid, timestamp, type, streamId, payload, chunkSize);
  return target;
}

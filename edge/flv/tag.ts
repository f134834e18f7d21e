/**
 * FLV files and tags (FLV 10.1 §E.2, §E.3, §E.4.1): writing them.
 */

const fileHeaderBytes = 9;
const tagHeaderBytes = 11;
const previousTagSizeBytes = 4;

/** The beginning of an FLV file or stream: the header and the first PreviousTagSize, 13 bytes. */
export function flvHeader(has: { readonly audio: boolean; readonly video: boolean }): Buffer {
  const flags = (has.audio ? 0x04 : 0) | (has.video ? 0x01 : 0);
  return Buffer.from([0x46, 0x4c, 0x56, 1, flags, 0, 0, 0, fileHeaderBytes, 0, 0, 0, 0]);
}

/** FLV's tag type for messages. */
const scriptTag = 18;

/** A tag for messages: a name and values in AMF 0. Its time is 0: players count time by audio and video. */
export function messageTag(payload: Buffer): Buffer {
  const bytes = Buffer.alloc(tagSize(payload.length));
  writeTag(bytes, 0, scriptTag, 0, payload);
  return bytes;
}

/** Bytes of a tag with such a payload, its PreviousTagSize included. */
export function tagSize(payloadLength: number): number {
  return tagHeaderBytes + payloadLength + previousTagSizeBytes;
}

/**
 * Writes a tag and its PreviousTagSize at `offset` of `target`, which must have room for `tagSize` bytes; returns the
 * offset behind. `timestamp` is in milliseconds, 32 bits of it are written. RTMP's message types are FLV's tag types.
 * The payload is `source`, or a part of it.
 */
export function writeTag(
  target: Buffer,
  offset: number,
  type: number,
  timestamp: number,
  source: Buffer,
  start = 0,
  end: number = source.length,
): number {
  const length = end - start;
  target[offset] = type;
  target[offset + 1] = length >>> 16;
  target[offset + 2] = length >>> 8;
  target[offset + 3] = length;
  target[offset + 4] = timestamp >>> 16;
  target[offset + 5] = timestamp >>> 8;
  target[offset + 6] = timestamp;
  target[offset + 7] = timestamp >>> 24; // The upper 8 bits come last.
  target[offset + 8] = 0;
  target[offset + 9] = 0;
  target[offset + 10] = 0;
  const body = offset + tagHeaderBytes;
  if (length > 0) source.copy(target, body, start, end);
  return target.writeUInt32BE(tagHeaderBytes + length, body + length);
}

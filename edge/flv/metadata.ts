/**
 * Data messages that carry stream metadata (FLV 10.1 §E.5; RTMP 1.0 §7.1.2), told by their names alone. A publisher
 * sends `@setDataFrame`, `onMetaData`, an ECMA array; players get `onMetaData`, the array, byte for byte the same.
 */

const setDataFrame = amf0String('@setDataFrame');
const onMetaData = amf0String('onMetaData');

function amf0String(text: string): Buffer {
  return Buffer.concat([Buffer.from([0x02, 0, text.length]), Buffer.from(text, 'latin1')]);
}

function startsWith(payload: Buffer, prefix: Buffer): boolean {
  return payload.length >= prefix.length && payload.compare(prefix, 0, prefix.length, 0, prefix.length) === 0;
}

/**
 * The payload without a leading `@setDataFrame`: a view of the rest, or `payload` itself. For AMF0 data messages; of an
 * AMF3 one (type 15), pass what is behind its first byte.
 */
export function stripSetDataFrame(payload: Buffer): Buffer {
  return startsWith(payload, setDataFrame) ? payload.subarray(setDataFrame.length) : payload;
}

/** The payload as players want it when it is metadata (`onMetaData`, with or without `@setDataFrame`), else undefined. */
export function metadataPayload(payload: Buffer): Buffer | undefined {
  const rest = stripSetDataFrame(payload);
  return startsWith(rest, onMetaData) ? rest : undefined;
}

/** Data messages by which servers speak to players; they are no part of a stream. */
const serverNotices = [amf0String('|RtmpSampleAccess'), amf0String('onStatus')];

/** Whether an AMF0 data message is a server's own: it ends at whoever is connected to that server. */
export function isServerNotice(payload: Buffer): boolean {
  return serverNotices.some((notice) => startsWith(payload, notice));
}

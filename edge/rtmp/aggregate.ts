/**
 * Aggregate messages (RTMP 1.0 §7.1.6): several messages in one, laid out like FLV tags.
 */

import type { RtmpMessage } from './message.ts';

const partHeaderBytes = 11;
const backPointerBytes = 4;
/** Servers put some dozens of messages into one; more than this would only keep us busy. */
const partsMax = 4096;

interface Aggregate {
  /** The messages within, their payloads views of the aggregate's. */
  readonly parts: readonly RtmpMessage[];
  /** Why there is something behind them that could not be used. */
  readonly fault: string | undefined;
}

/**
 * Takes an aggregate apart. Parts get its stream id, and timestamps moved so that the first one has the aggregate's.
 * What comes behind the last whole part is left out.
 */
export function splitAggregate(message: RtmpMessage): Aggregate {
  const { payload, streamId } = message;
  const parts: RtmpMessage[] = [];
  let shift: number | undefined;
  let at = 0;
  while (at < payload.length) {
    const body = at + partHeaderBytes;
    const end = body <= payload.length ? body + payload.readUIntBE(at + 1, 3) : body;
    if (end > payload.length) return { parts, fault: 'bytes behind the last part of an aggregate' };
    if (parts.length === partsMax) return { parts, fault: `an aggregate of more than ${partsMax} parts` };
    const time = payload.readUIntBE(at + 4, 3) + payload.readUInt8(at + 7) * 0x1000000;
    shift ??= message.timestamp - time;
    const timestamp = (time + shift) >>> 0;
    parts.push({ type: payload.readUInt8(at), timestamp, streamId, payload: payload.subarray(body, end) });
    at = end + backPointerBytes; // The last back pointer may be missing; nothing depends on it.
  }
  return { parts, fault: undefined };
}

/**
 * Aggregate messages (RTMP 1.0 §7.1.6): several messages in one, laid out like FLV tags.
 */

import { RtmpError } from './errors.ts';
import type { RtmpMessage } from './message.ts';

const partHeaderBytes = 11;
const backPointerBytes = 4;

/**
 * The messages within, their payloads views of the aggregate's. They get the aggregate's stream id, and timestamps
 * moved so that the first one has the aggregate's.
 *
 * @throws RtmpError 'bad-aggregate' when a part goes past the end.
 */
export function splitAggregate(message: RtmpMessage): RtmpMessage[] {
  const { payload, streamId } = message;
  const parts: RtmpMessage[] = [];
  let shift: number | undefined;
  let at = 0;
  while (at < payload.length) {
    const body = at + partHeaderBytes;
    const end = body <= payload.length ? body + payload.readUIntBE(at + 1, 3) : body;
    if (end > payload.length) {
      throw new RtmpError('bad-aggregate', `part ${parts.length + 1} ends at byte ${end} of ${payload.length}`);
    }
    const time = payload.readUIntBE(at + 4, 3) + payload.readUInt8(at + 7) * 0x1000000;
    shift ??= message.timestamp - time;
    const timestamp = (time + shift) >>> 0;
    parts.push({ type: payload.readUInt8(at), timestamp, streamId, payload: payload.subarray(body, end) });
    at = end + backPointerBytes; // The last back pointer may be missing; nothing depends on it.
  }
  return parts;
}

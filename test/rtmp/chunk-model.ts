/**
 * A chunk stream written the long way, from RTMP 1.0 §5.3.1 and independently of edge/rtmp/chunk-writer.ts: any header
 * type that is allowed, chunks of several messages interleaved, extended timestamps repeated in type 3 chunks or not,
 * chunk sizes that change and messages that are aborted on the way.
 */

import type { RtmpMessage } from '../../edge/rtmp/message.ts';

export interface PlannedMessage {
  csid: number;
  type: number;
  /** Added to the timestamp of the message before on the same chunk stream, modulo 2^32. */
  step: number;
  streamId: number;
  length: number;
  fill: number;
  /** The header type to use if it is possible. */
  wish: number;
}

export interface Plan {
  messages: PlannedMessage[];
  /** Which of the chunk streams with something to send comes next; used round and round. */
  turns: number[];
  repeatExtended: boolean;
  chunkSizes: number[];
  /** Every so many chunks the chunk size changes. */
  changeEvery: number;
  /** Every so many chunks a message that has begun is aborted; 0 never. */
  abortEvery: number;
}

interface Sender {
  csid: number;
  queue: PlannedMessage[];
  timestamp: number;
  delta: number;
  extended: boolean;
  field: number;
  length: number;
  type: number;
  streamId: number;
  fresh: boolean;
  current: { message: RtmpMessage; sent: number } | undefined;
}

/** The bytes of a plan, and the messages that a reader must deliver, in order. */
export function encodePlan(plan: Plan): { bytes: Buffer; expected: RtmpMessage[] } {
  const parts: Buffer[] = [];
  const expected: RtmpMessage[] = [];
  const senders = new Map<number, Sender>();
  for (const message of plan.messages) {
    let sender = senders.get(message.csid);
    if (sender === undefined) {
      sender = { ...blank, csid: message.csid, queue: [] };
      senders.set(message.csid, sender);
    }
    sender.queue.push(message);
  }
  const control: Sender = { ...blank, csid: 2, queue: [] };
  let chunkSize = 128;
  let chunks = 0;
  const sendControl = (type: number, word: number): void => {
    const payload = Buffer.alloc(4);
    payload.writeUInt32BE(word);
    control.current = { message: { type, timestamp: 0, streamId: 0, payload }, sent: 0 };
    writeChunk(parts, control, 0, 0, Number.MAX_SAFE_INTEGER, true);
    control.current = undefined;
  };
  for (let turn = 0; ; turn++) {
    const ready = [...senders.values()].filter((s) => s.current !== undefined || s.queue.length > 0);
    if (ready.length === 0) break;
    const sender = ready[plan.turns[turn % plan.turns.length]! % ready.length]!;
    if (++chunks % plan.changeEvery === 0 && chunkSize > 4) {
      const next = plan.chunkSizes[(chunks / plan.changeEvery) % plan.chunkSizes.length]!;
      if (chunkSize >= 4) {
        sendControl(1, next);
        chunkSize = next;
      }
    }
    if (sender.current === undefined) {
      const planned = sender.queue.shift()!;
      const timestamp = (sender.timestamp + planned.step) % 2 ** 32;
      const payload = Buffer.alloc(planned.length);
      for (let i = 0; i < payload.length; i++) payload[i] = planned.fill + i * 7;
      const message = { type: planned.type, timestamp, streamId: planned.streamId, payload };
      sender.current = { message, sent: 0 };
      writeChunk(parts, sender, planned.wish, planned.step, chunkSize, plan.repeatExtended);
    } else {
      writeChunk(parts, sender, 3, 0, chunkSize, plan.repeatExtended);
    }
    const { message, sent } = sender.current;
    if (sent === message.payload.length) {
      expected.push(message);
      sender.current = undefined;
    } else if (plan.abortEvery > 0 && chunks % plan.abortEvery === 0) {
      sendControl(2, sender.csid);
      sender.current = undefined;
    }
  }
  // Where a chunk of a few bytes looks like the beginning of a repeated timestamp, a reader waits for what comes next.
  sendControl(1, chunkSize);
  return { bytes: Buffer.concat(parts), expected };
}

const blank = {
  timestamp: 0,
  delta: 0,
  extended: false,
  field: 0,
  length: 0,
  type: 0,
  streamId: 0,
  fresh: true,
  current: undefined,
};

function writeChunk(
  parts: Buffer[],
  sender: Sender,
  wish: number,
  step: number,
  chunkSize: number,
  repeatExtended: boolean,
): void {
  const current = sender.current!;
  const { message, sent } = current;
  const end = Math.min(message.payload.length, sent + chunkSize);
  const continues = sent > 0;
  const format = continues ? 3 : bestFormat(sender, message, step, wish);
  parts.push(basicHeader(format, sender.csid));
  if (format < 3) {
    const field = format === 0 ? message.timestamp : step;
    sender.extended = field >= 0xffffff;
    sender.field = field;
    sender.delta = format === 0 && sender.extended ? 0 : field;
    const header = Buffer.alloc([11, 7, 3][format]!);
    header.writeUIntBE(sender.extended ? 0xffffff : field, 0, 3);
    if (format < 2) {
      header.writeUIntBE(message.payload.length, 3, 3);
      header[6] = message.type;
    }
    if (format === 0) header.writeUInt32LE(message.streamId, 7);
    parts.push(header);
  }
  if (sender.extended && (format < 3 || repeatExtended)) {
    const extended = Buffer.alloc(4);
    extended.writeUInt32BE(sender.field);
    parts.push(extended);
  }
  parts.push(message.payload.subarray(sent, end));
  current.sent = end;
  sender.fresh = false;
  sender.timestamp = message.timestamp;
  sender.length = message.payload.length;
  sender.type = message.type;
  sender.streamId = message.streamId;
}

function bestFormat(sender: Sender, message: RtmpMessage, step: number, wish: number): number {
  if (sender.fresh || message.streamId !== sender.streamId) return 0;
  if (message.payload.length !== sender.length || message.type !== sender.type) return Math.min(wish, 1);
  return Math.min(wish, step === sender.delta ? 3 : 2);
}

function basicHeader(format: number, csid: number): Buffer {
  if (csid < 64) return Buffer.from([(format << 6) | csid]);
  if (csid < 320) return Buffer.from([format << 6, csid - 64]);
  return Buffer.from([(format << 6) | 1, (csid - 64) & 0xff, (csid - 64) >> 8]);
}

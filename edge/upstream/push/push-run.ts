/**
 * A run of a publisher's messages as an origin is sent them (RTMP 1.0 §5.3.1): encoded once, written at once, and kept
 * in this form for the next origin. Every message has a type-0 header with the publisher's own time.
 */

import { ChunkReader } from '../../rtmp/chunk-reader.ts';
import { ChunkStreamId, messageSize, writeMessage } from '../../rtmp/chunk-writer.ts';
import { MessageType, type RtmpMessage } from '../../rtmp/message.ts';

export interface PushRun {
  readonly bytes: Buffer;
  /** Timestamps of the first and the last message. */
  readonly firstTimestamp: number;
  readonly lastTimestamp: number;
}

/** The message stream that origins give to the first `createStream` of a connection, as a rule. */
const usualStreamId = 1;

/** @param messages at least one */
export function encodeRun(messages: readonly RtmpMessage[], chunkSize: number): PushRun {
  return {
    bytes: encode(messages, chunkSize, usualStreamId),
    firstTimestamp: messages[0]?.timestamp ?? 0,
    lastTimestamp: messages.at(-1)?.timestamp ?? 0,
  };
}

/** The run's bytes for an origin that gave this message stream. */
export function bytesFor(streamId: number, run: PushRun, chunkSize: number): Buffer {
  if (streamId === usualStreamId) return run.bytes;
  const messages: RtmpMessage[] = [];
  new ChunkReader({ chunkSize }).push(run.bytes, (message) => messages.push(message));
  return encode(messages, chunkSize, streamId);
}

function encode(messages: readonly RtmpMessage[], chunkSize: number, streamId: number): Buffer {
  let size = 0;
  for (const { payload, timestamp, type } of messages) {
    size += messageSize(payload.length, 0, chunkStreamOf(type), timestamp, chunkSize);
  }
  // Kept for a whole GOP: not from the pool, whose slabs would live as long.
  const bytes = Buffer.allocUnsafeSlow(size);
  let offset = 0;
  for (const { payload, timestamp, type } of messages) {
    const csid = chunkStreamOf(type);
    offset = writeMessage(bytes, offset, 0, csid, timestamp, type, streamId, payload, chunkSize);
  }
  return bytes;
}

function chunkStreamOf(type: number): number {
  if (type === MessageType.audio) return ChunkStreamId.audio;
  return type === MessageType.video ? ChunkStreamId.video : ChunkStreamId.data;
}

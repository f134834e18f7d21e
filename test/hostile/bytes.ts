/** Bytes that hostile clients write without having read a word. */

import type { AmfObject, AmfValue } from '../../edge/rtmp/amf0.ts';
import { ChunkStreamId, encodeMessage } from '../../edge/rtmp/chunk-writer.ts';
import { buildCommand } from '../../edge/rtmp/command.ts';
import { MessageType, type RtmpMessage } from '../../edge/rtmp/message.ts';

const initialChunkSize = 128;
const handshakePacketBytes = 1536;

/** C0, C1 and C2 of the plain handshake: nothing in them depends on what the server says. */
export const handshake: Buffer = Buffer.concat([Buffer.from([3]), Buffer.alloc(2 * handshakePacketBytes)]);

export function command(name: string, transactionId: number, streamId: number, ...args: AmfValue[]): Buffer {
  return encodeMessage(buildCommand(name, transactionId, args, streamId), ChunkStreamId.command, initialChunkSize);
}

export function connect(properties: AmfObject = {}): Buffer {
  return command('connect', 1, 0, { app: 'live', tcUrl: 'rtmp://127.0.0.1/live', ...properties });
}

export const createStream: Buffer = command('createStream', 2, 0, null);

/** Everything up to and with a command of the stream. */
export function upTo(name: 'play' | 'publish', stream: string): Buffer {
  return Buffer.concat([handshake, connect(), createStream, command(name, 0, 1, null, stream, 'live')]);
}

/** A message on chunk stream 2, in chunks of the first size. */
export function control(message: RtmpMessage): Buffer {
  return encodeMessage(message, ChunkStreamId.control, initialChunkSize);
}

export const videoType = MessageType.video;

/** The header of a message that announces `length` bytes; what follows is up to the sender. */
export function messageHeader(csid: number, type: number, length: number, streamId: number): Buffer {
  const header = Buffer.alloc(12);
  header[0] = csid;
  header.writeUIntBE(length, 4, 3);
  header[7] = type;
  header.writeUInt32LE(streamId, 8);
  return header;
}

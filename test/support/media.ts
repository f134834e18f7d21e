/**
 * Media messages as encoders send them (FLV 10.1 §E.4.2, §E.4.3, §E.5), small and told apart by their bytes.
 * Timestamps are milliseconds on the source's clock.
 */

import { ecmaArray, encodeAmf0 } from '../../edge/rtmp/amf0.ts';
import { MessageType, type RtmpMessage } from '../../edge/rtmp/message.ts';

const streamId = 1;

/** Bytes that differ for each `id`, at both ends as compressed media do: the id itself, and a pattern between. */
function body(id: number, size: number): Buffer {
  const bytes = Buffer.alloc(Math.max(4, size), id & 0xff);
  bytes.writeUInt32BE(id >>> 0);
  bytes.writeUInt32BE(id >>> 0, bytes.length - 4);
  return bytes;
}

function message(type: number, timestamp: number, payload: Buffer): RtmpMessage {
  return { type, timestamp: timestamp % 2 ** 32, streamId, payload };
}

/** AVCDecoderConfigurationRecord; `version` makes it another one. */
export function videoHeader(timestamp: number, version = 0): RtmpMessage {
  const record = [
    0x01,
    0x42,
    0xc0,
    0x1e,
    0xff,
    0xe1,
    0x00,
    0x04,
    0x67,
    0x42,
    0xc0,
    version,
    0x01,
    0x00,
    0x02,
    0x68,
    0xce,
  ];
  return message(MessageType.video, timestamp, Buffer.from([0x17, 0, 0, 0, 0, ...record]));
}

/** An IDR picture. */
export function keyframe(timestamp: number, id = timestamp, size = 40): RtmpMessage {
  return message(MessageType.video, timestamp, Buffer.concat([Buffer.from([0x17, 1, 0, 0, 0]), body(id, size)]));
}

/** A picture that depends on those before it. */
export function interFrame(timestamp: number, id = timestamp, size = 20): RtmpMessage {
  return message(MessageType.video, timestamp, Buffer.concat([Buffer.from([0x27, 1, 0, 0, 0]), body(id, size)]));
}

/** AudioSpecificConfig of AAC-LC, 44.1 kHz stereo; `version` makes it another one. */
export function audioHeader(timestamp: number, version = 0): RtmpMessage {
  return message(MessageType.audio, timestamp, Buffer.from([0xaf, 0, 0x12, 0x10, version]));
}

/** One raw AAC frame. */
export function audioFrame(timestamp: number, id = timestamp, size = 12): RtmpMessage {
  return message(MessageType.audio, timestamp, Buffer.concat([Buffer.from([0xaf, 1]), body(id, size)]));
}

/** `@setDataFrame onMetaData`, as publishers send it. */
export function metadata(timestamp: number, properties: Record<string, number | string> = { width: 640 }): RtmpMessage {
  return message(MessageType.dataAmf0, timestamp, encodeAmf0('@setDataFrame', 'onMetaData', ecmaArray(properties)));
}

/** A data message that is no metadata, as for cue points. */
export function dataMessage(timestamp: number, id = timestamp): RtmpMessage {
  return message(MessageType.dataAmf0, timestamp, encodeAmf0('onTextData', { id }));
}

export interface ClipOptions {
  /** Timestamp of the first frame; default 0. */
  readonly startMs?: number;
  readonly gops?: number;
  readonly framesPerGop?: number;
  /** Distance between pictures; there is one audio frame for each. Default 40. */
  readonly stepMs?: number;
  /** Set in every payload, so that clips of different seeds share no frame. Below 256. */
  readonly seed?: number;
}

/** Metadata, sequence headers, then GOPs of pictures with an audio frame behind each. */
export function clip(options: ClipOptions = {}): RtmpMessage[] {
  const { startMs = 0, gops = 2, framesPerGop = 5, stepMs = 40, seed = 0 } = options;
  const messages = [metadata(startMs), videoHeader(startMs), audioHeader(startMs)];
  for (let index = 0; index < gops * framesPerGop; index++) {
    const timestamp = startMs + index * stepMs;
    const id = seed * 2 ** 24 + index;
    messages.push(index % framesPerGop === 0 ? keyframe(timestamp, id) : interFrame(timestamp, id));
    messages.push(audioFrame(timestamp + 3, id));
  }
  return messages;
}

/**
 * Enhanced RTMP messages around frames of real encoders (Enhanced RTMP v2: ExVideoTagHeader, ExAudioTagHeader, ModEx,
 * Multitrack). FFmpeg's own FLV writer is too old for them in the Debian of these tests.
 */

import { join } from 'node:path';
import { MessageType, type RtmpMessage } from '../../edge/rtmp/message.ts';
import { type PacketData, readPackets } from '../support/ffmpeg.ts';
import { run } from '../support/programs.ts';

const PacketType = {
  sequenceStart: 0,
  codedFrames: 1,
  codedFramesX: 3,
  audioMultitrack: 5,
  videoMultitrack: 6,
  modEx: 7,
};
const MultitrackType = { oneTrack: 0, manyTracksManyCodecs: 2 };
const FrameType = { key: 1, inter: 2 };

/** One second of a test picture and a sine wave, as its packets. */
export interface Encoded {
  readonly videoConfig: Buffer;
  readonly audioConfig: Buffer;
  readonly packets: readonly PacketData[];
}

/** Encodes with a key frame every ten pictures. */
export function encode(directory: string, videoEncoder: string, audioEncoder: string): Encoded {
  const file = join(directory, `${videoEncoder}-${audioEncoder}.mp4`);
  run('ffmpeg', [
    ...['-v', 'error', '-f', 'lavfi', '-i', 'testsrc=size=160x90:rate=25'],
    ...['-f', 'lavfi', '-i', 'sine=sample_rate=48000', '-t', '1', '-pix_fmt', 'yuv420p', '-g', '10'],
    ...['-c:v', videoEncoder, '-c:a', audioEncoder, '-ac', '2', '-strict', '-2', file],
  ]);
  const { streams, packets } = readPackets(file);
  const config = (kind: string): Buffer => streams.find((stream) => stream.kind === kind)?.extradata ?? Buffer.alloc(0);
  return {
    videoConfig: config('video'),
    audioConfig: config('audio'),
    packets: packets.toSorted((a, b) => a.dtsMs - b.dtsMs),
  };
}

function videoByte(isKey: boolean, packetType: number): number {
  return 0x80 | ((isKey ? FrameType.key : FrameType.inter) << 4) | packetType;
}

function audioByte(packetType: number): number {
  return 0x90 | packetType;
}

function message(
  type: number,
  timestamp: number,
  ...parts: readonly (Buffer | string | readonly number[])[]
): RtmpMessage {
  const payload = Buffer.concat(
    parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : Buffer.from(part))),
  );
  return { type, timestamp, streamId: 1, payload };
}

export function videoStart(timestamp: number, fourCc: string, config: Buffer): RtmpMessage {
  return message(MessageType.video, timestamp, [videoByte(true, PacketType.sequenceStart)], fourCc, config);
}

export function audioStart(timestamp: number, fourCc: string, config: Buffer): RtmpMessage {
  return message(MessageType.audio, timestamp, [audioByte(PacketType.sequenceStart)], fourCc, config);
}

/** A picture; only HEVC (and AVC) say when it is shown, unless that is at once. */
export function videoFrame(timestamp: number, fourCc: string, { isKey, data, ptsMs, dtsMs }: PacketData): RtmpMessage {
  const offsetMs = ptsMs - dtsMs;
  if (fourCc !== 'hvc1') {
    return message(MessageType.video, timestamp, [videoByte(isKey, PacketType.codedFrames)], fourCc, data);
  }
  if (offsetMs === 0) {
    return message(MessageType.video, timestamp, [videoByte(isKey, PacketType.codedFramesX)], fourCc, data);
  }
  const offset = Buffer.alloc(3);
  offset.writeIntBE(offsetMs, 0, 3);
  return message(MessageType.video, timestamp, [videoByte(isKey, PacketType.codedFrames)], fourCc, offset, data);
}

export function audioFrame(timestamp: number, fourCc: string, { data }: PacketData): RtmpMessage {
  return message(MessageType.audio, timestamp, [audioByte(PacketType.codedFrames)], fourCc, data);
}

/** A picture behind a ModEx that says so many nanoseconds more (TimestampOffsetNano). */
export function videoFrameWithNanoOffset(
  timestamp: number,
  fourCc: string,
  { isKey, data }: PacketData,
  nanoseconds: number,
): RtmpMessage {
  const offset = Buffer.alloc(3);
  offset.writeUIntBE(nanoseconds, 0, 3);
  const modEx = [videoByte(isKey, PacketType.modEx), offset.length - 1, ...offset, PacketType.codedFrames];
  return message(MessageType.video, timestamp, modEx, fourCc, data);
}

export interface TrackPart {
  readonly track: number;
  readonly fourCc: string;
  readonly data: Buffer;
}

/** Several video tracks of different codecs in one message: their configurations, or one picture of each. */
export function videoTracks(
  timestamp: number,
  what: 'start' | 'key' | 'inter',
  parts: readonly TrackPart[],
): RtmpMessage {
  const packetType = what === 'start' ? PacketType.sequenceStart : PacketType.codedFrames;
  const head = [
    videoByte(what !== 'inter', PacketType.videoMultitrack),
    (MultitrackType.manyTracksManyCodecs << 4) | packetType,
  ];
  const bodies = parts.map(({ track, fourCc, data }) => {
    const size = Buffer.alloc(3);
    size.writeUIntBE(data.length, 0, 3);
    return Buffer.concat([Buffer.from(fourCc, 'latin1'), Buffer.from([track]), size, data]);
  });
  return message(MessageType.video, timestamp, head, ...bodies);
}

/** One further audio track, in a message of its own. */
export function audioTrack(
  timestamp: number,
  what: 'start' | 'frame',
  { track, fourCc, data }: TrackPart,
): RtmpMessage {
  const packetType = what === 'start' ? PacketType.sequenceStart : PacketType.codedFrames;
  const head = [audioByte(PacketType.audioMultitrack), (MultitrackType.oneTrack << 4) | packetType];
  return message(MessageType.audio, timestamp, head, fourCc, [track], data);
}

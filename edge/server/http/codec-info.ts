/**
 * What the API says of a stream's codecs, read from its headers: SRS's `video` and `audio` objects.
 * AVC: ISO/IEC 14496-15 §5.3.3.1; AAC: ISO/IEC 14496-3 §1.6.2.1; legacy audio: FLV 10.1 §E.4.2.1.
 */

import { codecName } from '../../flv/media.ts';
import { AmfError, decodeAmf0, isAmfObject } from '../../rtmp/amf0.ts';
import { MessageType } from '../../rtmp/message.ts';
import { type Frame, Track } from '../../stream/frame.ts';
import type { HeaderSet, StreamContent } from '../../stream/headers.ts';

export interface VideoInfo {
  readonly codec: string;
  readonly profile: string;
  readonly level: string;
  readonly width: number;
  readonly height: number;
}

export interface AudioInfo {
  readonly codec: string;
  readonly sample_rate: number;
  readonly channel: number;
  readonly profile: string;
}

const avcProfiles: Readonly<Record<number, string>> = {
  66: 'Baseline',
  77: 'Main',
  88: 'Extended',
  100: 'High',
  110: 'High(10)',
  122: 'High(422)',
  244: 'High(444+Predictive)',
};

const aacObjects: Readonly<Record<number, string>> = { 1: 'Main', 2: 'LC', 3: 'SSR', 5: 'HE', 29: 'HEv2' };

const aacSampleRates = [96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350];

const legacyAac = 10;

/** Null without video, as in SRS. */
export function videoInfo({ headers, hasVideo }: StreamContent): VideoInfo | null {
  if (!hasVideo) return null;
  const header = headerOf(headers, Track.video);
  const metadata = readMetadata(headers);
  const payload = header?.payload ?? Buffer.from([Number(metadata.videocodecid) || 0]);
  const codec = codecName(MessageType.video, payload) ?? 'Other';
  // The record is behind five bytes in the legacy form and behind a FourCC alike.
  const [, profile = 0, , level = 0] = codec === 'H264' ? payload.subarray(5) : [];
  return {
    codec,
    profile: avcProfiles[profile] ?? 'Other',
    level: level > 0 ? String(level / 10) : 'Other',
    width: Number(metadata.width) || 0,
    height: Number(metadata.height) || 0,
  };
}

/** Null without audio, as in SRS. */
export function audioInfo({ headers, hasAudio }: StreamContent): AudioInfo | null {
  if (!hasAudio) return null;
  const header = headerOf(headers, Track.audio);
  const metadata = readMetadata(headers);
  const payload = header?.payload ?? Buffer.from([(Number(metadata.audiocodecid) || 0) << 4]);
  const codec = codecName(MessageType.audio, payload) ?? 'Other';
  const [flags = 0, , first = 0, second = 0] = payload;
  if (header !== undefined && flags >>> 4 === legacyAac) {
    // AudioSpecificConfig: five bits of object type, four of the sample rate's index, four of channels.
    return {
      codec,
      sample_rate: aacSampleRates[((first & 7) << 1) | (second >>> 7)] ?? 0,
      channel: (second >>> 3) & 0x0f,
      profile: aacObjects[first >>> 3] ?? 'Other',
    };
  }
  return {
    codec,
    sample_rate: Number(metadata.audiosamplerate) || 0,
    channel: Number(metadata.audiochannels) || (metadata.stereo === true ? 2 : 1),
    profile: 'Other',
  };
}

function headerOf(headers: HeaderSet, track: Track): Frame | undefined {
  return headers.frames.find((frame) => frame.track === track && frame.role === 'header');
}

/** The properties of onMetaData; none when there is none that can be read. */
function readMetadata(headers: HeaderSet): Readonly<Record<string, unknown>> {
  const frame = headers.frames.find(({ role }) => role === 'metadata');
  if (frame === undefined) return {};
  try {
    const value = decodeAmf0(frame.payload)[1];
    return isAmfObject(value) ? value : {};
  } catch (error) {
    if (error instanceof AmfError) return {};
    throw error;
  }
}

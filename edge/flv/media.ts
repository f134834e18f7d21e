/**
 * What a media message is, read from its first bytes and without decoding anything: FLV 10.1 §E.4.2 and §E.4.3
 * (AudioTagHeader, VideoTagHeader), Enhanced RTMP v2 ("Enhanced Audio", "Enhanced Video": ExAudioTagHeader and
 * ExVideoTagHeader with ModEx and multitrack), and the codec ids 12 and 13 (HEVC, AV1) that were in use before it.
 */

/** Bits of what `classify` returns. */
export const MediaFlag = {
  audio: 0x001,
  video: 0x002,
  data: 0x004,
  /** Decoding of the default track can start here: a GOP begins. */
  keyframe: 0x008,
  /** A key frame of other tracks of a multitrack stream only. It begins no GOP: track 0 decides. */
  otherTrackKeyframe: 0x010,
  /** Codec configuration: players need it before any frame. Includes Enhanced RTMP's MultichannelConfig. */
  sequenceHeader: 0x020,
  /** The codec's sequence ends: no frame. */
  sequenceEnd: 0x040,
  /** Enhanced RTMP video metadata (HDR colour information): no frame, no sequence header. */
  videoMetadata: 0x080,
  /** A video info or command frame: no picture. */
  command: 0x100,
} as const;

/** A mask of `MediaFlag` bits; 0 for a message that is no media. */
export type Media = number;

const audioType = 8;
const videoType = 9;
const dataAmf3Type = 15;
const dataAmf0Type = 18;

const FrameType = { key: 1, generatedKey: 4, command: 5 } as const;
/** Legacy video codecs that have a packet type in their second byte. */
const CodecId = { avc: 7, hevc: 12, av1: 13 } as const;
const SoundFormat = { exHeader: 9, aac: 10 } as const;

/** VideoPacketType and AudioPacketType agree as far as they have the same name. */
const PacketType = {
  sequenceStart: 0,
  codedFrames: 1,
  sequenceEnd: 2,
  audioMultichannelConfig: 4,
  videoMetadata: 4,
  videoMpeg2TsSequenceStart: 5,
  audioMultitrack: 5,
  videoMultitrack: 6,
  modEx: 7,
} as const;

const MultitrackType = { oneTrack: 0, manyTracks: 1, manyTracksManyCodecs: 2 } as const;

/** The kind of a message, as a mask. No allocation; any bytes are answered, cut or malformed ones with what is sure. */
export function classify(type: number, payload: Buffer): Media {
  if (type === videoType) return classifyVideo(payload);
  if (type === audioType) return classifyAudio(payload);
  return type === dataAmf0Type || type === dataAmf3Type ? MediaFlag.data : 0;
}

function classifyVideo(payload: Buffer): Media {
  if (payload.length === 0) return MediaFlag.video;
  const first = payload[0] as number;
  const frameType = (first >>> 4) & 7;
  const isKey = frameType === FrameType.key || frameType === FrameType.generatedKey;
  if (first < 0x80) {
    if (frameType === FrameType.command) return MediaFlag.video | MediaFlag.command;
    const codec = first & 0x0f;
    if (codec === CodecId.avc || codec === CodecId.hevc || codec === CodecId.av1) {
      const packetType = payload[1];
      if (packetType === PacketType.sequenceStart) return MediaFlag.video | MediaFlag.sequenceHeader;
      if (packetType === PacketType.sequenceEnd) return MediaFlag.video | MediaFlag.sequenceEnd;
      if (packetType === undefined) return MediaFlag.video;
    }
    return isKey ? MediaFlag.video | MediaFlag.keyframe : MediaFlag.video;
  }

  let at = skipModEx(payload);
  let packetType = packetTypeAt(payload, at);
  if (packetType === PacketType.videoMetadata) return MediaFlag.video | MediaFlag.videoMetadata;
  if (frameType === FrameType.command) return MediaFlag.video | MediaFlag.command;
  let ofDefaultTrack = true;
  if (packetType === PacketType.videoMultitrack) {
    at += 1;
    packetType = packetTypeAt(payload, at);
    if (packetType === PacketType.videoMetadata) return MediaFlag.video | MediaFlag.videoMetadata;
    ofDefaultTrack = hasDefaultTrack(payload, at);
  }
  switch (packetType) {
    case PacketType.sequenceStart:
    case PacketType.videoMpeg2TsSequenceStart:
      return MediaFlag.video | MediaFlag.sequenceHeader;
    case PacketType.sequenceEnd:
      return MediaFlag.video | MediaFlag.sequenceEnd;
    case PacketType.codedFrames:
    case 3: // CodedFramesX
      if (!isKey) return MediaFlag.video;
      return MediaFlag.video | (ofDefaultTrack ? MediaFlag.keyframe : MediaFlag.otherTrackKeyframe);
    default:
      return MediaFlag.video;
  }
}

function classifyAudio(payload: Buffer): Media {
  if (payload.length === 0) return MediaFlag.audio; // "Audio silence" (Enhanced RTMP v2).
  const format = (payload[0] as number) >>> 4;
  if (format === SoundFormat.aac) {
    return payload[1] === PacketType.sequenceStart ? MediaFlag.audio | MediaFlag.sequenceHeader : MediaFlag.audio;
  }
  if (format !== SoundFormat.exHeader) return MediaFlag.audio;

  const at = skipModEx(payload);
  let packetType = packetTypeAt(payload, at);
  if (packetType === PacketType.audioMultitrack) packetType = packetTypeAt(payload, at + 1);
  switch (packetType) {
    case PacketType.sequenceStart:
    case PacketType.audioMultichannelConfig:
      return MediaFlag.audio | MediaFlag.sequenceHeader;
    case PacketType.sequenceEnd:
      return MediaFlag.audio | MediaFlag.sequenceEnd;
    default:
      return MediaFlag.audio;
  }
}

/** The low four bits at `at`; -1 past the end. */
function packetTypeAt(payload: Buffer, at: number): number {
  return at < payload.length ? (payload[at] as number) & 0x0f : -1;
}

/**
 * The offset of the byte whose low four bits are the packet type, behind all ModEx data. ModEx: a size less one in one
 * byte, or when that is 256 in two bytes more; the data; a byte of ModEx type and the packet type that follows.
 */
function skipModEx(payload: Buffer): number {
  let at = 0;
  while (packetTypeAt(payload, at) === PacketType.modEx) {
    let size = (payload[at + 1] ?? 0) + 1;
    at += 2;
    if (size === 256) {
      size = (payload[at] ?? 0) * 256 + (payload[at + 1] ?? 0) + 1;
      at += 2;
    }
    at += size;
  }
  return at;
}

/** Whether track 0 is among the tracks of a multitrack body; `at` is the byte of multitrack type and packet type. */
function hasDefaultTrack(payload: Buffer, at: number): boolean {
  for (let track = firstTrack(payload, at); track >= 0; track = nextTrack(payload, at, track)) {
    if (payload[track] === 0) return true;
  }
  return false;
}

/** The offset of the first track id, or -1. */
function firstTrack(payload: Buffer, at: number): number {
  // One FourCC comes first in each case: of all tracks, or of the first one.
  const track = at + 5;
  return track < payload.length ? track : -1;
}

/** The offset of the track id behind the one at `track`, or -1. */
function nextTrack(payload: Buffer, at: number, track: number): number {
  const multitrackType = (payload[at] as number) >>> 4;
  if (multitrackType === MultitrackType.oneTrack || track + 4 > payload.length) return -1;
  const size = payload.readUIntBE(track + 1, 3);
  const next = track + 4 + size + (multitrackType === MultitrackType.manyTracksManyCodecs ? 4 : 0);
  return next < payload.length ? next : -1;
}

/**
 * What to keep a sequence header (or a video metadata packet) under, so that the next one for the same track replaces
 * it: the medium, the tracks within, and whether it is the codec's configuration or something beside it. The codec is
 * left out on purpose: a track has one at a time. A message without multitrack is track 0.
 */
export function sequenceHeaderKey(type: number, payload: Buffer): string {
  const medium = type === videoType ? 'video' : type === audioType ? 'audio' : 'data';
  const first = payload[0] ?? 0;
  const enhanced = type === videoType ? first >= 0x80 : type === audioType && first >>> 4 === SoundFormat.exHeader;
  if (!enhanced) return `${medium}/0`;
  let at = skipModEx(payload);
  let tracks = '0';
  const multitrack = type === videoType ? PacketType.videoMultitrack : PacketType.audioMultitrack;
  if (packetTypeAt(payload, at) === multitrack) {
    at += 1;
    const ids = new Set<number>();
    for (let track = firstTrack(payload, at); track >= 0; track = nextTrack(payload, at, track)) {
      ids.add(payload[track] ?? 0);
    }
    tracks = [...ids].join('+');
  }
  // 4 is video metadata as well as the multichannel configuration of audio.
  return packetTypeAt(payload, at) === PacketType.videoMetadata ? `${medium}/${tracks}/extra` : `${medium}/${tracks}`;
}

const legacyVideoCodecs: Readonly<Record<number, string>> = {
  2: 'H263',
  3: 'Screen',
  4: 'VP6',
  5: 'VP6A',
  6: 'Screen2',
  [CodecId.avc]: 'H264',
  8: 'VP8',
  9: 'VP9',
  [CodecId.hevc]: 'HEVC',
  [CodecId.av1]: 'AV1',
};

const legacyAudioCodecs: Readonly<Record<number, string>> = {
  0: 'PCM',
  1: 'ADPCM',
  2: 'MP3',
  3: 'PCM',
  4: 'Nellymoser',
  5: 'Nellymoser',
  6: 'Nellymoser',
  7: 'G711A',
  8: 'G711U',
  [SoundFormat.aac]: 'AAC',
  11: 'Speex',
  13: 'Opus',
  14: 'MP3',
};

const fourCcCodecs: ReadonlyMap<string, string> = new Map([
  ['avc1', 'H264'],
  ['hvc1', 'HEVC'],
  ['vvc1', 'VVC'],
  ['av01', 'AV1'],
  ['vp08', 'VP8'],
  ['vp09', 'VP9'],
  ['mp4a', 'AAC'],
  ['Opus', 'Opus'],
  ['fLaC', 'FLAC'],
  ['ac-3', 'AC3'],
  ['ec-3', 'EAC3'],
  ['.mp3', 'MP3'],
]);

/** The codec's usual name, or its FourCC when we know no better; of the first track if there are several. */
export function codecName(type: number, payload: Buffer): string | undefined {
  if (payload.length === 0) return undefined;
  const first = payload[0] as number;
  if (type === videoType) {
    if (first >= 0x80) return fourCcName(payload, PacketType.videoMultitrack);
    return legacyVideoCodecs[first & 0x0f];
  }
  if (type === audioType) {
    if (first >>> 4 === SoundFormat.exHeader) return fourCcName(payload, PacketType.audioMultitrack);
    return legacyAudioCodecs[first >>> 4];
  }
  return undefined;
}

/** Stands for a codec that is not told. */
export const unknownCodec: number = 0;

/**
 * A number that tells the codec of a frame from others; `unknownCodec` for several tracks in a message, for one that is
 * cut, and for what is no picture. No allocation: it is asked for each frame.
 */
export function codecMark(type: number, payload: Buffer): number {
  const first = payload[0];
  if (first === undefined) return unknownCodec;
  const isVideo = type === videoType;
  if (isVideo && ((first >>> 4) & 7) === FrameType.command) return unknownCodec;
  const codec = isVideo ? first & 0x0f : first >>> 4;
  if (isVideo ? first < 0x80 : codec !== SoundFormat.exHeader) return 1 + codec;
  const at = skipModEx(payload);
  const multitrack = isVideo ? PacketType.videoMultitrack : PacketType.audioMultitrack;
  if (packetTypeAt(payload, at) === multitrack || at + 5 > payload.length) return unknownCodec;
  return payload.readUInt32BE(at + 1);
}

function fourCcName(payload: Buffer, multitrack: number): string | undefined {
  let at = skipModEx(payload);
  if (packetTypeAt(payload, at) === multitrack) at += 1;
  if (at + 5 > payload.length) return undefined;
  const fourCc = payload.toString('latin1', at + 1, at + 5);
  return fourCcCodecs.get(fourCc) ?? (/^[\x20-\x7e]{4}$/.test(fourCc) ? fourCc : undefined);
}

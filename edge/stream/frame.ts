/**
 * A frame: one media message on a stream's own clock. It is made when a message arrives, and lies packed in its slice
 * and in the GOP cache (see packed-frames.ts).
 */

import { classify, MediaFlag } from '../flv/media.ts';
import { isServerNotice, metadataPayload, stripSetDataFrame } from '../flv/metadata.ts';
import { MessageType, type RtmpMessage } from '../rtmp/message.ts';

/** What time is kept for: each track has its own chunk stream, and so its own time differences. */
export const Track = { audio: 0, video: 1, data: 2 } as const;
export type Track = (typeof Track)[keyof typeof Track];
export const trackCount = 3;

/**
 * - `header`: a codec sequence header; `metadata`: onMetaData. Both are needed before any frame can be decoded.
 * - `keyframe`: a video frame that decoding can start at.
 * - `media`: any other audio or video; `data`: any other data message.
 */
export type FrameRole = 'header' | 'metadata' | 'keyframe' | 'media' | 'data';

export interface Frame {
  /** RTMP message type, which is the FLV tag type too: 8, 9 or 18. */
  readonly type: number;
  readonly track: Track;
  readonly role: FrameRole;
  /** Milliseconds on the stream's clock; never decreases within a track. */
  readonly timeMs: number;
  /** As the source sent it: unsigned 32 bits, milliseconds on the source's clock. */
  readonly sourceTime: number;
  readonly payload: Buffer;
}

/** A frame before it has a place on the stream's clock. */
export type UntimedFrame = Omit<Frame, 'timeMs'>;

/** Whether players need this before they can decode what follows. */
export function isHeader({ role }: UntimedFrame): boolean {
  return isHeaderRole(role);
}

export function isHeaderRole(role: FrameRole): boolean {
  return role === 'header' || role === 'metadata';
}

/** Whether this is audio or video proper: what a clock can be read from. */
export function isMedia({ role }: UntimedFrame): boolean {
  return isMediaRole(role);
}

export function isMediaRole(role: FrameRole): boolean {
  return role === 'media' || role === 'keyframe';
}

/**
 * Reads what a media message is. Data loses `@setDataFrame`, so that players get what they expect whichever way the
 * publisher spoke. Returns undefined for what is no media.
 */
export function toUntimedFrame(message: RtmpMessage): UntimedFrame | undefined {
  const { type, payload, timestamp: sourceTime } = message;
  if (type === MessageType.video || type === MessageType.audio) {
    if (payload.length === 0) return undefined;
    const flags = classify(type, payload);
    const track = type === MessageType.video ? Track.video : Track.audio;
    return unplaced({ type, track, role: roleOf(flags), sourceTime, payload, timeMs: notPlacedMs });
  }
  if (type === MessageType.dataAmf0) {
    if (isServerNotice(payload)) return undefined;
    const metadata = metadataPayload(payload);
    const role = metadata === undefined ? 'data' : 'metadata';
    const plain = metadata ?? stripSetDataFrame(payload);
    return unplaced({ type, track: Track.data, role, sourceTime, payload: plain, timeMs: notPlacedMs });
  }
  return undefined;
}

/** Gives the frame its place on the stream's clock. It stays the same object: one is made for a message, not two. */
export function placed(frame: UntimedFrame, timeMs: number): Frame {
  const place: { timeMs: number } = frame as Frame;
  place.timeMs = timeMs;
  return frame as Frame;
}

/** Stands for the time of a frame that has no place yet. */
const notPlacedMs = -1;

/** The room for the time is there from the start; nobody sees it before the frame has its place. */
function unplaced(frame: Frame): UntimedFrame {
  return frame;
}

/**
 * A frame or message with memory of its own. The bytes of one that has just come may be good for this moment only, or
 * are a part of all that it was read with, which must not stay as long.
 */
export function kept<T extends { readonly payload: Buffer }>(media: T): T {
  const payload = Buffer.allocUnsafeSlow(media.payload.length);
  media.payload.copy(payload);
  return { ...media, payload };
}

/** The frame as it is on a clock that is ahead by so many milliseconds. */
export function shifted(frame: UntimedFrame, byMs: number): UntimedFrame {
  return byMs === 0 ? frame : { ...frame, sourceTime: (frame.sourceTime + byMs) >>> 0 };
}

function roleOf(flags: number): FrameRole {
  if ((flags & (MediaFlag.sequenceHeader | MediaFlag.videoMetadata)) !== 0) return 'header';
  return (flags & MediaFlag.keyframe) !== 0 ? 'keyframe' : 'media';
}

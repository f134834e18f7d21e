/**
 * What frames are in a slice, found by one walk over them. Pure.
 */

import { isHeaderRole, type Track } from './frame.ts';
import type { PackedFrames } from './packed-frames.ts';

export interface SliceContent {
  readonly frameCount: number;
  /** Bytes of all payloads. */
  readonly payloadBytes: number;
  /** Bit mask of the tracks that have frames. */
  readonly tracks: number;
  /** Earliest stream time, milliseconds, headers left out: encoders stamp them as they like. Infinite without frames. */
  readonly startMs: number;
  /** Earliest and latest stream time, headers included. */
  readonly earliestMs: number;
  readonly endMs: number;
  /** Position of the last keyframe, or -1. */
  readonly keyframeAt: number;
  /** Position of the last header, or -1. */
  readonly lastHeaderAt: number;
}

export function contentOf(frames: PackedFrames): SliceContent {
  let frameCount = 0;
  let payloadBytes = 0;
  let tracks = 0;
  let startMs = Number.POSITIVE_INFINITY;
  let earliestMs = Number.POSITIVE_INFINITY;
  let endMs = Number.NEGATIVE_INFINITY;
  let keyframeAt = -1;
  let lastHeaderAt = -1;
  for (let at = 0; at < frames.end; at = frames.next(at)) {
    const timeMs = frames.timeMs(at);
    const role = frames.role(at);
    frameCount++;
    payloadBytes += frames.size(at);
    tracks |= trackBit(frames.track(at));
    earliestMs = Math.min(earliestMs, timeMs);
    endMs = Math.max(endMs, timeMs);
    if (role === 'keyframe') keyframeAt = at;
    if (isHeaderRole(role)) lastHeaderAt = at;
    else startMs = Math.min(startMs, timeMs);
  }
  return { frameCount, payloadBytes, tracks, startMs, earliestMs, endMs, keyframeAt, lastHeaderAt };
}

export function trackBit(track: Track): number {
  return 1 << track;
}

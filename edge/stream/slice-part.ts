/**
 * Frames of a slice that follow on each other, with what is in force before and after them. Pure.
 */

import type { HeaderSet } from './headers.ts';
import type { PackedFrames } from './packed-frames.ts';
import type { Slice } from './slice.ts';
import type { TrackTimes } from './wire-format.ts';

export interface SlicePart {
  readonly frames: PackedFrames;
  /** Position of the first frame. */
  readonly from: number;
  /** Position behind the last one. */
  readonly to: number;
  readonly frameCount: number;
  /** Bytes of all payloads. */
  readonly payloadBytes: number;
  readonly headersBefore: HeaderSet;
  readonly headersAfter: HeaderSet;
  /** Last stream time of each track before it. */
  readonly lastTimes: TrackTimes;
  readonly floorMs: number;
}

/** All of a slice. */
export function wholeOf(slice: Slice): SlicePart {
  const { frames, frameCount, payloadBytes, headersBefore, headersAfter, lastTimes, floorMs } = slice;
  const to = frames.end;
  return { frames, from: 0, to, frameCount, payloadBytes, headersBefore, headersAfter, lastTimes, floorMs };
}

/** What comes before the frame at a position, undefined when nothing does, and what comes from it on. */
export function dividedAt(slice: Slice, position: number): readonly [SlicePart | undefined, SlicePart] {
  const whole = wholeOf(slice);
  if (position === 0) return [undefined, whole];
  const { frames } = slice;
  const headers = slice.headersAt(position);
  const lastTimes = [...slice.lastTimes];
  let frameCount = 0;
  let payloadBytes = 0;
  for (let at = 0; at < position; at = frames.next(at)) {
    lastTimes[frames.track(at)] = frames.timeMs(at);
    frameCount++;
    payloadBytes += frames.size(at);
  }
  const left = { frameCount: whole.frameCount - frameCount, payloadBytes: whole.payloadBytes - payloadBytes };
  return [
    { ...whole, to: position, frameCount, payloadBytes, headersAfter: headers },
    { ...whole, ...left, from: position, headersBefore: headers, lastTimes },
  ];
}

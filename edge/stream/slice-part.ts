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
  readonly headersBefore: HeaderSet;
  readonly headersAfter: HeaderSet;
  /** Last stream time of each track before it. */
  readonly lastTimes: TrackTimes;
  readonly floorMs: number;
}

/** All of a slice. */
export function wholeOf({ frames, headersBefore, headersAfter, lastTimes, floorMs }: Slice): SlicePart {
  return { frames, from: 0, to: frames.end, headersBefore, headersAfter, lastTimes, floorMs };
}

/** What comes before the frame at a position, undefined when nothing does, and what comes from it on. */
export function dividedAt(slice: Slice, position: number): readonly [SlicePart | undefined, SlicePart] {
  const whole = wholeOf(slice);
  if (position === 0) return [undefined, whole];
  const { frames } = slice;
  const headers = slice.headersAt(position);
  const lastTimes = [...slice.lastTimes];
  for (let at = 0; at < position; at = frames.next(at)) lastTimes[frames.track(at)] = frames.timeMs(at);
  return [
    { ...whole, to: position, headersAfter: headers },
    { ...whole, from: position, headersBefore: headers, lastTimes },
  ];
}

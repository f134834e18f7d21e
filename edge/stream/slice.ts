/**
 * A slice: the frames of one merged-write interval. It is encoded once for each wire format in use, and every
 * player of that format is handed the same bytes.
 */

import { type Frame, isHeader, type Track } from './frame.ts';
import type { HeaderSet } from './headers.ts';

/** Stream time of the last frame of each track; undefined for a track without any yet. */
export type TrackTimes = readonly (number | undefined)[];

/** Frames to be encoded for players that share a state. */
export interface Run {
  readonly frames: readonly Frame[];
  /** Index of the first frame to encode. */
  readonly from: number;
  /** Headers to send before the frames, and the stream time to send them with: none of the frames is earlier. */
  readonly headers: readonly Frame[];
  readonly headersMs: number;
  /** Bit mask (`1 << track`) of the tracks whose last time the player knows, as given by `lastTimes`. */
  readonly anchored: number;
  readonly lastTimes: TrackTimes;
  /** Stream time that is zero for the player. */
  readonly baseMs: number;
}

/** How frames become bytes. Identity matters: one object for each format whose bytes differ. */
export interface WireFormat {
  /** Whether each player's time starts at zero; else all see the stream's own time. */
  readonly zeroBased: boolean;
  encode(run: Run): Buffer;
}

const allTracks = ~0;

export class Slice {
  readonly frames: readonly Frame[];
  /** Headers in force before the first frame and after the last. */
  readonly headersBefore: HeaderSet;
  readonly headersAfter: HeaderSet;
  /** Last time of each track before this slice. */
  readonly lastTimes: TrackTimes;
  /** Bit mask of the tracks that have frames here. */
  readonly tracks: number;
  /** Earliest and latest stream time, milliseconds; a slice of headers alone has no beginning (infinity). */
  readonly startMs: number;
  readonly endMs: number;
  /** Index of the last keyframe, or -1. */
  readonly keyframeIndex: number;
  readonly #lastHeaderIndex: number;
  readonly #shared = new Map<WireFormat, Buffer>();
  readonly #opening = new Map<WireFormat, Buffer>();

  /**
   * @param frames at least one
   * @param headersAfter where the next slice's `headersBefore` is known: whoever compares them must find the same set
   */
  constructor(
    frames: readonly Frame[],
    headersBefore: HeaderSet,
    lastTimes: TrackTimes,
    headersAfter: HeaderSet | undefined = undefined,
  ) {
    this.frames = frames;
    this.headersBefore = headersBefore;
    this.lastTimes = lastTimes;
    this.keyframeIndex = frames.findLastIndex((frame) => frame.role === 'keyframe');
    this.#lastHeaderIndex = frames.findLastIndex((frame) => isHeader(frame));
    this.headersAfter = headersAfter ?? this.#headersBefore(frames.length);
    this.tracks = this.tracksFrom(0);
    this.startMs = this.startOf(0);
    this.endMs = frames.reduce((latest, frame) => Math.max(latest, frame.timeMs), Number.NEGATIVE_INFINITY);
  }

  /** Headers in force before the frame at `index`. */
  headersAt(index: number): HeaderSet {
    return index > this.#lastHeaderIndex ? this.headersAfter : this.#headersBefore(index);
  }

  #headersBefore(index: number): HeaderSet {
    let headers = this.headersBefore;
    for (const frame of this.frames.slice(0, index)) if (isHeader(frame)) headers = headers.with(frame);
    return headers;
  }

  /** Earliest stream time from the frame at `index` on. Headers don't count: encoders stamp them as they like. */
  startOf(index: number): number {
    let start = Number.POSITIVE_INFINITY;
    for (let at = index; at < this.frames.length; at++) {
      const frame = this.frames[at] as Frame;
      if (!isHeader(frame)) start = Math.min(start, frame.timeMs);
    }
    return start;
  }

  /** Bit mask of the tracks that have frames from `index` on, at `fromMs` of stream time or later. */
  tracksFrom(index: number, fromMs: number = Number.NEGATIVE_INFINITY): number {
    let tracks = 0;
    for (let at = index; at < this.frames.length; at++) {
      const frame = this.frames[at] as Frame;
      if (frame.timeMs >= fromMs) tracks |= trackBit(frame.track);
    }
    return tracks;
  }

  /** Bytes for every player that has had all slices before: time differences only. */
  shared(format: WireFormat): Buffer {
    return memoized(this.#shared, format, () =>
      format.encode({
        frames: this.frames,
        from: 0,
        headers: [],
        headersMs: 0,
        anchored: allTracks,
        lastTimes: this.lastTimes,
        baseMs: 0,
      }),
    );
  }

  /** Bytes for every player that begins with this slice: headers, then frames with absolute times. */
  opening(format: WireFormat): Buffer {
    return memoized(this.#opening, format, () =>
      format.encode({
        frames: this.frames,
        from: 0,
        headers: this.headersBefore.frames,
        headersMs: this.startMs,
        anchored: 0,
        lastTimes: this.lastTimes,
        baseMs: format.zeroBased ? this.startMs : 0,
      }),
    );
  }
}

export function trackBit(track: Track): number {
  return 1 << track;
}

function memoized(cache: Map<WireFormat, Buffer>, format: WireFormat, encode: () => Buffer): Buffer {
  let bytes = cache.get(format);
  if (bytes === undefined) {
    bytes = encode();
    cache.set(format, bytes);
  }
  return bytes;
}

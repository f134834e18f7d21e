/**
 * Which frames were published, in order, so that players can tell what they miss. A frame is known by its bytes:
 * players have clocks of their own.
 */

import { crc32 } from 'node:zlib';
import type { RtmpMessage } from '../../edge/rtmp/message.ts';
import { Track, toUntimedFrame } from '../../edge/stream/frame.ts';

/** Frames kept of each track: more than a minute, as long as an edge keeps players without an origin. */
const framesKept = 4_000;

export type MediaTrack = typeof Track.audio | typeof Track.video;

export interface FrameIdentity {
  readonly track: MediaTrack;
  readonly id: number;
}

/** Undefined for what is no frame: metadata and sequence headers. */
export function identify(message: RtmpMessage): FrameIdentity | undefined {
  const frame = toUntimedFrame(message);
  if (frame === undefined || (frame.role !== 'media' && frame.role !== 'keyframe')) return undefined;
  if (frame.track === Track.data) return undefined;
  const { payload } = frame;
  return { track: frame.track as MediaTrack, id: crc32(payload) * 0x20_0000 + payload.length };
}

export class Ledger {
  readonly #tracks = { [Track.audio]: new TrackLedger(), [Track.video]: new TrackLedger() };

  publish(message: RtmpMessage): void {
    const frame = identify(message);
    if (frame !== undefined) this.#tracks[frame.track].add(frame.id, message.timestamp);
  }

  track(track: MediaTrack): TrackLedger {
    return this.#tracks[track];
  }
}

interface Entry {
  readonly id: number;
  readonly timestamp: number;
}

/** One track's frames, numbered from 0 as they were published. */
export class TrackLedger {
  #entries: Entry[] = [];
  #first = 0;

  add(id: number, timestamp: number): void {
    this.#entries.push({ id, timestamp });
    if (this.#entries.length < 2 * framesKept) return;
    this.#first += framesKept;
    this.#entries = this.#entries.slice(framesKept);
  }

  /** The number of the first such frame from `from` on. */
  after(id: number, from: number): number | undefined {
    const at = Math.max(0, from - this.#first);
    const index = this.#entries[at]?.id === id ? at : this.#entries.findIndex((entry, i) => i >= at && entry.id === id);
    return index < 0 ? undefined : this.#first + index;
  }

  /** The number of the last such frame before `before`. */
  before(id: number, before = Number.POSITIVE_INFINITY): number | undefined {
    const index = this.#entries.findLastIndex((entry, i) => this.#first + i < before && entry.id === id);
    return index < 0 ? undefined : this.#first + index;
  }

  /** Milliseconds, as published. */
  timestamp(number: number): number | undefined {
    return this.#entries[number - this.#first]?.timestamp;
  }
}

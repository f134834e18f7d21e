/**
 * Frames one behind the other in one buffer. A frame lives for seconds, in a slice and in the GOP cache, and a busy edge
 * has tens of thousands of them: as objects they would be most of what the garbage collector has to walk over.
 *
 * A frame is named by its position, which is where its record begins in the buffer.
 */

import { noBytes } from '../rtmp/chunk-streams.ts';
import type { BufferPool } from './buffer-pool.ts';
import type { Frame, FrameRole, Track } from './frame.ts';

/**
 * A record is stream time (8 bytes), source time (4), length of the payload (4), RTMP type, track and role (1 each), and
 * 1 that is not used. The payload follows.
 */
const recordBytes = 20;

const roles: readonly FrameRole[] = ['header', 'metadata', 'keyframe', 'media', 'data'];

export class PackedFrames {
  static readonly none: PackedFrames = new PackedFrames(noBytes, 0);

  /** Where a frame behind the last one would begin. The first one begins at 0. */
  readonly end: number;
  #bytes: Buffer;

  /** @param bytes what `writeFrame` wrote, up to a position */
  constructor(bytes: Buffer, end: number) {
    this.#bytes = bytes;
    this.end = end;
  }

  static of(frames: readonly Frame[]): PackedFrames {
    const bytes = Buffer.allocUnsafeSlow(frames.reduce((sum, frame) => sum + packedSize(frame), 0));
    let end = 0;
    for (const frame of frames) end = writeFrame(bytes, end, frame);
    return new PackedFrames(bytes, end);
  }

  /** Position of the frame behind this one; `end` behind the last. */
  next(at: number): number {
    return at + recordBytes + this.size(at);
  }

  /** Stream time, milliseconds. */
  timeMs(at: number): number {
    return this.#bytes.readDoubleLE(at);
  }

  /** Bytes of the payload. */
  size(at: number): number {
    return this.#bytes.readUInt32LE(at + 12);
  }

  /** RTMP message type, which is the FLV tag type too. */
  type(at: number): number {
    return this.#bytes[at + 16] as number;
  }

  track(at: number): Track {
    return this.#bytes[at + 17] as Track;
  }

  role(at: number): FrameRole {
    return roles[this.#bytes[at + 18] as number] as FrameRole;
  }

  /** Where the payload begins in `bytes`. */
  payloadStart(at: number): number {
    return at + recordBytes;
  }

  get bytes(): Buffer {
    return this.#bytes;
  }

  /** The frame as an object. Its payload is a view. */
  frame(at: number): Frame {
    return {
      type: this.type(at),
      track: this.track(at),
      role: this.role(at),
      timeMs: this.timeMs(at),
      sourceTime: this.#bytes.readUInt32LE(at + 8),
      payload: this.#bytes.subarray(this.payloadStart(at), this.next(at)),
    };
  }

  /** Those of the frames that `wants` names by their positions, in memory of their own. */
  filter(wants: (at: number) => boolean): PackedFrames {
    let bytes = 0;
    for (let at = 0; at < this.end; at = this.next(at)) if (wants(at)) bytes += this.next(at) - at;
    const kept = Buffer.allocUnsafeSlow(bytes);
    let end = 0;
    for (let at = 0; at < this.end; at = this.next(at)) {
      if (wants(at)) end += this.#bytes.copy(kept, end, at, this.next(at));
    }
    return new PackedFrames(kept, end);
  }

  /** Moves a frame to another stream time. */
  moveTo(at: number, timeMs: number): void {
    this.#bytes.writeDoubleLE(timeMs, at);
  }

  /** Gives the memory back. Nobody may look at the frames afterwards: who walks over them gets an error, never other bytes. */
  free(pool: BufferPool): void {
    pool.give(this.#bytes);
    this.#bytes = noBytes;
  }
}

/** Bytes that a frame takes, packed. */
export function packedSize({ payload }: Frame): number {
  return recordBytes + payload.length;
}

/** Writes a frame at a position of `bytes`, which have room for it; returns the next position. */
export function writeFrame(bytes: Buffer, at: number, frame: Frame): number {
  const { payload } = frame;
  bytes.writeDoubleLE(frame.timeMs, at);
  bytes.writeUInt32LE(frame.sourceTime, at + 8);
  bytes.writeUInt32LE(payload.length, at + 12);
  bytes[at + 16] = frame.type;
  bytes[at + 17] = frame.track;
  bytes[at + 18] = roles.indexOf(frame.role);
  payload.copy(bytes, at + recordBytes);
  return at + recordBytes + payload.length;
}

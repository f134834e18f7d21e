/**
 * Frames in one piece of memory. A GOP cache keeps thousands of them for players who may never come: as objects, they
 * would keep the garbage collector busier than all who play. What was packed becomes frames again when somebody joins.
 */

import type { BufferPool } from './buffer-pool.ts';
import type { Frame, FrameRole, Track } from './frame.ts';

/** Before each payload: type, track and role (a byte each, and one unused), length, source time, stream time. */
const recordBytes = 20;
const lengthAt = 4;
const sourceTimeAt = 8;
const timeAt = 12;

const roles: readonly FrameRole[] = ['header', 'metadata', 'keyframe', 'media', 'data'];
const codeOfRole = Object.fromEntries(roles.map((role, code) => [role, code])) as Record<FrameRole, number>;

export class PackedFrames {
  readonly count: number;
  /** Of the payloads alone. */
  readonly payloadBytes: number;
  readonly #memory: Buffer;
  readonly #pool: BufferPool;
  /** Frames are views into the memory. */
  #isViewed = false;

  /**
   * Packs the frames at `from` and behind it.
   * @param pool the memory comes from here, and goes back with `free`
   */
  constructor(frames: readonly Frame[], from: number, pool: BufferPool) {
    let payloadBytes = 0;
    for (let index = from; index < frames.length; index++) payloadBytes += (frames[index] as Frame).payload.length;
    this.count = frames.length - from;
    this.payloadBytes = payloadBytes;
    this.#pool = pool;
    this.#memory = pool.take(payloadBytes + this.count * recordBytes);
    let at = 0;
    for (let index = from; index < frames.length; index++) at = write(this.#memory, at, frames[index] as Frame);
  }

  /** Memory that it takes. */
  get bytes(): number {
    return this.#memory.length;
  }

  /** The frames, whose payloads are views into the memory here. */
  unpack(): Frame[] {
    this.#isViewed = true;
    const frames: Frame[] = [];
    for (let at = 0; at < this.#memory.length; ) {
      const frame = read(this.#memory, at);
      frames.push(frame);
      at += recordBytes + frame.payload.length;
    }
    return frames;
  }

  /** Nobody unpacks it any more. */
  free(): void {
    if (!this.#isViewed) this.#pool.give(this.#memory);
  }
}

/** Returns the offset behind the frame. */
function write(memory: Buffer, at: number, { type, track, role, payload, sourceTime, timeMs }: Frame): number {
  memory[at] = type;
  memory[at + 1] = track;
  memory[at + 2] = codeOfRole[role];
  memory.writeUInt32LE(payload.length, at + lengthAt);
  memory.writeUInt32LE(sourceTime, at + sourceTimeAt);
  memory.writeDoubleLE(timeMs, at + timeAt);
  payload.copy(memory, at + recordBytes);
  return at + recordBytes + payload.length;
}

function read(memory: Buffer, at: number): Frame {
  const payloadAt = at + recordBytes;
  return {
    type: memory[at] as number,
    track: memory[at + 1] as Track,
    role: roles[memory[at + 2] as number] as FrameRole,
    timeMs: memory.readDoubleLE(at + timeAt),
    sourceTime: memory.readUInt32LE(at + sourceTimeAt),
    payload: memory.subarray(payloadAt, payloadAt + memory.readUInt32LE(at + lengthAt)),
  };
}

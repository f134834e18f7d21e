/**
 * What is left of frames that have gone out: enough to know each again, without its bytes. Kept in columns of numbers,
 * because a stream has thousands of them and the garbage collector should have nothing to do with that.
 */

import { checksum } from './checksum.ts';
import { type Frame, isMedia, type Track, type UntimedFrame } from './frame.ts';

/** One frame's trace, as it is read back. */
export interface Trace {
  readonly type: number;
  readonly track: Track;
  readonly isMedia: boolean;
  readonly sourceTime: number;
  readonly bytes: number;
  readonly checksum: number;
}

const firstCapacity = 128;

export class Traces {
  #count = 0;
  #startMs = 0;
  #sourceTimes = new Uint32Array(firstCapacity);
  #bytes = new Uint32Array(firstCapacity);
  #checksums = new Uint32Array(firstCapacity);
  /** Bit 0: audio or video proper; bits 1 and 2: track; above: RTMP message type. */
  #kinds = new Uint16Array(firstCapacity);

  get count(): number {
    return this.#count;
  }

  /** Stream time of the first frame. */
  get startMs(): number {
    return this.#startMs;
  }

  add(frame: Frame): void {
    const at = this.#count++;
    if (at === 0) this.#startMs = frame.timeMs;
    if (at === this.#sourceTimes.length) this.#grow();
    this.#sourceTimes[at] = frame.sourceTime;
    this.#bytes[at] = frame.payload.length;
    this.#checksums[at] = checksum(frame.payload);
    this.#kinds[at] = (frame.type << 3) | (frame.track << 1) | (isMedia(frame) ? 1 : 0);
  }

  /** Forgets all; the room is used again. */
  clear(): void {
    this.#count = 0;
  }

  /** The trace at an index below `count`. */
  at(index: number): Trace {
    const kind = this.#kinds[index] ?? 0;
    return {
      type: kind >>> 3,
      track: ((kind >>> 1) & 3) as Track,
      isMedia: (kind & 1) === 1,
      sourceTime: this.#sourceTimes[index] ?? 0,
      bytes: this.#bytes[index] ?? 0,
      checksum: this.#checksums[index] ?? 0,
    };
  }

  #grow(): void {
    const capacity = 2 * this.#sourceTimes.length;
    this.#sourceTimes = grown(this.#sourceTimes, new Uint32Array(capacity));
    this.#bytes = grown(this.#bytes, new Uint32Array(capacity));
    this.#checksums = grown(this.#checksums, new Uint32Array(capacity));
    this.#kinds = grown(this.#kinds, new Uint16Array(capacity));
  }
}

function grown<T extends Uint32Array | Uint16Array>(from: T, to: T): T {
  to.set(from);
  return to;
}

/** Whether this is the very frame that the trace is of, as far as type and bytes tell. */
export function isTraceOf(trace: Trace, { type, payload }: UntimedFrame): boolean {
  return trace.type === type && trace.bytes === payload.length && trace.checksum === checksum(payload);
}

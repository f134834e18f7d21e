/**
 * The chunk streams of one direction of one connection (RTMP 1.0 §5.3.1): what the last header of each said, and its
 * message that is not complete yet.
 */

import { RtmpError } from './errors.ts';

/** A connection may use so many: clients use fewer than ten. */
const maxChunkStreams = 128;

export const noBytes: Buffer = Buffer.alloc(0);

/** What is remembered of one chunk stream: the last header, and a message not yet complete. */
export class ChunkStream {
  readonly csid: number;
  /** Absolute, of the last message. */
  timestamp = 0;
  /** What a type 3 header adds when it begins a message. */
  delta = 0;
  /** Whether the last header had an extended timestamp, and its value as sent. */
  extended = false;
  extendedField = 0;
  length = 0;
  type = 0;
  streamId = 0;
  fresh = true;
  /** A message has begun and `received` of its `length` bytes are in `payload`. */
  open = false;
  received = 0;
  payload: Buffer = noBytes;

  constructor(csid: number) {
    this.csid = csid;
  }
}

export class ChunkStreams {
  /** Those below 64, by id; grows to the greatest that is used, mostly below 8. */
  readonly #few: (ChunkStream | undefined)[] = [];
  #many: Map<number, ChunkStream> | undefined;
  #count = 0;

  /** Undefined where nothing has come on it. */
  find(csid: number): ChunkStream | undefined {
    return csid < 64 ? this.#few[csid] : this.#many?.get(csid);
  }

  /** Throws an RtmpError when it would be one too many. */
  get(csid: number): ChunkStream {
    const known = this.find(csid);
    if (known !== undefined) return known;
    if (this.#count === maxChunkStreams) {
      throw new RtmpError('too-many-chunk-streams', `more than ${maxChunkStreams} chunk streams on one connection`);
    }
    this.#count += 1;
    const stream = new ChunkStream(csid);
    if (csid >= 64) {
      this.#many ??= new Map();
      this.#many.set(csid, stream);
    } else {
      while (this.#few.length < csid) this.#few.push(undefined);
      this.#few[csid] = stream;
    }
    return stream;
  }

  all(): ChunkStream[] {
    return [...this.#few, ...(this.#many?.values() ?? [])].filter((stream) => stream !== undefined);
  }
}

/**
 * Chunks into messages (RTMP 1.0 §5.3, §5.4.1, §5.4.2). Bytes may be cut anywhere. SetChunkSize and Abort concern the
 * chunk stream alone: they are applied here and not delivered. An Abort that is cut is delivered as it is.
 *
 * This is the hot path of publishing: hundreds of publishers send messages in chunks of 128 bytes. So: an index that
 * walks over the bytes pushed, no closure and no allocation per chunk, and one copy of each payload byte at most.
 * Memory follows bytes really received: a header that announces 16 MB costs nothing before they come.
 */

import { ChunkStream, ChunkStreams, noBytes } from './chunk-streams.ts';
import { RtmpError } from './errors.ts';
import { MessageType, type RtmpMessage } from './message.ts';

export interface ChunkReaderOptions {
  /** Largest message, and half of what all unfinished messages together may hold. Default: no message is larger. */
  readonly maxMessageBytes?: number;
  /** The peer's chunk size before its first SetChunkSize. Default 128. */
  readonly chunkSize?: number;
}

/** Lengths have 24 bits. */
const defaultMaxMessageBytes = 0xffffff;
const defaultChunkSize = 128;
const maxChunkSize = 0x7fffffff;
/** The first room of an unfinished message: for the bytes at hand, within these bounds. */
const minRoomBytes = 1024;
const maxFirstRoomBytes = 16 * 1024;
/** This value in the timestamp field says that an extended timestamp follows (§5.3.1.3). */
const extendedMarker = 0xffffff;

/** Reads one direction of one connection, from behind the handshake to the end. */
export class ChunkReader {
  /** The size in force for the next chunk; the peer's SetChunkSize changes it. */
  chunkSize: number;
  /** Largest message from the next one on, and half of what all unfinished messages together may hold. */
  maxMessageBytes: number;
  #bytesRead = 0;

  readonly #streams = new ChunkStreams();
  /** Room taken by all unfinished messages. */
  #roomBytes = 0;

  /** The chunk being read, and how much of it is still to come. */
  #current: ChunkStream = new ChunkStream(0);
  #chunkLeft = 0;
  /** Bytes of a header that was cut. */
  #carry: Buffer = noBytes;
  #dead = false;
  #stopped = false;

  constructor(options: ChunkReaderOptions = {}) {
    this.chunkSize = options.chunkSize ?? defaultChunkSize;
    this.maxMessageBytes = options.maxMessageBytes ?? defaultMaxMessageBytes;
  }

  /** Memory that messages take which are not complete. */
  get unfinishedBytes(): number {
    return this.#roomBytes;
  }

  /** Called by `onMessage`: no more messages for now. What is left of the bytes is returned by `push`. */
  stop(): void {
    this.#stopped = true;
  }

  /** Nothing is read any more: frees what unfinished messages hold. */
  close(): void {
    this.#stopped = true;
    for (const stream of this.#streams.all()) {
      if (!stream.open) continue;
      free(stream.payload);
      this.#drop(stream);
    }
  }

  /**
   * Reads the next bytes and calls `onMessage`, before it returns, for each message they complete. A payload that lies
   * in `bytes` in one piece is a view: who keeps a message, or a view of some kilobytes, keeps a copy. `onMessage` must
   * not push.
   *
   * @returns what has not been read, because of `stop`: to be pushed before all else
   * @throws RtmpError when the peer broke the protocol; whatever is thrown, the reader is of no more use.
   */
  push(bytes: Buffer, onMessage: (message: RtmpMessage) => void): Buffer | undefined {
    if (this.#dead) throw new RtmpError('reader-dead', 'chunk stream read on after an error');
    this.#dead = true; // Until the end of this call is reached.
    this.#stopped = false;
    this.#bytesRead += bytes.length;
    let input = bytes;
    if (this.#carry.length > 0) {
      input = Buffer.concat([this.#carry, bytes]);
      this.#carry = noBytes;
    }
    const end = input.length;
    let at = 0;
    while (at < end && !this.#stopped) {
      if (this.#chunkLeft === 0) {
        const next = this.#readHeader(input, at, end);
        if (next < 0) {
          this.#carry = Buffer.from(input.subarray(at));
          at = end;
          break;
        }
        at = next;
      }
      at = this.#readPayload(input, at, end, onMessage);
    }
    this.#dead = false;
    if (at === end) return undefined;
    this.#bytesRead -= end - at;
    return input.subarray(at);
  }

  /** Reads a chunk header whole and opens its chunk; returns the offset behind it, or -1 when it is cut. */
  #readHeader(input: Buffer, start: number, end: number): number {
    let at = start;
    const first = input[at++] as number;
    const format = first >>> 6;
    let csid = first & 0x3f;
    if (csid === 0) {
      if (at + 1 > end) return -1;
      csid = (input[at] as number) + 64;
      at += 1;
    } else if (csid === 1) {
      if (at + 2 > end) return -1;
      csid = (input[at] as number) + (input[at + 1] as number) * 256 + 64;
      at += 2;
    }
    const stream = this.#streams.get(csid);

    if (format === 3) {
      if (stream.fresh) throw this.#badHeader(stream, 'continues a chunk stream that never began');
      if (stream.extended) {
        const matches = matchExtended(input, at, end, stream);
        if (matches === undefined) return -1;
        if (matches) at += 4;
      }
      if (!stream.open) this.#begin(stream, (stream.timestamp + stream.delta) >>> 0);
      this.#openChunk(stream);
      return at;
    }

    const headerEnd = at + (format === 0 ? 11 : format === 1 ? 7 : 3);
    if (headerEnd > end) return -1;
    let field = (input[at] as number) * 0x10000 + (input[at + 1] as number) * 0x100 + (input[at + 2] as number);
    const extended = field === extendedMarker;
    const behind = extended ? headerEnd + 4 : headerEnd;
    if (behind > end) return -1;
    if (extended) field = input.readUInt32BE(headerEnd);

    // librtmp begins chunk stream 2 with type 1; there is no way to read type 2 or 3 there.
    if (stream.fresh && format === 2) throw this.#badHeader(stream, 'begins with a header that has no length');
    const length =
      format === 2
        ? stream.length
        : (input[at + 3] as number) * 0x10000 + (input[at + 4] as number) * 0x100 + (input[at + 5] as number);
    const type = format === 2 ? stream.type : (input[at + 6] as number);
    const streamId = format === 0 ? input.readUInt32LE(at + 7) : stream.streamId;

    if (stream.open) {
      // §5.3.1.2.4 says that a message SHOULD be continued by type 3: others may repeat their header, not change it.
      if (length !== stream.length || type !== stream.type || streamId !== stream.streamId) {
        throw this.#badHeader(stream, 'begins a message before the last one is complete');
      }
    } else {
      stream.fresh = false;
      stream.extended = extended;
      stream.extendedField = field;
      stream.length = length;
      stream.type = type;
      stream.streamId = streamId;
      // A type 3 header behind type 0 repeats its timestamp as difference (§5.3.1.2.4; encoders do rely on it). With
      // an extended one that would be a leap of hours: nobody means it, so there it repeats the time.
      stream.delta = format === 0 && extended ? 0 : field;
      this.#begin(stream, format === 0 ? field : (stream.timestamp + field) >>> 0);
    }
    this.#openChunk(stream);
    return behind;
  }

  #badHeader(stream: ChunkStream, what: string): RtmpError {
    const where = `chunk stream ${stream.csid}, before byte ${this.#bytesRead}`;
    return new RtmpError('bad-chunk-header', `chunk header ${what} (${where})`);
  }

  #begin(stream: ChunkStream, timestamp: number): void {
    if (stream.length > this.maxMessageBytes) {
      const what = `message of ${stream.length} bytes, type ${stream.type}`;
      throw new RtmpError('message-too-large', `${what}; at most ${this.maxMessageBytes} are allowed`);
    }
    stream.timestamp = timestamp;
    stream.open = true;
    stream.received = 0;
  }

  #openChunk(stream: ChunkStream): void {
    this.#current = stream;
    this.#chunkLeft = Math.min(stream.length - stream.received, this.chunkSize);
  }

  /** Takes what is there of the open chunk; returns the offset behind it. */
  #readPayload(input: Buffer, at: number, end: number, onMessage: (message: RtmpMessage) => void): number {
    const stream = this.#current;
    const taken = Math.min(this.#chunkLeft, end - at);
    const behind = at + taken;
    this.#chunkLeft -= taken;
    if (taken === stream.length) {
      // The whole message in one piece.
      this.#deliver(stream, taken === 0 ? noBytes : input.subarray(at, behind), onMessage);
      return behind;
    }
    const received = stream.received + taken;
    if (received > stream.payload.length) this.#makeRoom(stream, received, end - at);
    input.copy(stream.payload, stream.received, at, behind);
    stream.received = received;
    if (received === stream.length) {
      const payload = stream.payload;
      this.#drop(stream);
      this.#deliver(stream, payload, onMessage);
    }
    return behind;
  }

  /** Grows the room of an unfinished message: to about twice what has come, at the end to its exact size. */
  #makeRoom(stream: ChunkStream, needed: number, present: number): void {
    const old = stream.payload;
    const atHand = Math.min(stream.received + present, maxFirstRoomBytes);
    const wanted = Math.max(minRoomBytes, needed, 2 * old.length, atHand);
    const room = Buffer.allocUnsafe(Math.min(stream.length, wanted));
    this.#roomBytes += room.length - old.length;
    if (this.#roomBytes > 2 * this.maxMessageBytes) {
      throw new RtmpError('message-too-large', `unfinished messages hold more than ${2 * this.maxMessageBytes} bytes`);
    }
    old.copy(room, 0, 0, stream.received);
    free(old);
    stream.payload = room;
  }

  /** Forgets the message begun, and its bytes. */
  #drop(stream: ChunkStream): void {
    this.#roomBytes -= stream.payload.length;
    stream.payload = noBytes;
    stream.received = 0;
    stream.open = false;
  }

  #deliver(stream: ChunkStream, payload: Buffer, onMessage: (message: RtmpMessage) => void): void {
    stream.open = false;
    if (stream.type === MessageType.setChunkSize) this.#setChunkSize(payload);
    else if (stream.type === MessageType.abort && payload.length >= 4) this.#abort(payload);
    else onMessage({ type: stream.type, timestamp: stream.timestamp, streamId: stream.streamId, payload });
  }

  #setChunkSize(payload: Buffer): void {
    if (payload.length < 4)
      throw new RtmpError('bad-chunk-size', `SetChunkSize of ${payload.length} bytes; 4 expected`);
    const size = payload.readUInt32BE(0);
    if (size < 1 || size > maxChunkSize) {
      throw new RtmpError('bad-chunk-size', `SetChunkSize ${size}; 1 to ${maxChunkSize} are possible`);
    }
    this.chunkSize = size;
  }

  #abort(payload: Buffer): void {
    const csid = payload.readUInt32BE(0);
    const stream = this.#streams.find(csid);
    if (stream?.open === true) this.#drop(stream);
  }
}

/**
 * Whether a type 3 chunk repeats the extended timestamp. The specification and Adobe say it does, older librtmp, FFmpeg
 * and nginx-rtmp leave it out: so the four bytes are compared with the value before. Undefined: too few bytes to tell.
 */
function matchExtended(input: Buffer, at: number, end: number, stream: ChunkStream): boolean | undefined {
  const present = Math.min(4, end - at);
  let value = 0;
  for (let i = 0; i < present; i++) value = value * 0x100 + (input[at + i] as number);
  const shift = 2 ** (8 * (4 - present));
  const matches = value === Math.floor(stream.extendedField / shift) || value === Math.floor(stream.timestamp / shift);
  if (present === 4) return matches;
  return matches ? undefined : false;
}

/**
 * Gives back the memory of a room that nobody else has seen. Garbage of this size comes faster than it is collected
 * when somebody sends large messages without finishing them.
 */
function free({ buffer, length }: Buffer): void {
  // A smaller one is a part of a buffer that others use, too.
  if (buffer instanceof ArrayBuffer && buffer.byteLength === length && length >= maxFirstRoomBytes) buffer.transfer(0);
}

/**
 * FLV files and streams (FLV 10.1 §E.2, §E.3, §E.4.1), read from any cut of bytes: what players do with what we send.
 */

const fileHeaderBytes = 9;
const tagHeaderBytes = 11;
const previousTagSizeBytes = 4;

export interface FlvTag {
  /** 8 audio, 9 video, 18 script data, 15 script data in AMF3. */
  readonly type: number;
  /** Milliseconds, unsigned 32 bits. */
  readonly timestamp: number;
  readonly payload: Buffer;
}

/** The bytes are no FLV. */
export class FlvError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'FlvError';
  }
}

/** Room taken for an unfinished tag before more bytes than this have come. */
const firstRoomBytes = 64 * 1024;

/** Reads one FLV stream, cut anywhere. Memory follows the bytes received, not the sizes announced. */
export class FlvReader {
  /** Bytes to pass over: what the file header has beyond nine bytes, and PreviousTagSize. */
  #skip = 0;
  /** The file header until `#begun`, then the header of a tag. */
  readonly #header = Buffer.alloc(tagHeaderBytes);
  #headerFilled = 0;
  #begun = false;
  #payload: Buffer = Buffer.alloc(0);
  #filled = 0;
  /** Length of the payload being read; -1 while reading a header. */
  #length = -1;

  /**
   * Reads the next bytes and calls `onTag`, before it returns, for each tag they complete. Payloads are copies.
   *
   * @throws FlvError when this is no FLV; the reader is of no more use then.
   */
  push(bytes: Buffer, onTag: (tag: FlvTag) => void): void {
    let at = 0;
    while (at < bytes.length) {
      if (this.#skip > 0) {
        const skipped = Math.min(this.#skip, bytes.length - at);
        this.#skip -= skipped;
        at += skipped;
      } else if (this.#length < 0) {
        at = this.#readHeader(bytes, at);
      } else {
        at = this.#readPayload(bytes, at);
      }
      if (this.#length >= 0 && this.#filled === this.#length) onTag(this.#finishTag());
    }
  }

  #readHeader(bytes: Buffer, at: number): number {
    const wanted = this.#begun ? tagHeaderBytes : fileHeaderBytes;
    const taken = bytes.copy(this.#header, this.#headerFilled, at, at + wanted - this.#headerFilled);
    this.#headerFilled += taken;
    if (!this.#begun) this.#checkSignature();
    if (this.#headerFilled === wanted) {
      this.#headerFilled = 0;
      if (this.#begun) {
        this.#length = this.#header.readUIntBE(1, 3);
        this.#filled = 0;
      } else {
        this.#begun = true;
        const dataOffset = this.#header.readUInt32BE(5);
        if (dataOffset < fileHeaderBytes || dataOffset > 0xffff) {
          throw new FlvError(`FLV header of ${dataOffset} bytes; ${fileHeaderBytes} expected`);
        }
        this.#skip = dataOffset - fileHeaderBytes + previousTagSizeBytes;
      }
    }
    return at + taken;
  }

  #checkSignature(): void {
    const signature = this.#header.toString('latin1', 0, Math.min(3, this.#headerFilled));
    if (!'FLV'.startsWith(signature)) throw new FlvError('no FLV signature at the beginning');
  }

  #readPayload(bytes: Buffer, at: number): number {
    const taken = Math.min(this.#length - this.#filled, bytes.length - at);
    const filled = this.#filled + taken;
    if (filled > this.#payload.length) {
      const wanted = Math.max(firstRoomBytes, filled, 2 * this.#payload.length);
      const room = Buffer.allocUnsafe(Math.min(this.#length, wanted));
      this.#payload.copy(room, 0, 0, this.#filled);
      this.#payload = room;
    }
    bytes.copy(this.#payload, this.#filled, at, at + taken);
    this.#filled = filled;
    return at + taken;
  }

  #finishTag(): FlvTag {
    const header = this.#header;
    const tag = {
      type: header.readUInt8(0) & 0x1f,
      timestamp: header.readUIntBE(4, 3) + header.readUInt8(7) * 0x1000000,
      payload: this.#payload,
    };
    this.#payload = Buffer.alloc(0);
    this.#filled = 0;
    this.#length = -1;
    this.#skip = previousTagSizeBytes;
    return tag;
  }
}

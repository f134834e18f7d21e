/**
 * What can be wrong with bytes or names that a peer sent. Every error of this layer is one of these two classes:
 * anything else that escapes is a bug of ours.
 */

export type RtmpErrorCode =
  /** The peer's first bytes are no RTMP handshake we speak. */
  | 'handshake'
  /** A chunk header that contradicts what its chunk stream said before. */
  | 'bad-chunk-header'
  /** SetChunkSize outside 1…0x7fffffff, or cut. */
  | 'bad-chunk-size'
  /** More chunk streams than any client needs. */
  | 'too-many-chunk-streams'
  /** One message, or all half-received messages together, larger than allowed. */
  | 'message-too-large'
  /** Not an RTMP URL. */
  | 'bad-url'
  /** The name of a vhost, application or stream that is too long, or that servers would read in different ways. */
  | 'bad-name'
  /** The reader failed before and has lost its place in the stream. */
  | 'reader-dead';

/** The peer broke RTMP. The connection is of no more use. */
export class RtmpError extends Error {
  readonly code: RtmpErrorCode;

  constructor(code: RtmpErrorCode, message: string) {
    super(message);
    this.name = 'RtmpError';
    this.code = code;
  }
}

export type AmfErrorCode =
  /** The value goes on past the end of the payload. */
  | 'truncated'
  /** A type marker that the specification reserves or does not know. */
  | 'unknown-marker'
  /** A type we do not read (externalizable objects, vectors, dictionaries). */
  | 'unsupported'
  /** A reference to something that was not there before. */
  | 'bad-reference'
  /** A reference to an object from inside that object. */
  | 'cyclic'
  | 'too-deep'
  | 'too-large';

/** Bytes that are no AMF0 or AMF3, or a value that cannot be written as AMF0. */
export class AmfError extends Error {
  readonly code: AmfErrorCode;
  /** Where in the payload, in bytes; -1 when encoding. */
  readonly offset: number;

  constructor(code: AmfErrorCode, offset: number, message: string) {
    // A peer may send such bytes in every message: to collect the stack, which tells nothing, would cost ten times as much
    // as to read them.
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super(offset < 0 ? message : `${message} (at byte ${offset})`);
    Error.stackTraceLimit = stackTraceLimit;
    this.name = 'AmfError';
    this.code = code;
    this.offset = offset;
  }
}

/**
 * Frames as FLV tags (FLV 10.1 §E.4.1), bare, as one HTTP/1.1 chunk, or as one WebSocket message. Tags carry
 * the stream's own time: players measure from the first tag they get.
 */

import { tagSize, writeTag } from '../flv/tag.ts';
import { type Frame, Track } from './frame.ts';
import type { Run, SharedRun, WireFormat } from './slice.ts';

/** What goes around a run of tags on the wire. */
export type FlvFraming = 'bare' | 'chunked' | 'websocket';

/** The tracks that the FLV header announced; others are left out. */
export interface FlvTracks {
  readonly audio: boolean;
  readonly video: boolean;
}

class FlvFormat implements WireFormat {
  readonly zeroBased = false;
  readonly #framing: FlvFraming;
  readonly #tracks: FlvTracks;

  constructor(framing: FlvFraming, tracks: FlvTracks) {
    this.#framing = framing;
    this.#tracks = tracks;
  }

  encode(run: Run): Buffer {
    const headers = this.#wanted(run.headers);
    const frames = this.#wanted(run.frames);
    let size = 0;
    for (const header of headers) size += tagSize(header.payload.length);
    for (const frame of frames) size += tagSize(frame.payload.length);
    if (size === 0) return Buffer.alloc(0);
    const { head, tail } = frameAround(this.#framing, size);
    const bytes = Buffer.allocUnsafeSlow(head.length + size + tail.length);
    let offset = head.copy(bytes);
    for (const header of headers) {
      offset = writeTag(bytes, offset, header.type, tagTime(header, run.headersMs), header.payload);
    }
    for (const frame of frames) {
      offset = writeTag(bytes, offset, frame.type, tagTime(frame, frame.timeMs), frame.payload);
    }
    tail.copy(bytes, offset);
    return bytes;
  }

  /** Every tag has the stream's own time: it is right for every player, whatever the player had before. */
  share(run: Run): SharedRun {
    const bytes = this.encode(run);
    const parts = bytes.length === 0 ? [] : [bytes];
    return { heldBytes: bytes.length, parts: () => parts };
  }

  #wanted(frames: readonly Frame[]): readonly Frame[] {
    const { audio, video } = this.#tracks;
    if (audio && video) return frames;
    return frames.filter(({ track }) => (track === Track.audio ? audio : track === Track.video ? video : true));
  }
}

/** As in SRS, metadata has no time: FFmpeg takes it for a subtitle track where it has one. */
function tagTime({ role }: Frame, timeMs: number): number {
  return role === 'metadata' ? 0 : timeMs % 2 ** 32;
}

const nothing = Buffer.alloc(0);
const chunkEnd = Buffer.from('\r\n');

/** Bytes before and after `size` bytes of tags. */
function frameAround(framing: FlvFraming, size: number): { head: Buffer; tail: Buffer } {
  switch (framing) {
    case 'bare':
      return { head: nothing, tail: nothing };
    case 'chunked': // RFC 9112 §7.1
      return { head: Buffer.from(`${size.toString(16)}\r\n`), tail: chunkEnd };
    case 'websocket':
      return { head: binaryFrameHeader(size), tail: nothing };
  }
}

/** RFC 6455 §5.2: a whole, unmasked binary message. */
function binaryFrameHeader(size: number): Buffer {
  const finalBinary = 0x82;
  if (size < 126) return Buffer.from([finalBinary, size]);
  if (size < 2 ** 16) {
    const header = Buffer.from([finalBinary, 126, 0, 0]);
    header.writeUInt16BE(size, 2);
    return header;
  }
  const header = Buffer.alloc(10);
  header[0] = finalBinary;
  header[1] = 127;
  header.writeBigUInt64BE(BigInt(size), 2);
  return header;
}

/** Puts any bytes (the FLV file header) in the same framing. */
export function framed(framing: FlvFraming, bytes: Buffer): Buffer {
  const { head, tail } = frameAround(framing, bytes.length);
  return Buffer.concat([head, bytes, tail]);
}

const formats = new Map<string, FlvFormat>();

/** The one format object for these settings, so that all players with them share bytes. */
export function flvFormat(framing: FlvFraming, tracks: FlvTracks): FlvFormat {
  const key = `${framing} ${tracks.audio} ${tracks.video}`;
  let format = formats.get(key);
  if (format === undefined) {
    format = new FlvFormat(framing, tracks);
    formats.set(key, format);
  }
  return format;
}

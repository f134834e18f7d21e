/**
 * Frames as FLV tags (FLV 10.1 §E.4.1), bare, as one HTTP/1.1 chunk, or as one WebSocket message. Tags carry absolute
 * times: those of the stream, or the time since an epoch (see flv-epochs.ts). What was before the epoch has the time 0.
 */

import { tagSize, writeTag } from '../flv/tag.ts';
import { type FrameRole, Track } from './frame.ts';
import type { PackedFrames } from './packed-frames.ts';
import type { Allocate, Run, SharedRun, WireFormat } from './wire-format.ts';

/** What goes around a run of tags on the wire. */
export type FlvFraming = 'bare' | 'chunked' | 'websocket';

/** The tracks that the FLV header announced; others are left out. */
export interface FlvTracks {
  readonly audio: boolean;
  readonly video: boolean;
}

export class FlvFormat implements WireFormat {
  readonly zeroBased = false;
  readonly #framing: FlvFraming;
  readonly #tracks: FlvTracks;
  readonly #epochMs: number | undefined;

  /** @param epochMs stream time at which time begins; undefined for the stream's own time */
  constructor(framing: FlvFraming, tracks: FlvTracks, epochMs: number | undefined) {
    this.#framing = framing;
    this.#tracks = tracks;
    this.#epochMs = epochMs;
  }

  encode({ headers, headersMs, frames }: Run, allocate: Allocate): Buffer {
    const size = this.#sizeOf(headers) + this.#sizeOf(frames);
    if (size === 0) return Buffer.alloc(0);
    const { head, tail } = frameAround(this.#framing, size);
    const bytes = allocate(head.length + size + tail.length);
    let offset = head.copy(bytes);
    offset = this.#write(bytes, offset, headers, headersMs);
    offset = this.#write(bytes, offset, frames, undefined);
    tail.copy(bytes, offset);
    return bytes;
  }

  #sizeOf(frames: PackedFrames): number {
    let size = 0;
    for (let at = 0; at < frames.end; at = frames.next(at)) {
      if (this.#wants(frames.track(at))) size += tagSize(frames.size(at));
    }
    return size;
  }

  /** @param allMs stream time of all of them, in place of their own */
  #write(bytes: Buffer, offset: number, frames: PackedFrames, allMs: number | undefined): number {
    let end = offset;
    for (let at = 0; at < frames.end; at = frames.next(at)) {
      if (!this.#wants(frames.track(at))) continue;
      const time = this.#tagTime(frames.role(at), allMs ?? frames.timeMs(at));
      const start = frames.payloadStart(at);
      end = writeTag(bytes, end, frames.type(at), time, frames.bytes, start, start + frames.size(at));
    }
    return end;
  }

  /** Tags have absolute times: they are right for every player, whatever the player had before. */
  share(run: Run): SharedRun {
    const bytes = this.encode(run, Buffer.allocUnsafeSlow);
    const parts = bytes.length === 0 ? [] : [bytes];
    return { heldBytes: bytes.length, parts: () => parts };
  }

  /** As in SRS, metadata has no time: FFmpeg takes it for a subtitle track where it has one. */
  #tagTime(role: FrameRole, timeMs: number): number {
    if (role === 'metadata') return 0;
    return this.#epochMs === undefined ? timeMs >>> 0 : Math.max(0, timeMs - this.#epochMs) >>> 0;
  }

  #wants(track: Track): boolean {
    const { audio, video } = this.#tracks;
    return track === Track.audio ? audio : track === Track.video ? video : true;
  }
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

/** The one format object for these settings, so that all players that see the stream's own time share bytes. */
export function flvFormat(framing: FlvFraming, tracks: FlvTracks): FlvFormat {
  const key = formatKey(framing, tracks);
  let format = formats.get(key);
  if (format === undefined) {
    format = new FlvFormat(framing, tracks, undefined);
    formats.set(key, format);
  }
  return format;
}

export function formatKey(framing: FlvFraming, tracks: FlvTracks): string {
  return `${framing} ${tracks.audio} ${tracks.video}`;
}

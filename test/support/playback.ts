/** A player's end of the wire: what was written to it, and what it decodes from that. */

import { FlvReader } from '../../edge/flv/reader.ts';
import { flvHeader } from '../../edge/flv/tag.ts';
import { ChunkReader } from '../../edge/rtmp/chunk-reader.ts';
import { type FlvFraming, flvFormat } from '../../edge/stream/flv-format.ts';
import type { LiveStream } from '../../edge/stream/live-stream.ts';
import { Player, type PlayerOptions } from '../../edge/stream/player.ts';
import type { PlayerSink } from '../../edge/stream/player-sink.ts';
import type { QueueLimits } from '../../edge/stream/queue-limits.ts';

/** A media message as a player gets it. */
export interface Played {
  readonly type: number;
  /** Milliseconds, unsigned 32 bits. */
  readonly timestamp: number;
  readonly payload: Buffer;
}

/** Takes as many writes as it has credit for: a client with a full socket has none. */
export class RecordingSink implements PlayerSink {
  #credit = Number.POSITIVE_INFINITY;
  #full = false;
  readonly writes: Buffer[] = [];
  /** Of writes in pieces, the pieces. */
  readonly parts: (readonly Buffer[])[] = [];
  readonly ends: string[] = [];
  /** Times that the stream was said to be live. */
  lives = 0;

  set credit(credit: number) {
    this.#credit = credit;
    if (credit > 0) this.#full = false;
  }

  get writable(): boolean {
    return this.#credit > 0;
  }

  writeParts(parts: readonly Buffer[]): boolean {
    this.parts.push(parts);
    return this.write(Buffer.concat(parts));
  }

  write(bytes: Buffer): boolean {
    if (this.#full) throw new Error('written to although it asked for no more');
    this.#credit--;
    this.writes.push(bytes);
    this.#full = !this.writable;
    return this.writable;
  }

  live(): void {
    this.lives++;
  }

  end(reason: string): void {
    this.ends.push(reason);
  }
}

const roomy = (): QueueLimits => ({ queueLengthMs: 30_000, queueMaxBytes: 16_000_000 });

/** A player of the stream that is as quick as its sink; of bare FLV, unless it is to be another format. */
export function attachPlayer(
  stream: LiveStream,
  options: Partial<Pick<PlayerOptions, 'format' | 'request'>> = {},
): { readonly sink: RecordingSink; readonly player: Player } {
  const sink = new RecordingSink();
  const format = flvFormat('bare', { audio: true, video: true });
  const player = new Player({ format, sink, limits: roomy, ...options });
  stream.attach(player);
  return { sink, player };
}

export function decodeRtmp(writes: readonly Buffer[], chunkSize: number): Played[] {
  const played: Played[] = [];
  const reader = new ChunkReader({ chunkSize });
  for (const bytes of writes) {
    reader.push(bytes, ({ type, timestamp, payload }) => played.push({ type, timestamp, payload }));
  }
  return played;
}

/** @throws Error when a write is not one whole piece in the framing */
export function decodeFlv(writes: readonly Buffer[], framing: FlvFraming): Played[] {
  const played: Played[] = [];
  const reader = new FlvReader();
  reader.push(flvHeader({ audio: true, video: true }), () => {});
  for (const bytes of writes) reader.push(unframed(bytes, framing), (tag) => played.push(tag));
  return played;
}

function unframed(bytes: Buffer, framing: FlvFraming): Buffer {
  switch (framing) {
    case 'bare':
      return bytes;
    case 'chunked': {
      const lineEnd = bytes.indexOf('\r\n');
      const size = Number.parseInt(bytes.toString('latin1', 0, lineEnd), 16);
      const body = bytes.subarray(lineEnd + 2, lineEnd + 2 + size);
      const tail = bytes.toString('latin1', lineEnd + 2 + size);
      if (body.length !== size || size === 0 || tail !== '\r\n') throw new Error('no whole HTTP chunk');
      return body;
    }
    case 'websocket': {
      if (bytes[0] !== 0x82) throw new Error('no final binary message');
      const short = bytes.readUInt8(1);
      const head = short < 126 ? 2 : short === 126 ? 4 : 10;
      const size = short < 126 ? short : short === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
      if (bytes.length !== head + size) throw new Error('no whole WebSocket message');
      return bytes.subarray(head);
    }
  }
}

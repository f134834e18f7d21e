/**
 * Frames as RTMP chunks (RTMP 1.0 §5.3.1). Nearly all players use the same chunk size, chunk stream ids and message
 * stream id, and type-1 headers carry time differences: so one buffer is right for every player, whatever time
 * each of them started at. The first message of a track a player gets has a type-0 header with absolute time.
 *
 * A track that comes late may begin before the player's zero. Such frames get the time zero, and none is counted from
 * there: their track would be shifted against the others.
 */

import { messageSize, writeMessageHeader, writePayload } from '../rtmp/chunk-writer.ts';
import type { PackedFrames } from './packed-frames.ts';
import { RtmpSharedRun } from './rtmp-shared-run.ts';
import { chunkStreamOfTrack, firstStreamId } from './rtmp-stream-ids.ts';
import type { Allocate, Run, SharedRun, WireFormat } from './wire-format.ts';

class RtmpFormat implements WireFormat {
  readonly zeroBased: boolean;
  readonly #chunkSize: number;
  readonly #streamId: number;

  constructor(chunkSize: number, zeroBased: boolean, streamId: number) {
    this.#chunkSize = chunkSize;
    this.#streamId = streamId;
    this.zeroBased = zeroBased;
  }

  encode(run: Run, allocate: Allocate): Buffer {
    const chunkSize = this.#chunkSize;
    const streamId = this.#streamId;
    let size = 0;
    this.#walk(run, (frames, at, headerType, time) => {
      size += messageSize(frames.size(at), headerType, chunkStreamOfTrack[frames.track(at)], time, chunkSize);
    });
    const bytes = allocate(size);
    let offset = 0;
    this.#walk(run, (frames, at, headerType, time) => {
      const csid = chunkStreamOfTrack[frames.track(at)];
      const length = frames.size(at);
      const start = frames.payloadStart(at);
      offset = writeMessageHeader(bytes, offset, headerType, csid, time, length, frames.type(at), streamId);
      offset = writePayload(bytes, offset, csid, time, frames.bytes, start, start + length, chunkSize);
    });
    return bytes;
  }

  share(run: Run): SharedRun {
    return new RtmpSharedRun(run, this.#chunkSize, this.#streamId);
  }

  #walk({ headers, headersMs, frames, lastTimes, baseMs }: Run, visit: Visit): void {
    const headersTime = Math.max(0, headersMs - baseMs) % 2 ** 32;
    for (let at = 0; at < headers.end; at = headers.next(at)) visit(headers, at, 0, headersTime);
    const last = [...lastTimes];
    for (let at = 0; at < frames.end; at = frames.next(at)) {
      const track = frames.track(at);
      const timeMs = frames.timeMs(at);
      const before = last[track];
      if (before === undefined && timeMs < baseMs) {
        visit(frames, at, 0, 0);
        continue;
      }
      last[track] = timeMs;
      if (before === undefined) visit(frames, at, 0, (timeMs - baseMs) % 2 ** 32);
      else visit(frames, at, 1, timeMs - before);
    }
  }
}

/** Takes the frame at a position, with the type and the time field of its chunk header. */
type Visit = (frames: PackedFrames, at: number, headerType: 0 | 1, time: number) => void;

const formats = new Map<string, RtmpFormat>();

/** The one format object for these settings, so that all players with them share bytes. */
export function rtmpFormat(chunkSize: number, zeroBased: boolean, streamId: number = firstStreamId): RtmpFormat {
  const key = `${chunkSize} ${zeroBased} ${streamId}`;
  let format = formats.get(key);
  if (format === undefined) {
    format = new RtmpFormat(chunkSize, zeroBased, streamId);
    formats.set(key, format);
  }
  return format;
}

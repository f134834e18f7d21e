/**
 * Frames as RTMP chunks (RTMP 1.0 §5.3.1). Nearly all players use the same chunk size, chunk stream ids and message
 * stream id, and type-1 headers carry time differences: so one buffer is right for every player, whatever time
 * each of them started at. The first message of a track a player gets has a type-0 header with absolute time.
 *
 * A track that comes late may begin before the player's zero. Such frames get the time zero, and none is counted from
 * there: their track would be shifted against the others.
 */

import { messageSize, writeMessage } from '../rtmp/chunk-writer.ts';
import type { Frame } from './frame.ts';
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
    this.#walk(run, (frame, headerType, time) => {
      size += messageSize(frame.payload.length, headerType, chunkStreamOfTrack[frame.track], time, chunkSize);
    });
    const bytes = allocate(size);
    let offset = 0;
    this.#walk(run, (frame, headerType, time) => {
      const csid = chunkStreamOfTrack[frame.track];
      offset = writeMessage(bytes, offset, headerType, csid, time, frame.type, streamId, frame.payload, chunkSize);
    });
    return bytes;
  }

  share(run: Run): SharedRun {
    return new RtmpSharedRun(run, this.#chunkSize, this.#streamId);
  }

  #walk(run: Run, visit: (frame: Frame, headerType: 0 | 1, time: number) => void): void {
    const lastTimes = [...run.lastTimes];
    const headersTime = Math.max(0, run.headersMs - run.baseMs) % 2 ** 32;
    for (const header of run.headers) visit(header, 0, headersTime);
    for (const frame of run.frames) {
      const last = lastTimes[frame.track];
      if (last === undefined && frame.timeMs < run.baseMs) {
        visit(frame, 0, 0);
        continue;
      }
      lastTimes[frame.track] = frame.timeMs;
      if (last === undefined) visit(frame, 0, (frame.timeMs - run.baseMs) % 2 ** 32);
      else visit(frame, 1, frame.timeMs - last);
    }
  }
}

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

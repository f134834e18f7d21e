/**
 * A run of RTMP messages for players that have different things before it: after a pause of their video, or after
 * frames that were dropped. All bytes are shared but the first chunk header of each track, which tells the distance
 * to what this player last had, or the time since this player began (RTMP 1.0 §5.3.1.2).
 */

import { messageHeaderSize, messageSize, writeMessageHeader, writePayload } from '../rtmp/chunk-writer.ts';
import { type Track, trackCount } from './frame.ts';
import type { PackedFrames } from './packed-frames.ts';
import { chunkStreamOfTrack } from './rtmp-stream-ids.ts';
import type { Rejoining, Run, SharedRun } from './wire-format.ts';

/** From this time on chunk headers have four bytes more, which every chunk of the message repeats. */
const extendedFrom = 0xffffff;

interface Message {
  /** The frame, by its position. */
  readonly frames: PackedFrames;
  readonly at: number;
  readonly type: number;
  readonly track: Track;
  readonly bytes: number;
  readonly timeMs: number;
}

export class RtmpSharedRun implements SharedRun {
  readonly #chunkSize: number;
  readonly #streamId: number;
  readonly #messages: readonly Message[];
  /** Time of each message since the one before on its track, as it stands in `#bytes`. */
  readonly #differences: readonly number[];
  /** Where each message begins in `#bytes`, and where its first payload byte is. */
  readonly #starts: number[] = [];
  readonly #payloads: number[] = [];
  readonly #bytes: Buffer;

  constructor({ headers, headersMs, frames, lastTimes }: Run, chunkSize: number, streamId: number) {
    this.#streamId = streamId;
    this.#chunkSize = chunkSize;
    this.#messages = [...messagesOf(headers, headersMs), ...messagesOf(frames)];
    const differences = differencesOf(this.#messages, lastTimes);
    this.#differences = differences;
    let size = 0;
    for (const [index, { bytes, track }] of this.#messages.entries()) {
      size += messageSize(bytes, 1, chunkStreamOfTrack[track], differences[index] ?? 0, chunkSize);
    }
    this.#bytes = Buffer.allocUnsafeSlow(size);
    let offset = 0;
    for (const [index, message] of this.#messages.entries()) {
      const difference = differences[index] ?? 0;
      this.#starts.push(offset);
      this.#payloads.push(offset + messageHeaderSize(1, chunkStreamOfTrack[message.track], difference));
      offset = this.#write(this.#bytes, offset, message, 1, difference);
    }
  }

  #write(target: Buffer, offset: number, message: Message, headerType: 0 | 1, timeField: number): number {
    const { frames, at, type, track, bytes } = message;
    const csid = chunkStreamOfTrack[track];
    const start = frames.payloadStart(at);
    const behind = writeMessageHeader(target, offset, headerType, csid, timeField, bytes, type, this.#streamId);
    return writePayload(target, behind, csid, timeField, frames.bytes, start, start + bytes, this.#chunkSize);
  }

  get heldBytes(): number {
    return this.#bytes.length;
  }

  parts({ inStep, known, baseMs }: Rejoining): Buffer[] {
    const parts: Buffer[] = [];
    const last = [...known];
    let fitting = inStep;
    let from = 0;
    for (let index = 0; index < this.#messages.length && fitting !== allTracks; index++) {
      const message = this.#messages[index] as Message;
      const bit = 1 << message.track;
      if ((fitting & bit) !== 0) continue;
      const time = message.timeMs;
      const before = last[message.track];
      const isDifference = before !== undefined && time >= before;
      // A track that comes late may begin before the player's zero: nothing is counted from such messages.
      if (isDifference || time >= baseMs) fitting |= bit;
      last[message.track] = undefined;
      const timeField = isDifference ? time - before : Math.max(0, time - baseMs) % 2 ** 32;
      const start = this.#starts[index] ?? 0;
      if (start > from) parts.push(this.#bytes.subarray(from, start));
      from = this.#addHeader(parts, index, message, isDifference ? 1 : 0, timeField);
    }
    if (from < this.#bytes.length) parts.push(this.#bytes.subarray(from));
    return parts;
  }

  /** Adds this player's own header of a message; returns where the shared bytes go on. */
  #addHeader(parts: Buffer[], index: number, message: Message, headerType: 0 | 1, timeField: number): number {
    const { type, track, bytes } = message;
    const csid = chunkStreamOfTrack[track];
    // An extended time stands in every chunk of the message, so that nothing of its bytes can be shared.
    const isExtended = timeField >= extendedFrom || (this.#differences[index] ?? 0) >= extendedFrom;
    if (isExtended && bytes > this.#chunkSize) {
      const own = Buffer.allocUnsafeSlow(messageSize(bytes, headerType, csid, timeField, this.#chunkSize));
      this.#write(own, 0, message, headerType, timeField);
      parts.push(own);
      return this.#starts[index + 1] ?? this.#bytes.length;
    }
    const header = Buffer.allocUnsafe(messageHeaderSize(headerType, csid, timeField));
    writeMessageHeader(header, 0, headerType, csid, timeField, bytes, type, this.#streamId);
    parts.push(header);
    return this.#payloads[index] ?? 0;
  }
}

/** @param allMs stream time of all of them, in place of their own */
function messagesOf(frames: PackedFrames, allMs?: number): Message[] {
  const messages: Message[] = [];
  for (let at = 0; at < frames.end; at = frames.next(at)) {
    messages.push({
      frames,
      at,
      type: frames.type(at),
      track: frames.track(at),
      bytes: frames.size(at),
      timeMs: allMs ?? frames.timeMs(at),
    });
  }
  return messages;
}

/** Milliseconds since the message before on the same track; 0 where there is none: no player gets that header. */
function differencesOf(messages: readonly Message[], lastTimes: Run['lastTimes']): number[] {
  const last = [...lastTimes];
  return messages.map(({ track, timeMs }) => {
    const before = last[track];
    last[track] = timeMs;
    return before === undefined ? 0 : Math.max(0, timeMs - before);
  });
}

const allTracks = (1 << trackCount) - 1;

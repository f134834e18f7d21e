/**
 * The message streams of one connection (RTMP 1.0 §7.2.1.3). A client may create some; one of them may play or publish
 * at a time.
 */

import { firstStreamId } from '../../stream/rtmp-stream-ids.ts';

/** Streams that a connection may have created. Each id that plays has bytes of its own: there must not be many. */
export const messageStreamsMax = 4;

export class MessageStreams {
  readonly #created = new Set<number>();

  /** The id of a new stream, the lowest that is free; undefined when there are enough. */
  create(): number | undefined {
    for (let id = firstStreamId; id <= messageStreamsMax; id++) {
      if (this.#created.has(id)) continue;
      this.#created.add(id);
      return id;
    }
    return undefined;
  }

  /** The client needs this stream no longer. */
  free(id: number): void {
    this.#created.delete(id);
  }
}

/** The stream that a client means: some send all they have on the connection itself, 0. */
export function streamIdOf(streamId: number): number {
  return streamId === 0 ? firstStreamId : streamId;
}

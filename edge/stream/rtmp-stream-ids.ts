/** The numbers that players of an RTMP stream share: message stream and chunk streams. */

import { ChunkStreamId } from '../rtmp/chunk-writer.ts';

/** The message stream that nearly every client has, as most create one only. */
export const firstStreamId = 1;

/** Each track has its own chunk stream, so that its time differences are its own. */
export const chunkStreamOfTrack = [ChunkStreamId.audio, ChunkStreamId.video, ChunkStreamId.data] as const;

/** The stream that a client means: some send all they have on the connection itself, 0. */
export function streamIdOf(streamId: number): number {
  return streamId === 0 ? firstStreamId : streamId;
}

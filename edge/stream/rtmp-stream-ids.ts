/** The numbers that all players of an RTMP stream share: message stream and chunk streams. */

import { ChunkStreamId } from '../rtmp/chunk-writer.ts';

/** The message stream that `createStream` gives to every client. */
export const playStreamId = 1;

/** Each track has its own chunk stream, so that its time differences are its own. */
export const chunkStreamOfTrack = [ChunkStreamId.audio, ChunkStreamId.video, ChunkStreamId.data] as const;

/**
 * How frames become bytes for players: what a wire format is given, and what it makes of it.
 */

import type { PackedFrames } from './packed-frames.ts';

/** Stream time of the last frame of each track; undefined for a track without any yet. */
export type TrackTimes = readonly (number | undefined)[];

/** Frames to be encoded for players that share a state. */
export interface Run {
  readonly frames: PackedFrames;
  /** Headers to send before the frames, and the stream time to send them with. */
  readonly headers: PackedFrames;
  readonly headersMs: number;
  /** What players last had of each track; a track without a time here begins with an absolute one. */
  readonly lastTimes: TrackTimes;
  /** Stream time that is zero for the player; `wholeRoundMs` where it is that of the stream itself. */
  readonly baseMs: number;
}

/**
 * The base of players that see the stream's own time: absolute times are times since the base in 32 bits, and this is
 * a whole round of them before zero. A track that is behind the other may begin before zero.
 */
export const wholeRoundMs: number = -(2 ** 32);

/** What a player knows of a stream that it rejoins. */
export interface Rejoining {
  /** Bit mask of the tracks in step: what the player last had of them is what comes right before the run. */
  readonly inStep: number;
  /** Stream time of what the player last had of each track that is out of step; undefined: nothing that counts. */
  readonly known: TrackTimes;
  /** Stream time that is zero for the player. */
  readonly baseMs: number;
}

/** A run encoded once for players that have different things before it. */
export interface SharedRun {
  /** Bytes that these buffers hold in all. */
  readonly heldBytes: number;
  /** The run for one player: the shared bytes, and between them what is its own (some bytes for each track). */
  parts(player: Rejoining): Buffer[];
}

/** Makes a buffer of this many bytes and of arbitrary content. */
export type Allocate = (bytes: number) => Buffer;

/** How frames become bytes. Identity matters: one object for each format whose bytes differ. */
export interface WireFormat {
  /** Whether each player's time begins at zero; else all players of the format see the same time. */
  readonly zeroBased: boolean;
  /** @param allocate makes the buffer of the bytes; it need not be filled with zeros */
  encode(run: Run, allocate: Allocate): Buffer;
  /** Encodes a run for players who rejoin the stream here, each from another place. */
  share(run: Run): SharedRun;
}

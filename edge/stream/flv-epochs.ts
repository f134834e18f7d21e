/**
 * Where time begins for the HTTP-FLV players of a stream. A tag carries an absolute time, so players share bytes only
 * if their time began at the same moment: they are in one epoch. A player begins an epoch with its first frame, so its
 * time begins at 0. All who begin with the same frame share the epoch; as a rule that is the key frame of the GOP.
 *
 * Each epoch with players costs one more encoding of every slice: about as much as one more player. So there are few.
 * When all are in use, a player joins the newest one, and its time begins with the age of that epoch. It never joins
 * one that is older than a day, because many players read a time as 31 bits (24 days). So a stream that goes on for
 * weeks has one more epoch for each day on which somebody came and stayed.
 */

import { FlvFormat, type FlvFraming, type FlvTracks, formatKey } from './flv-format.ts';

/** Epochs of a stream that began within a day. */
const epochsMax = 8;

const dayMs = 24 * 60 * 60 * 1000;

export class FlvEpoch {
  /** Stream time that is 0 for its players. */
  readonly baseMs: number;
  players = 0;
  readonly #formats = new Map<string, FlvFormat>();

  constructor(baseMs: number) {
    this.baseMs = baseMs;
  }

  /** The one format object for these settings, so that all players with them share bytes. */
  format(framing: FlvFraming, tracks: FlvTracks): FlvFormat {
    const key = formatKey(framing, tracks);
    let format = this.#formats.get(key);
    if (format === undefined) {
      format = new FlvFormat(framing, tracks, this.baseMs);
      this.#formats.set(key, format);
    }
    return format;
  }
}

export class FlvEpochs {
  /** Those with players. */
  readonly #epochs = new Set<FlvEpoch>();

  get size(): number {
    return this.#epochs.size;
  }

  /** Takes in a player. @param zeroMs stream time of its first frame */
  join(zeroMs: number): FlvEpoch {
    const epoch = this.#epochFor(zeroMs);
    this.#epochs.add(epoch);
    epoch.players++;
    return epoch;
  }

  /** The player has left. */
  leave(epoch: FlvEpoch): void {
    epoch.players--;
    if (epoch.players === 0) this.#epochs.delete(epoch);
  }

  #epochFor(zeroMs: number): FlvEpoch {
    let newest: FlvEpoch | undefined;
    let recent = 0;
    for (const epoch of this.#epochs) {
      if (epoch.baseMs === zeroMs) return epoch;
      if (zeroMs - epoch.baseMs < dayMs) recent++;
      if (epoch.baseMs < zeroMs && epoch.baseMs > (newest?.baseMs ?? Number.NEGATIVE_INFINITY)) newest = epoch;
    }
    return recent < epochsMax || newest === undefined ? new FlvEpoch(zeroMs) : newest;
  }
}

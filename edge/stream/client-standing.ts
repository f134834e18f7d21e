/**
 * What a player's client has had of a stream: its headers, and how far each track is. By it a slice is known to fit as
 * it is, in the bytes that all players share, or to need bytes of the player's own.
 */

import { trackCount } from './frame.ts';
import type { HeaderSet } from './headers.ts';
import type { Slice } from './slice.ts';
import { type WireFormat, wholeRoundMs } from './wire-format.ts';

export class ClientStanding {
  /** Headers that the client has; undefined before its first byte, and when it has missed some. */
  #headers: HeaderSet | undefined;
  #baseMs = 0;
  /** Tracks in step: what the client last had of them is what the stream last had. The shared bytes fit them. */
  #inStep = 0;
  /** Stream time of what the client last had of the tracks that are out of step. */
  readonly #known: (number | undefined)[] = new Array<number | undefined>(trackCount).fill(undefined);

  /** Whether the bytes that all players share are right for the client. Called for every slice. */
  fits(slice: Slice): boolean {
    return slice.headersBefore.isWithin(this.#headers) && (slice.tracks & ~this.#inStep) === 0;
  }

  /** The client gets its first bytes: the slice with all headers before it. */
  begin(slice: Slice, format: WireFormat): void {
    this.#baseMs = format.zeroBased ? slice.zeroMs : wholeRoundMs;
    this.#nowInStep(slice);
  }

  /** The client gets a slice that does not fit: the bytes that it needs, in order. */
  rejoin(slice: Slice, format: WireFormat): readonly Buffer[] {
    const withHeaders = !slice.headersBefore.isWithin(this.#headers);
    if (withHeaders) {
      // The headers go first, on all tracks: what the client had before them counts no more.
      this.#inStep = 0;
      this.#known.fill(undefined);
    }
    const run = slice.rejoining(format, withHeaders);
    const parts = run.parts({ inStep: this.#inStep, known: this.#known, baseMs: this.#baseMs });
    this.#nowInStep(slice);
    return parts;
  }

  /** The client has been given all of a slice. */
  given(slice: Slice): void {
    this.#headers = slice.headersAfter;
    if ((slice.skips & this.#inStep) !== 0) this.leaveOut(slice);
  }

  /** The client will miss what comes before a slice is sent, or has missed it. @param next the slice it should have next */
  fallOut(next: Slice): void {
    for (let track = 0; track < trackCount; track++) {
      if ((this.#inStep & (1 << track)) !== 0) this.#known[track] = next.lastTimes[track];
    }
    this.#inStep = 0;
  }

  /** A slice goes by that the client does not get. */
  miss(slice: Slice): void {
    if (this.#inStep !== 0) this.fallOut(slice);
    this.#headers = undefined;
  }

  /** Whether the client, all of whose tracks are out of step, has had nothing behind the beginning of a slice. */
  isBefore({ startMs }: Slice): boolean {
    return this.#known.every((timeMs = startMs) => timeMs <= startMs);
  }

  #nowInStep(slice: Slice): void {
    this.#inStep |= slice.tracksFrom(this.#baseMs);
    if (slice.skips !== 0) this.leaveOut(slice);
  }

  /** The client got a slice without some tracks, or nothing of one that has no others: it goes out of step with them. */
  leaveOut({ skips, tracks, lastTimes }: Slice): void {
    for (let track = 0; track < trackCount; track++) {
      const bit = 1 << track;
      if ((skips & bit) === 0) continue;
      // What went out of the track were headers, with times of their own.
      if ((tracks & bit) !== 0) this.#known[track] = undefined;
      else if ((this.#inStep & bit) !== 0) this.#known[track] = lastTimes[track];
    }
    this.#inStep &= ~skips;
  }
}

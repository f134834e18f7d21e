/**
 * What waits for a slow player: slices in order, the oldest first. Nothing here takes longer the more there is.
 */

import type { MediaMemory } from '../budget/media-memory.ts';
import type { Slice } from './slice.ts';

/** Taken slices are cut off from the array when they are so many, and half of it. */
const takenMax = 32;

export class Backlog {
  readonly #memory: MediaMemory;
  #slices: Slice[] = [];
  /** Index of the oldest slice that waits. */
  #head = 0;
  /** Index of the first slice that came after the player's opening: what came before counts against no limit. */
  #firstLive = 0;
  /** Index of the newest slice at which video can begin, or -1. */
  #newestEntry = -1;
  #bytes = 0;

  /** @param memory where what waits is counted */
  constructor(memory: MediaMemory) {
    this.#memory = memory;
  }

  /** Bytes of media that wait, the opening left out. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Milliseconds by which the stream has gone on since the oldest slice that waits, the opening left out. */
  get spanMs(): number {
    const oldest = this.#slices[Math.max(this.#head, this.#firstLive)];
    const newest = this.#slices.at(-1);
    return oldest === undefined || newest === undefined ? 0 : newest.leadMs - oldest.leadMs;
  }

  get oldest(): Slice | undefined {
    return this.#slices[this.#head];
  }

  /** Adds the parts of an opening; only to a backlog that is empty. */
  open(slices: readonly Slice[], from: number): void {
    this.clear();
    for (let index = from; index < slices.length; index++) {
      const slice = slices[index] as Slice;
      slice.hold(this.#memory);
      this.#slices.push(slice);
    }
    this.#firstLive = this.#slices.length;
  }

  push(slice: Slice): void {
    if (slice.entryAt >= 0) this.#newestEntry = this.#slices.length;
    slice.hold(this.#memory);
    this.#slices.push(slice);
    this.#bytes += slice.payloadBytes;
  }

  /** Takes the oldest slice. */
  shift(): Slice | undefined {
    const slice = this.#slices[this.#head];
    if (slice === undefined) return undefined;
    slice.release();
    if (this.#head >= this.#firstLive) this.#bytes -= slice.payloadBytes;
    this.#head++;
    if (this.#head === this.#slices.length) this.#reset();
    else if (this.#head >= takenMax && this.#head * 2 >= this.#slices.length) this.#cutOff();
    return slice;
  }

  /** Drops what waits before the newest slice at which video can begin. False: there is none behind the oldest. */
  dropToEntry(): boolean {
    const entry = this.#newestEntry;
    if (entry <= this.#head) return false;
    const slice = this.#slices[entry] as Slice;
    const part = slice.fromEntry;
    part.hold(this.#memory);
    slice.release();
    this.#slices[entry] = part;
    this.#bytes += part.payloadBytes - slice.payloadBytes;
    for (let left = entry - this.#head; left > 0; left--) this.shift();
    return true;
  }

  /** Drops all but the newest slice, which is returned. */
  dropToNewest(): Slice | undefined {
    const newest = this.#slices.at(-1);
    this.clear();
    return newest;
  }

  clear(): void {
    for (let index = this.#head; index < this.#slices.length; index++) this.#slices[index]?.release();
    this.#reset();
  }

  #reset(): void {
    this.#slices = [];
    this.#head = 0;
    this.#firstLive = 0;
    this.#newestEntry = -1;
    this.#bytes = 0;
  }

  #cutOff(): void {
    this.#slices.splice(0, this.#head);
    this.#firstLive = Math.max(0, this.#firstLive - this.#head);
    this.#newestEntry = Math.max(-1, this.#newestEntry - this.#head);
    this.#head = 0;
  }
}

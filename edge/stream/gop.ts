/**
 * One GOP that is kept for new players, in pages. Pages that are full are the same slices for all who join before the
 * cache lets go of the GOP.
 */

import type { MediaMemory } from '../budget/media-memory.ts';
import { slicePool } from './buffer-pool.ts';
import { GopPage } from './gop-page.ts';
import type { Slice } from './slice.ts';
import type { SlicePart } from './slice-part.ts';

/** The room of a page. What is left of the GOP may need less, and a single slice more. */
const pageMaxBytes = 64 * 1024;
const pageMinBytes = 16 * 1024;

export class Gop {
  readonly #memory: MediaMemory;
  readonly #likelyBytes: number;
  /** All but the last one are full; the last one is not, until the GOP is complete. */
  readonly #pages: GopPage[] = [];
  /** Pages, from the first on, that players have been given as slices, which count what they hold. */
  readonly #shown: Slice[] = [];
  /** Memory of the other pages. */
  #unshownBytes = 0;
  #isComplete = false;
  #frameCount = 0;
  #payloadBytes = 0;

  /**
   * @param memory where what is kept is counted
   * @param likelyBytes what it will have, by the GOP before; infinite where that is not known
   */
  constructor(memory: MediaMemory, likelyBytes: number) {
    this.#memory = memory;
    this.#likelyBytes = likelyBytes;
  }

  get frameCount(): number {
    return this.#frameCount;
  }

  get payloadBytes(): number {
    return this.#payloadBytes;
  }

  /** Bytes kept, encoded ones included. */
  get keptBytes(): number {
    return this.#shown.reduce((sum, slice) => sum + slice.heldBytes, this.#unshownBytes);
  }

  add(part: SlicePart): void {
    const neededBytes = part.to - part.from;
    let page = this.#pages.at(-1);
    if (page === undefined || page.freeBytes < neededBytes) {
      const leftBytes = Math.max(this.#likelyBytes - this.#payloadBytes, this.#payloadBytes / 4, pageMinBytes);
      page = new GopPage(part, Math.max(neededBytes, Math.min(leftBytes, pageMaxBytes)), slicePool);
      this.#pages.push(page);
      this.#unshownBytes += page.roomBytes;
      this.#memory.change('gop_cache', page.roomBytes);
    }
    page.add(part);
    this.#frameCount += part.frameCount;
    this.#payloadBytes += part.payloadBytes;
  }

  /** Nothing more will be added. */
  complete(): void {
    this.#isComplete = true;
  }

  /** What it has, for players. */
  show(): Slice[] {
    const fullPages = this.#isComplete ? this.#pages : this.#pages.slice(0, -1);
    for (const page of fullPages.slice(this.#shown.length)) {
      const slice = page.show();
      slice.keep(this.#memory, true);
      this.#shown.push(slice);
      this.#unshownBytes -= page.roomBytes;
      this.#memory.change('gop_cache', -page.roomBytes);
    }
    return this.#pages.map((page) => page.show());
  }

  /** It is not kept any more. */
  free(): void {
    for (const slice of this.#shown) slice.keep(this.#memory, false);
    this.#memory.change('gop_cache', -this.#unshownBytes);
    for (const page of this.#pages) page.free();
  }
}

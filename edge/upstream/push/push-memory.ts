/**
 * What one publisher makes the process keep for origins, as its memory counts it.
 */

import type { MediaKeeper, MediaMemory } from '../../budget/media-memory.ts';

export class PushMemory implements MediaKeeper {
  readonly isPlayed = true;
  readonly giveUp: () => void;
  readonly #memory: MediaMemory;
  #bytes = 0;

  /** @param giveUp called when memory is short */
  constructor(memory: MediaMemory, giveUp: () => void) {
    this.#memory = memory;
    this.giveUp = giveUp;
    memory.pushes.add(this);
  }

  get keptBytes(): number {
    return this.#bytes;
  }

  /** So much is kept now. */
  set keptBytes(bytes: number) {
    this.#memory.change('push', bytes - this.#bytes);
    this.#bytes = bytes;
  }

  /** The publisher is gone. */
  close(): void {
    this.keptBytes = 0;
    this.#memory.pushes.delete(this);
  }
}

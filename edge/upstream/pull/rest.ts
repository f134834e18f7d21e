/** The time between two rounds of a search, which may be cut short. */

import { setTimeout as delay } from 'node:timers/promises';
import { notNeeded } from '../../time/not-needed.ts';

export class Rest {
  #end = new AbortController();

  /** Resolves after so long, or when it is cut short. */
  async take(ms: number): Promise<void> {
    const end = new AbortController();
    this.#end = end;
    try {
      await delay(ms, undefined, { signal: end.signal });
    } catch (error) {
      if (!end.signal.aborted) throw error;
    }
  }

  cutShort(): void {
    this.#end.abort(notNeeded);
  }
}

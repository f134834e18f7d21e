/**
 * Counts pushes that were lost soon after they had been accepted. Some origins accept what they do not like, and end the
 * connection as soon as they see it: a publisher that no origin keeps must not be passed to them for ever, nor kept in
 * the belief that it is seen.
 */

import { awakeNow } from '../../time/awake.ts';
import type { UpstreamError } from '../connection/errors.ts';
import type { OriginHealth } from '../origins/origin-health.ts';
import { shortLifeMs } from '../origins/patience.ts';
import type { Push } from './push.ts';

/** A push that an origin ends sooner than this was accepted in appearance only. */
const shortMs = 10_000;

/** So many in a row, at origins that are well, are too many. */
export const droppedMax = 3;

export class PushLosses {
  readonly #health: OriginHealth;
  readonly #tooMany: () => void;
  #liveSinceMs = 0;
  #inARow = 0;
  #dropped = 0;

  /** @param tooMany called when no origin keeps the stream, though all is well */
  constructor(health: OriginHealth, tooMany: () => void) {
    this.#health = health;
    this.#tooMany = tooMany;
  }

  /** Pushes that were lost soon, one after another. */
  get inARow(): number {
    return this.#inARow;
  }

  /** An origin has the stream from now on. */
  begin(): void {
    this.#liveSinceMs = awakeNow();
  }

  /** It is lost. */
  count(push: Push, error: UpstreamError): void {
    const livedMs = awakeNow() - this.#liveSinceMs;
    this.#inARow = livedMs < shortLifeMs ? this.#inARow + 1 : 0;
    if (livedMs >= shortMs) {
      this.#dropped = 0;
      return;
    }
    // An origin that dies has dropped nobody.
    if (error.failure === 'broken') void this.#countDropped(push);
  }

  async #countDropped({ origin }: Push): Promise<void> {
    if (!(await this.#health.answers(origin))) return;
    this.#dropped++;
    if (this.#dropped === droppedMax) this.#tooMany();
  }
}

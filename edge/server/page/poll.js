/** Asks again and again: at a steady pace while answers come, and less and less often while none do. */

const waitMaxMs = 15_000;

export class Poll {
  #ask;
  #everyMs;
  #failed;
  #timer;
  #failures = 0;
  /** Counts askings: the answer to one that was overtaken is not used. */
  #turn = 0;

  /**
   * @param ask asks, and shows the answer unless `isLate()`
   * @param failed called with an error, and with the time until it is asked again
   */
  constructor(everyMs, ask, failed) {
    this.#everyMs = everyMs;
    this.#ask = ask;
    this.#failed = failed;
  }

  /** Asks at once, and goes on. */
  async now() {
    clearTimeout(this.#timer);
    const turn = ++this.#turn;
    const isLate = () => turn !== this.#turn;
    try {
      await this.#ask(isLate);
      if (isLate()) return;
      this.#failures = 0;
      this.#timer = setTimeout(() => this.now(), this.#everyMs);
    } catch (error) {
      if (isLate()) return;
      const waitMs = Math.min(this.#everyMs * 2 ** this.#failures++, waitMaxMs) * (0.75 + Math.random() / 4);
      this.#timer = setTimeout(() => this.now(), waitMs);
      this.#failed(error, waitMs);
    }
  }

  stop() {
    clearTimeout(this.#timer);
    this.#turn++;
  }
}

/**
 * How long a stream usually pauses between two frames. One long pause says nothing: a publisher may have been away.
 * What pauses again and again, as pictures of a slide show do, is a stream of that cadence.
 */

/** Less than this is no pause: frames come in bursts. */
const shortestPauseMs = 250;

export class Cadence {
  #longestMs = 0;
  #secondMs = 0;
  /** When the newest pause ended. */
  #flowsSinceMs = 0;

  /** The pause that the stream has made at least twice, milliseconds; 0 while there is none. */
  get usualPauseMs(): number {
    return this.#secondMs;
  }

  /** A frame has come. Pauses count until the stream has flowed for as long as it paused. */
  frame(nowMs: number, pauseMs: number): void {
    if (pauseMs >= shortestPauseMs) {
      this.#flowsSinceMs = nowMs;
      this.#secondMs = Math.max(this.#secondMs, Math.min(pauseMs, this.#longestMs));
      this.#longestMs = Math.max(this.#longestMs, pauseMs);
    } else if (this.#longestMs > 0 && nowMs - this.#flowsSinceMs >= this.#longestMs) {
      this.#longestMs = 0;
      this.#secondMs = 0;
    }
  }
}

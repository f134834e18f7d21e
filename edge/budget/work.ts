/**
 * How fast one client may make us work. Each message costs units; a client may spend some at once and earns more with
 * time. Who has spent all is not read until it has earned some: nobody is cut off for that.
 */

/** What messages cost. A frame of audio or video is the unit. */
export const Cost = {
  message: 1,
  /** We answer, and somebody must read that. */
  answer: 50,
  /** `connect`, `play`, `publish`: callbacks, lines in the log, perhaps a whole GOP. */
  request: 400,
} as const;

/**
 * What a client may spend at once: 3,000 frames, 60 answers or 7 requests. That is 30 ms of our time at most, so that
 * several such clients together hold up nobody. To connect and to play or publish takes half of it.
 */
const unitsMax = 3_000;

/** What it earns in a second: twenty times the frames of a stream, for an edge that sends a whole GOP to another. */
const unitsPerSecond = 5_000;

/** A client that has spent all is read again when it has earned this much. */
const restUnits = 250;

export class Work {
  #units = unitsMax;
  #earnedMs: number = performance.now();

  /** Whether the client may go on, now that it has spent this much more. */
  spend(units: number): boolean {
    this.#units -= units;
    if (this.#units > 0) return true;
    // Only now: a client that works at a normal pace never has us look at the clock.
    const nowMs = performance.now();
    const earned = ((nowMs - this.#earnedMs) * unitsPerSecond) / 1000;
    this.#earnedMs = nowMs;
    this.#units = Math.min(unitsMax, this.#units + earned);
    return this.#units > 0;
  }

  /** How long a client that may not go on must wait, in milliseconds. */
  get restMs(): number {
    return Math.ceil(((restUnits - this.#units) * 1000) / unitsPerSecond);
  }
}

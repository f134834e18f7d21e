/**
 * A stream's clock. Sources come and go with clocks of their own (another origin, a publisher that restarted,
 * 32-bit wrap-around); players see one clock that never runs backwards and never jumps.
 */

import { Track, trackCount } from './frame.ts';

/** A step back of more than this within a track is a new clock, not jitter (SRS's `time_jitter` uses the same). */
const backwardToleranceMs = 250;

/** A step forward may exceed the time that really passed by this much before it is taken for a new clock. */
const forwardToleranceMs = 2_000;

/** The distance between frames assumed until one has been seen, and the greatest that is believed. */
const defaultStepMs = 20;
const greatestStepMs = 200;

export class Timeline {
  /** Last source time, unwrapped beyond 32 bits. */
  #source = 0;
  /** Stream time minus unwrapped source time. */
  #offsetMs = 0;
  #lastArrivalMs: number | undefined;
  #rebaseNext = false;
  /** The greatest stream time given so far. */
  #nowMs = 0;
  #stepMs = defaultStepMs;
  readonly #lastOfTrack: (number | undefined)[] = new Array<number | undefined>(trackCount).fill(undefined);

  /** Stream time of the newest frame, milliseconds. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** The next frame comes from another clock: it will follow the last one at the usual distance. */
  rebase(): void {
    this.#rebaseNext = this.started;
  }

  get started(): boolean {
    return this.#lastArrivalMs !== undefined;
  }

  /** Sets the clock by the first audio or video frame, which is then to be placed. */
  start(sourceTime: number, arrivalMs: number): void {
    this.#source = sourceTime;
    this.#nowMs = sourceTime;
    this.#lastArrivalMs = arrivalMs;
  }

  /**
   * Places an audio or video frame on the stream's clock.
   * @param sourceTime the source's timestamp, unsigned 32 bits
   * @param arrivalMs monotonic local time of its arrival, to tell a pause from a jump
   * @returns stream time in milliseconds, at least that of the track's frame before
   */
  place(track: Track, sourceTime: number, arrivalMs: number): number {
    if (!this.started) this.start(sourceTime, arrivalMs);
    const source = this.#unwrap(sourceTime);
    if (this.#rebaseNext || this.#isOtherClock(track, source + this.#offsetMs, arrivalMs)) {
      this.#rebaseNext = false;
      this.#offsetMs = this.#nowMs + this.#stepMs - source;
    }
    this.#source = source;
    this.#lastArrivalMs = arrivalMs;
    const last = this.#lastOfTrack[track];
    const time = this.#keep(track, source + this.#offsetMs);
    if (last !== undefined && time > last) this.#stepMs = Math.min(time - last, greatestStepMs);
    if (time > this.#nowMs) this.#nowMs = time;
    return time;
  }

  /**
   * Places what is neither audio nor video: headers and data, which encoders stamp as they like. They follow the
   * clock and never move it.
   */
  placeAside(track: Track, sourceTime: number): number {
    const time = this.#unwrap(sourceTime) + this.#offsetMs;
    const plausible = !this.#rebaseNext && Math.abs(time - this.#nowMs) <= forwardToleranceMs;
    // A header must not come to lie ahead of the frames of its track.
    const last = track === Track.data ? undefined : this.#lastOfTrack[track];
    return this.#keep(track, plausible ? Math.min(time, this.#nowMs) : (last ?? this.#nowMs));
  }

  /** The signed 32-bit difference to the time before unwraps the source's clock in both directions. */
  #unwrap(sourceTime: number): number {
    return this.#source + ((sourceTime - this.#source) | 0);
  }

  #isOtherClock(track: Track, time: number, arrivalMs: number): boolean {
    const last = this.#lastOfTrack[track] ?? this.#nowMs - forwardToleranceMs;
    const passedMs = arrivalMs - (this.#lastArrivalMs ?? arrivalMs);
    return time < last - backwardToleranceMs || time - this.#nowMs > passedMs + forwardToleranceMs;
  }

  #keep(track: Track, time: number): number {
    const last = this.#lastOfTrack[track];
    if (last !== undefined && time <= last) return last;
    this.#lastOfTrack[track] = time;
    return time;
  }
}

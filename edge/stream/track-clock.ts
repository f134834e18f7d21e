/**
 * What is known of one track's time: the line that its frames have followed, where it stands on the stream's clock,
 * and the odd frames that wait until it is clear what they are.
 */

import { kept, type Track, type UntimedFrame } from './frame.ts';

/** A step back of more than this within a track is no jitter (SRS's `time_jitter` has the same limit). */
const jitterMs = 250;

/** A track that was held up catches up by this much at most before a step forward looks odd. */
const catchUpMaxMs = 10_000;

/** Odd frames kept of one track: an encoder's half second has fewer. */
const oddFramesMax = 64;
const oddBytesMax = 1024 * 1024;

/** Until a distance between two frames of a track has been seen, and the greatest that is used after a rebase. */
const defaultStepMs = 20;
const greatestStepMs = 200;

/** Times of one track that follow each other as the times of one clock do. */
export class Line {
  /** The greatest source time so far, unwrapped beyond 32 bits. */
  sourceMs: number;
  /** When the newest frame arrived. */
  arrivalMs: number;
  /** How much later than its time the newest frame arrived, measured from the earliest one. */
  #heldUpMs = 0;

  constructor(sourceMs: number, arrivalMs: number) {
    this.sourceMs = sourceMs;
    this.arrivalMs = arrivalMs;
  }

  /**
   * Takes a frame's time if it goes on along this line.
   * @param sourceTime unsigned 32 bits; the signed difference to the time before unwraps it in both directions
   * @param toleranceMs how far a step forward may exceed the time that has passed
   */
  takes(sourceTime: number, arrivalMs: number, toleranceMs: number): boolean {
    const stepMs = (sourceTime - this.sourceMs) | 0;
    const lateMs = this.#heldUpMs + arrivalMs - this.arrivalMs - stepMs;
    if (stepMs < -jitterMs || lateMs < -toleranceMs) return false;
    this.#heldUpMs = lateMs < 0 ? 0 : Math.min(lateMs, catchUpMaxMs);
    this.arrivalMs = arrivalMs;
    if (stepMs > 0) this.sourceMs += stepMs;
    return true;
  }

  /** How far a frame is from where this line would be by now, milliseconds. */
  missesMs(sourceTime: number, arrivalMs: number): number {
    return Math.abs(arrivalMs - this.arrivalMs - ((sourceTime - this.sourceMs) | 0));
  }
}

export interface OddFrame {
  readonly frame: UntimedFrame;
  readonly arrivalMs: number;
  /** Its number among all odd frames of the stream. */
  readonly order: number;
}

/** Frames of one track that follow each other, but not the track. */
export class OddRun {
  readonly frames: OddFrame[] = [];
  readonly line: Line;
  readonly beganMs: number;
  /** How many frames of the stream had been placed when this run began. */
  readonly placedBefore: number;
  readonly #firstSourceMs: number;
  #bytes = 0;

  constructor(sourceTime: number, arrivalMs: number, placedBefore: number) {
    this.line = new Line(sourceTime, arrivalMs);
    this.beganMs = arrivalMs;
    this.placedBefore = placedBefore;
    this.#firstSourceMs = sourceTime;
  }

  add(odd: OddFrame): void {
    this.frames.push({ ...odd, frame: kept(odd.frame) });
    this.#bytes += odd.frame.payload.length;
  }

  /** Whether a frame goes on here rather than on the track's own line: a track that stepped back soon meets that again. */
  fits(sourceTime: number, arrivalMs: number, own: Line): boolean {
    return this.line.missesMs(sourceTime, arrivalMs) < own.missesMs(sourceTime, arrivalMs);
  }

  /** How long it has lasted: by the clock here, or by its own where many frames arrive at once. */
  get lengthMs(): number {
    return Math.max(this.line.arrivalMs - this.beganMs, this.line.sourceMs - this.#firstSourceMs);
  }

  get full(): boolean {
    return this.frames.length >= oddFramesMax || this.#bytes > oddBytesMax;
  }
}

export class TrackClock {
  readonly track: Track;
  /** Undefined until the present source has brought a frame of this track. */
  line: Line | undefined;
  odd: OddRun | undefined;
  /** Stream time of the newest frame. */
  lastMs: number = Number.NEGATIVE_INFINITY;
  /** How far the newest frame was behind the stream's newest frame of all tracks. */
  behindMs = 0;
  /** Distance of the last two frames. */
  stepMs: number = defaultStepMs;
  /** Added to the stream's offset for this track: not 0 only where tracks are too far apart. */
  shiftMs = 0;
  /** How many frames of the stream had been placed, this track's newest included. */
  placed = 0;

  constructor(track: Track) {
    this.track = track;
  }

  /** Stream time of the newest frame; infinite before the first. */
  get reachesMs(): number {
    return this.begun ? this.lastMs : Number.POSITIVE_INFINITY;
  }

  get begun(): boolean {
    return this.lastMs !== Number.NEGATIVE_INFINITY;
  }

  /** Moves to the time of the next frame. It is never moved back: returns the stream time that the frame gets. */
  moveTo(timeMs: number): number {
    if (timeMs <= this.lastMs) return this.lastMs;
    if (this.begun) this.stepMs = Math.min(timeMs - this.lastMs, greatestStepMs);
    this.lastMs = timeMs;
    return timeMs;
  }

  /** What comes next is on another clock. */
  leaveSource(): void {
    this.line = undefined;
    this.odd = undefined;
    this.shiftMs = 0;
  }
}

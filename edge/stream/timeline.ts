/**
 * A stream's clock. Sources come and go with clocks of their own (another origin, a publisher that restarted, the end
 * of 32 bits); players see one clock that never runs backwards within a track.
 *
 * A source has one clock with two tracks on it. One offset brings its times to the stream's: so the distance between
 * audio and video stays as published, whatever it is. The offset changes when the source does, or when the clock of
 * the source jumps. Then the stream goes on one frame's distance behind its last frame, and the distance between the
 * tracks is that of the new clock. If the second track would run backwards by that, both go on as much later.
 *
 * A frame is odd if it does not follow its track: it is more than 250 ms before the frame before it, or further ahead
 * than the time that has passed and 2 s. (A source may begin with a burst from a cache. In its first 2 s, steps of up
 * to 60 s are believed.) Odd frames are held until it is clear what they are:
 * - The track comes back to where it was, or the next frame follows neither it nor them: they are dropped.
 * - The other track is odd, too, or has been silent for a second, and three frames follow each other: the source's
 *   clock has jumped.
 * - They last for half a second while the other track goes on: the publisher has moved this track. It is taken as it
 *   is, and the other is not touched. A track that was moved back stands still until it is past its own last frame.
 *
 * Tracks are 60 s apart at most. A track that begins further from the other is odd, too. If it brings three frames
 * while the other goes on, it is put at a distance of 60 s.
 */

import { type Frame, placed, Track, type UntimedFrame } from './frame.ts';
import { Line, OddRun, TrackClock } from './track-clock.ts';

/** A step forward may exceed the time that has passed by this much. */
const forwardToleranceMs = 2_000;

/** A source is new for so long: it may begin with a burst of what it had in its cache. */
const burstMs = 2_000;

/** The greatest distance between tracks, and the greatest step within a burst. */
const distanceMaxMs = 60_000;

/** A jump of one track is the publisher's will when it has lasted for so long. */
const jumpLastsMs = 500;
/** Three in a row are no coincidence where nothing speaks for the clock as it was. */
const jumpFramesMin = 3;
/** A track that brought nothing for so long says nothing about the source's clock. */
const silentMs = 1_000;

/** A track that is this far behind the other is not so by the order of frames alone. */
const behindMinMs = 100;

export interface TimelineEvents {
  /** The frame has its time. Not all come at once: an odd one waits. */
  placed(frame: Frame): void;
  /** Odd frames that have no place. */
  dropped(track: Track, frames: number): void;
  /** What comes next has other source times than what came before. @param track undefined for both */
  jumped(track: Track | undefined): void;
  /** The tracks are further apart than 60 s, for the first time on this clock. @param distanceMs negative if behind */
  tooFarApart(track: Track, distanceMs: number): void;
}

export class Timeline {
  readonly #events: TimelineEvents;
  readonly #audio = new TrackClock(Track.audio);
  readonly #video = new TrackClock(Track.video);
  #lastDataMs: number = Number.NEGATIVE_INFINITY;
  /** Stream time minus source time. */
  #offsetMs = 0;
  /** The greatest stream time given so far. */
  #nowMs = 0;
  #started = false;
  /** The next frame is the first of its source. */
  #sourceIsNew = true;
  #sourceBeganMs = 0;
  #toldApart = false;
  #placedCount = 0;
  #oddCount = 0;

  constructor(events: TimelineEvents) {
    this.#events = events;
  }

  /** Stream time of the newest frame, milliseconds. */
  get nowMs(): number {
    return this.#nowMs;
  }

  get started(): boolean {
    return this.#started;
  }

  /** Whether the present source has brought frames of a track. */
  shows(track: Track): boolean {
    return (track === Track.video ? this.#video : this.#audio).line !== undefined;
  }

  /** No later frame is before this stream time. Infinite unless a track is clearly behind the other. */
  get floorMs(): number {
    return Math.min(this.#floorOf(this.#audio), this.#floorOf(this.#video));
  }

  #floorOf({ behindMs, lastMs }: TrackClock): number {
    if (behindMs < behindMinMs) return Number.POSITIVE_INFINITY;
    // A track that has been silent comes back at its usual distance, not where it was.
    return Math.max(lastMs, this.#nowMs - behindMs - behindMinMs);
  }

  /** Sets the clock by the first audio or video frame, which is then to be taken. */
  start({ sourceTime }: UntimedFrame): void {
    this.#started = true;
    this.#nowMs = sourceTime;
  }

  /** The next frame comes from another clock. */
  rebase(): void {
    if (!this.#started) return;
    this.#dropOdd(this.#audio);
    this.#dropOdd(this.#video);
    this.#leaveSource();
  }

  /**
   * Takes an audio or video frame.
   * @param arrivalMs monotonic local time of its arrival, to tell a pause from a jump
   */
  take(frame: UntimedFrame, arrivalMs: number): void {
    const clock = frame.track === Track.video ? this.#video : this.#audio;
    const { line, odd } = clock;
    const follows =
      line === undefined
        ? this.#begins(clock, frame.sourceTime, arrivalMs)
        : odd?.fits(frame.sourceTime, arrivalMs, line) !== true &&
          line.takes(frame.sourceTime, arrivalMs, this.#toleranceMs(arrivalMs));
    if (!follows) return this.#hold(clock, frame, arrivalMs);
    if (odd !== undefined) this.#dropOdd(clock);
    this.#place(clock, frame);
  }

  /**
   * Places what is neither audio nor video: headers and data, which encoders stamp as they like. They follow the
   * clock and never move it.
   * @returns stream time
   */
  timeAside({ track, sourceTime }: UntimedFrame): number {
    const earliestMs = Math.min(this.#nowMs, this.#audio.reachesMs, this.#video.reachesMs);
    if (track === Track.data) {
      this.#lastDataMs = Math.max(this.#lastDataMs, this.#plausible(sourceTime, earliestMs - forwardToleranceMs));
      return this.#lastDataMs;
    }
    // A header must not come to lie ahead of the frames of its track.
    const { begun, lastMs } = track === Track.video ? this.#video : this.#audio;
    return begun ? lastMs : this.#plausible(sourceTime, earliestMs - distanceMaxMs);
  }

  /** Stream time by the source's clock, if that is between a time and now; else now. */
  #plausible(sourceTime: number, fromMs: number): number {
    const nowMs = this.#nowMs;
    if (this.#sourceIsNew && this.#placedCount > 0) return nowMs;
    const timeMs = unwrap(sourceTime, nowMs - this.#offsetMs) + this.#offsetMs;
    return timeMs < fromMs || timeMs > nowMs + forwardToleranceMs ? nowMs : Math.min(timeMs, nowMs);
  }

  #toleranceMs(arrivalMs: number): number {
    return arrivalMs - this.#sourceBeganMs < burstMs ? distanceMaxMs : forwardToleranceMs;
  }

  #otherThan(clock: TrackClock): TrackClock {
    return clock === this.#video ? this.#audio : this.#video;
  }

  /** The first frame of a track on its source's clock. Returns false if that is not where the other track is. */
  #begins(clock: TrackClock, sourceTime: number, arrivalMs: number): boolean {
    if (this.#sourceIsNew) this.#beginSource(clock, sourceTime, arrivalMs);
    else if (Math.abs(this.#distanceMs(clock, sourceTime, arrivalMs)) > distanceMaxMs) return false;
    else {
      this.#beginTrack(clock, sourceTime, arrivalMs);
      const lateMs = clock.lastMs - this.#timeOf(clock);
      if (lateMs > 0) this.#offsetMs += lateMs + clock.stepMs;
    }
    return true;
  }

  #beginSource(clock: TrackClock, sourceTime: number, arrivalMs: number): void {
    const isFirst = !this.#audio.begun && !this.#video.begun;
    // A track that had fallen silent goes on at its usual distance from the other, not where it stopped.
    const before = Math.max(clock.lastMs, this.#nowMs - clock.behindMs);
    this.#offsetMs = (isFirst ? this.#nowMs : before + clock.stepMs) - sourceTime;
    this.#sourceIsNew = false;
    this.#sourceBeganMs = arrivalMs;
    clock.line = new Line(sourceTime, arrivalMs);
  }

  /** A track begins on a clock that the other track shows already. */
  #beginTrack(clock: TrackClock, sourceTime: number, arrivalMs: number): void {
    const other = this.#otherThan(clock);
    const distanceMs = this.#distanceMs(clock, sourceTime, arrivalMs);
    const allowedMs = Math.min(Math.max(distanceMs, -distanceMaxMs), distanceMaxMs);
    clock.line = new Line(unwrap(sourceTime, sourceNow(other, arrivalMs)), arrivalMs);
    clock.shiftMs = other.shiftMs + Math.round(allowedMs - distanceMs);
    if (allowedMs !== distanceMs) this.#tellApart(clock, distanceMs);
  }

  /** How far a frame is ahead of the other track by the source's clock; negative if it is behind. */
  #distanceMs(clock: TrackClock, sourceTime: number, arrivalMs: number): number {
    const otherMs = sourceNow(this.#otherThan(clock), arrivalMs);
    return unwrap(sourceTime, otherMs) - otherMs;
  }

  #tellApart(clock: TrackClock, distanceMs: number): void {
    if (this.#toldApart) return;
    this.#toldApart = true;
    this.#events.tooFarApart(clock.track, Math.round(distanceMs));
  }

  /** Stream time of a track by its own time: before that of its newest frame if the track was moved back. */
  #timeOf({ line, shiftMs }: TrackClock): number {
    return (line?.sourceMs ?? 0) + this.#offsetMs + shiftMs;
  }

  #place(clock: TrackClock, frame: UntimedFrame): void {
    const behindMs = this.#nowMs - this.#timeOf(clock);
    if (behindMs > distanceMaxMs + forwardToleranceMs) {
      // Tracks may move away from each other without a jump: one was paused, or its clock is slow.
      clock.shiftMs += behindMs - distanceMaxMs;
      this.#tellApart(clock, -behindMs);
    }
    const timeMs = clock.moveTo(this.#timeOf(clock));
    if (timeMs > this.#nowMs) this.#nowMs = timeMs;
    clock.behindMs = this.#nowMs - timeMs;
    clock.placed = ++this.#placedCount;
    this.#events.placed(placed(frame, timeMs));
  }

  /** Keeps an odd frame until it is clear what it is. */
  #hold(clock: TrackClock, frame: UntimedFrame, arrivalMs: number): void {
    if (clock.odd?.line.takes(frame.sourceTime, arrivalMs, this.#toleranceMs(arrivalMs)) !== true) {
      this.#dropOdd(clock);
      clock.odd = new OddRun(frame.sourceTime, arrivalMs, this.#placedCount);
    }
    const run = clock.odd;
    if (run === undefined) return;
    run.add({ frame, arrivalMs, order: this.#oddCount++ });
    if (!this.#lasts(clock, run)) return;
    const other = this.#otherThan(clock);
    if (other.odd === undefined && other.placed > run.placedBefore) this.#trackJumped(clock, run);
    else this.#sourceJumped();
  }

  #lasts(clock: TrackClock, run: OddRun): boolean {
    if (run.full) return true;
    const other = this.#otherThan(clock);
    const isSilent = other.line === undefined || run.beganMs - other.line.arrivalMs > silentMs;
    // A track that begins far away has no line of its own to come back to.
    const begins = clock.line === undefined && other.placed > run.placedBefore;
    if ((other.odd !== undefined || isSilent || begins) && run.frames.length >= jumpFramesMin) return true;
    return run.frames.length > 1 && run.lengthMs >= jumpLastsMs;
  }

  /** The publisher has moved one track: it gets its new distance from the other. */
  #trackJumped(clock: TrackClock, run: OddRun): void {
    clock.odd = undefined;
    this.#events.jumped(clock.track);
    for (const [index, { frame, arrivalMs }] of run.frames.entries()) {
      if (index === 0) this.#beginTrack(clock, frame.sourceTime, arrivalMs);
      else clock.line?.takes(frame.sourceTime, arrivalMs, distanceMaxMs);
      this.#place(clock, frame);
    }
  }

  /** The source's clock is another one: the stream goes on where it was. */
  #sourceJumped(): void {
    const odd = [...(this.#audio.odd?.frames ?? []), ...(this.#video.odd?.frames ?? [])];
    odd.sort((one, two) => one.order - two.order);
    this.#events.jumped(undefined);
    this.#leaveSource();
    for (const { frame, arrivalMs } of odd) this.take(frame, arrivalMs);
  }

  #leaveSource(): void {
    this.#audio.leaveSource();
    this.#video.leaveSource();
    this.#sourceIsNew = true;
    this.#toldApart = false;
  }

  #dropOdd(clock: TrackClock): void {
    const run = clock.odd;
    if (run === undefined) return;
    clock.odd = undefined;
    this.#events.dropped(clock.track, run.frames.length);
  }
}

/** Where a track's source is by now, if it has gone on since its newest frame; milliseconds, unwrapped. */
function sourceNow({ line }: TrackClock, arrivalMs: number): number {
  return line === undefined ? 0 : line.sourceMs + arrivalMs - line.arrivalMs;
}

/** The time beyond 32 bits that is nearest to another one: whole milliseconds. */
function unwrap(sourceTime: number, nearMs: number): number {
  const near = Math.round(nearMs);
  return near + ((sourceTime - near) | 0);
}

/**
 * What one player sees: how long it waits between two messages, whether its time goes on as the publisher's does, and
 * which frames are missing, come twice, or were never published.
 */

import type { RtmpMessage } from '../../edge/rtmp/message.ts';
import { Track } from '../../edge/stream/frame.ts';
import { identify, type Ledger, type MediaTrack, type TrackLedger } from './ledger.ts';

/** A wait that begins later than this after a kill is not the kill's. */
const switchWithinMs = 3_000;

/** A track's time has settled when so many frames came without a change. */
const settledFramesMin = 3;

export interface Sight {
  frames: number;
  missing: number;
  repeated: number;
  /** Frames that nobody published. */
  foreign: number;
  /** Times that a frame's time was before that of the frame before it, of audio or of video. */
  stepsBack: number;
  /** By how much the time between two frames differed from the publisher's at most, ms. */
  worstStepMs: number;
  /** By how much the distance between audio and video differed from the publisher's at most, ms. */
  worstDistanceMs: number;
}

export class Watch {
  readonly sight: Sight = {
    frames: 0,
    missing: 0,
    repeated: 0,
    foreign: 0,
    stepsBack: 0,
    worstStepMs: 0,
    worstDistanceMs: 0,
  };
  /** Resolves with the first frame. */
  readonly playing: Promise<void>;
  #begun: () => void = () => {};
  readonly #tracks: Readonly<Record<number, TrackWatch>>;
  /** Of audio and video: the player's time minus the publisher's, and for how many frames neither has changed. */
  readonly #offsetsMs: number[] = [];
  readonly #settledFrames: number[] = [0, 0];
  #lastMs: number | undefined;
  #longestGapMs = 0;
  #killedMs = Number.NEGATIVE_INFINITY;
  #switchGapMs: number | undefined;

  constructor(ledger: Ledger) {
    this.playing = new Promise((resolve) => {
      this.#begun = resolve;
    });
    this.#tracks = {
      [Track.audio]: new TrackWatch(ledger.track(Track.audio), this.sight),
      [Track.video]: new TrackWatch(ledger.track(Track.video), this.sight),
    };
  }

  /** @param nowMs local monotonic time, as everywhere here */
  received(message: RtmpMessage, nowMs: number): void {
    const frame = identify(message);
    if (frame === undefined) return;
    this.#measure(nowMs);
    this.#lastMs = nowMs;
    this.#tracks[frame.track]?.received(frame.id, message.timestamp);
    this.#compare(frame.track);
    this.#begun();
  }

  /** A switch to another clock moves one track before the other: they are compared when both have settled. */
  #compare(track: MediaTrack): void {
    const offsetsMs = this.#offsetsMs;
    const settledFrames = this.#settledFrames;
    const offsetMs = this.#tracks[track]?.offsetMs;
    if (offsetMs === undefined) return;
    if (offsetMs !== offsetsMs[track]) settledFrames.fill(0);
    offsetsMs[track] = offsetMs;
    settledFrames[track] = (settledFrames[track] ?? 0) + 1;
    if (settledFrames.some((frames) => frames < settledFramesMin)) return;
    const distanceMs = ((offsetsMs[Track.video] ?? 0) - (offsetsMs[Track.audio] ?? 0)) | 0;
    this.sight.worstDistanceMs = Math.max(this.sight.worstDistanceMs, Math.abs(distanceMs));
  }

  /** An origin is killed now: the longest wait from here on is that of the switch. */
  killed(nowMs: number): void {
    this.#killedMs = nowMs;
    this.#switchGapMs = 0;
  }

  /** The longest time between two messages. What it still waits for counts. */
  longestGapMs(nowMs: number): number {
    this.#measure(nowMs);
    return this.#longestGapMs;
  }

  /** The longest such time around the last kill; undefined before the first. */
  switchGapMs(nowMs: number): number | undefined {
    this.#measure(nowMs);
    return this.#switchGapMs;
  }

  #measure(nowMs: number): void {
    if (this.#lastMs === undefined) return;
    const gapMs = nowMs - this.#lastMs;
    this.#longestGapMs = Math.max(this.#longestGapMs, gapMs);
    if (this.#lastMs < this.#killedMs + switchWithinMs) this.#switchGapMs = Math.max(this.#switchGapMs ?? 0, gapMs);
  }
}

class TrackWatch {
  readonly #ledger: TrackLedger;
  readonly #sight: Sight;
  #next: number | undefined;
  #lastTimestamp = 0;
  /** The player's time minus the publisher's, of the newest frame. */
  offsetMs: number | undefined;

  constructor(ledger: TrackLedger, sight: Sight) {
    this.#ledger = ledger;
    this.#sight = sight;
  }

  received(id: number, timestamp: number): void {
    const sight = this.#sight;
    const next = this.#next;
    sight.frames++;
    const number = next === undefined ? this.#ledger.before(id) : this.#ledger.after(id, next);
    if (number === undefined) {
      if (this.#ledger.before(id) === undefined) sight.foreign++;
      else sight.repeated++;
      return;
    }
    if (next !== undefined) {
      sight.missing += number - next;
      const step = (timestamp - this.#lastTimestamp) | 0;
      const published = ((this.#ledger.timestamp(number) ?? 0) - (this.#ledger.timestamp(next - 1) ?? 0)) | 0;
      if (step < 0) sight.stepsBack++;
      sight.worstStepMs = Math.max(sight.worstStepMs, Math.abs(step - published));
    }
    this.#next = number + 1;
    this.#lastTimestamp = timestamp;
    this.offsetMs = timestamp - (this.#ledger.timestamp(number) ?? timestamp);
  }
}

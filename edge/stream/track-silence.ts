/**
 * Which of audio and video has fallen silent while the other goes on: a camera that was switched off, a microphone that
 * was lost, or another publisher of the name who sends sound alone. Time is that of the other track, so that nothing
 * counts as silence while the whole stream stands still. Pure.
 */

import { Track } from './frame.ts';

/** Slower than any encoder's frames, short enough that newcomers do not begin far behind. */
const silentAfterMs = 10_000;
/** A track with longer pauses (a picture each 15 s) is silent when it has paused for so many times its longest pause. */
const longestPauses = 2;
/** The other track may have paused itself: no step of its time counts for more. */
const stepMaxMs = 1_000;

class Pause {
  /** Stream time of the track's newest frame; infinite before the first. */
  newestMs: number = Number.POSITIVE_INFINITY;
  /** How much the other track has brought since then, and the most that it ever was. */
  ms = 0;
  longestMs = 0;
}

export class TrackSilence {
  #audio = new Pause();
  #video = new Pause();
  #silent: Track | undefined;

  /** The track that is silent; it is never both. */
  get track(): Track | undefined {
    return this.#silent;
  }

  /** Takes a frame of audio or video. */
  take(track: Track, timeMs: number): void {
    const isVideo = track === Track.video;
    const own = isVideo ? this.#video : this.#audio;
    const other = isVideo ? this.#audio : this.#video;
    if (own.ms > own.longestMs) own.longestMs = own.ms;
    own.ms = 0;
    if (this.#silent === track) this.#silent = undefined;
    const stepMs = Math.min(Math.max(timeMs - own.newestMs, 0), stepMaxMs);
    own.newestMs = timeMs;
    other.ms += stepMs;
    if (this.#silent === undefined && other.ms > Math.max(silentAfterMs, longestPauses * other.longestMs)) {
      this.#silent = isVideo ? Track.audio : Track.video;
    }
  }

  /** Another publication begins. */
  restart(): void {
    this.#audio = new Pause();
    this.#video = new Pause();
    this.#silent = undefined;
  }
}

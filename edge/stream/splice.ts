/**
 * Joining a new source to a stream that players already watch. A source that carries the same media is recognised by
 * its frames (the same bytes, at the same time or at a constant distance from it) and joined frame-exactly: none
 * twice, none missing. Any other source begins at its first keyframe, and the stream's clock goes on from where it was.
 */

import { isHeader, isMedia, kept, shifted, Track, type UntimedFrame } from './frame.ts';
import { HeaderRoom } from './header-room.ts';
import type { HeaderSet } from './headers.ts';
import type { FrameIndex, History, Standing } from './history.ts';
import { framesWithoutKeyframeMax } from './keyframe-watch.ts';

/** How a new source takes over. */
export interface Takeover {
  /** Its time carries on as it is. */
  readonly sameClock: boolean;
  /** All headers that it has sent so far. */
  readonly headers: readonly UntimedFrame[];
}

export type SpliceStep =
  /** Not to be shown: already had, or not decodable yet. */
  | { readonly kind: 'skip' }
  /** The new source takes over. */
  | (Takeover & { readonly kind: 'join'; readonly frames: readonly UntimedFrame[] })
  /** A frame of the source that has taken over. */
  | { readonly kind: 'pass'; readonly frame: UntimedFrame };

const skip: SpliceStep = { kind: 'skip' };

/** A source with this many audio frames and nothing of video has none (some five seconds of AAC). */
const audioWithoutVideoMax = 250;

/** What is asked of the stream while its present source may still go on. */
export interface SpliceStream {
  readonly history: History;
  /** The headers that its players have by now. */
  headers(): HeaderSet;
  /** Whether decoding it needs a keyframe. */
  readonly hasVideo: boolean;
}

export class Splice {
  readonly #stream: SpliceStream;
  #state: 'seeking' | 'same-clock' | 'joined' | 'done' = 'seeking';
  /** Milliseconds that bring this source's times to the stream's. */
  #shift = 0;
  /** While one frame alone speaks for the shift: what was passed over, for the case that it was a coincidence. */
  #unconfirmed: UntimedFrame[] | undefined;
  #seen = 0;
  #seenVideo = false;
  readonly #headers = new HeaderRoom<UntimedFrame>();
  /** What the stream had when this source took over, and the tracks that have got beyond it. */
  #before: FrameIndex | undefined;
  #beyond = 0;

  constructor(stream: SpliceStream) {
    this.#stream = stream;
  }

  /** Every further frame would pass: the splice is of no more use. */
  get done(): boolean {
    return this.#state === 'done';
  }

  /** This source carries what the stream has had, and is behind: it goes on frame-exactly where the present one ends. */
  get overlaps(): boolean {
    return this.#state === 'same-clock' && this.#unconfirmed === undefined;
  }

  /** To be added to the times of this source's frames; those that `next` returns have it already. */
  get shift(): number {
    return this.#shift;
  }

  /** Decides about the new source's next frame. */
  next(original: UntimedFrame): SpliceStep {
    const frame = shifted(original, this.#shift);
    if (frame.track === Track.video) this.#seenVideo = true;
    if (isHeader(frame)) return this.#header(frame);
    this.#seen++;
    switch (this.#state) {
      case 'seeking':
        return this.#seek(frame);
      case 'same-clock':
        return this.#overlap(frame);
      case 'joined':
        return this.#interleave(frame);
      case 'done':
        return { kind: 'pass', frame };
    }
  }

  #header(frame: UntimedFrame): SpliceStep {
    if (this.#state === 'joined' || this.#state === 'done') return { kind: 'pass', frame };
    this.#headers.keep(frame, kept(frame));
    return skip;
  }

  /** Looks for a frame that the stream has had, or for one to begin with. */
  #seek(frame: UntimedFrame): SpliceStep {
    const { history, hasVideo } = this.#stream;
    // Silence looks the same everywhere: where there is video, only video tells a stream from another.
    const telling = hasVideo ? frame.track === Track.video : isMedia(frame);
    const shift = telling ? history.shiftOf(frame) : undefined;
    if (shift !== undefined) {
      this.#state = 'same-clock';
      this.#shift = shift;
      this.#unconfirmed = shift === 0 ? undefined : [kept(frame)];
      return skip;
    }
    return this.#isDecodable(frame) ? this.#join([frame], false) : skip;
  }

  #isDecodable(frame: UntimedFrame): boolean {
    if (frame.role === 'keyframe' || this.#seen > framesWithoutKeyframeMax) return true;
    if (frame.track !== Track.audio) return false;
    return !this.#stream.hasVideo || (!this.#seenVideo && this.#seen > audioWithoutVideoMax);
  }

  /** Passes over what the stream has had. */
  #overlap(frame: UntimedFrame): SpliceStep {
    const standing = this.#stream.history.compare(frame);
    if (standing === 'next') return this.#join([frame], true);
    if (standing === 'had' && isMedia(frame)) this.#unconfirmed = undefined;
    if (this.#unconfirmed !== undefined) return this.#doubt(this.#unconfirmed, frame, standing);
    if (standing !== 'foreign') return skip;
    // The source has started over.
    const original = shifted(frame, -this.#shift);
    this.#shift = 0;
    this.#state = 'seeking';
    return this.#seek(original);
  }

  /** One frame was like one that the stream had; the next is not: pictures of a still scene are all alike. */
  #doubt(passed: UntimedFrame[], frame: UntimedFrame, standing: Standing): SpliceStep {
    passed.push(kept(shifted(frame, -this.#shift)));
    if (standing === 'had' || frame.track !== Track.video) return skip;
    this.#shift = 0;
    this.#unconfirmed = undefined;
    this.#state = 'seeking';
    const [first] = passed;
    return first !== undefined && this.#isDecodable(first) ? this.#join(passed, false) : skip;
  }

  /** Tracks interleave: one may still repeat what the stream had while another is already beyond it. */
  #interleave(frame: UntimedFrame): SpliceStep {
    const track = 1 << frame.track;
    const standing = (this.#beyond & track) === 0 ? this.#before?.compare(frame) : 'next';
    if (standing === 'had' || standing === 'past') return skip;
    if (isMedia(frame)) this.#beyond |= track;
    const allBeyond = ((this.#before?.mediaTracks ?? 0) & ~this.#beyond) === 0;
    // A track that this source does not have is not waited for without end.
    if (allBeyond || this.#seen > framesWithoutKeyframeMax) this.#state = 'done';
    return { kind: 'pass', frame };
  }

  /** @param media at least one */
  #join(media: readonly UntimedFrame[], sameClock: boolean): SpliceStep {
    const { history } = this.#stream;
    const headers = this.#stream.headers();
    const brought = this.#headers.values;
    const changed = brought.filter((header) => !headers.has(header));
    this.#headers.clear();
    this.#before = sameClock ? history.snapshot() : undefined;
    this.#beyond = 0;
    for (const frame of media) if (isMedia(frame)) this.#beyond |= 1 << frame.track;
    this.#state = sameClock && (this.#before?.mediaTracks ?? 0) !== this.#beyond ? 'joined' : 'done';
    const sourceTime = media[0]?.sourceTime ?? 0;
    const frames = changed.map((header) => ({ ...header, sourceTime }));
    return { kind: 'join', frames: [...frames, ...media], sameClock, headers: brought };
  }
}

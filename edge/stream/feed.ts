/**
 * A feed: the way by which one source (an origin's connection, or a local publisher) brings messages into a
 * stream. Only one feed of a stream delivers; another may be waiting for the moment to take over.
 */

import type { RtmpMessage } from '../rtmp/message.ts';
import { shifted, toUntimedFrame, type UntimedFrame } from './frame.ts';
import type { Splice, Takeover } from './splice.ts';

/** What a feed needs of its stream. */
export interface FeedTarget {
  take(feed: Feed, how: Takeover): void;
  append(frame: UntimedFrame, arrivalMs: number): void;
  flush(nowMs: number): void;
  closed(feed: Feed): void;
}

/** What a source is told of its feed. */
export interface FeedEvents {
  /** Its frames reach the players from now on. */
  delivering?(): void;
  /** It carries what the stream has had, and goes on frame-exactly where the present feed ends. */
  overlaps?(): void;
  /** Another feed has taken over. */
  superseded?(): void;
}

/** `afresh`: at its first key frame, also where players have had what it carries. */
export type FeedStart = 'where the last ended' | 'afresh';

/** Where there is nothing to join. */
const asItComes: Takeover = { sameClock: false, headers: [] };

export class Feed {
  readonly #target: FeedTarget;
  readonly #events: FeedEvents;
  readonly #openSplice: () => Splice | undefined;
  #splice: Splice | undefined;
  /** Milliseconds that bring the source's times to those that the stream began with. */
  #shift = 0;
  #state: 'opened' | 'waiting' | 'delivering' | 'closed' = 'opened';
  #toldOverlap = false;

  /** @param openSplice called when the first frame comes; it returns undefined if there is nothing to join */
  constructor(target: FeedTarget, openSplice: () => Splice | undefined, events: FeedEvents) {
    this.#target = target;
    this.#openSplice = openSplice;
    this.#events = events;
  }

  /** Whether this feed's frames reach the players. */
  get delivering(): boolean {
    return this.#state === 'delivering';
  }

  /** Brings in one message; what is no media is ignored. @param nowMs monotonic time of its arrival */
  push(message: RtmpMessage, nowMs: number): void {
    if (this.#state === 'closed') return;
    const frame = toUntimedFrame(message);
    if (frame === undefined) return;
    if (this.#state === 'opened') {
      this.#state = 'waiting';
      this.#splice = this.#openSplice();
    }
    if (this.#splice !== undefined) this.#join(this.#splice, frame, nowMs);
    else this.#deliver(shifted(frame, this.#shift), nowMs);
  }

  /** What was read at once is in; the stream may hand it on. */
  flush(nowMs: number): void {
    if (this.#state === 'delivering') this.#target.flush(nowMs);
  }

  /** The source is gone; players stay. */
  close(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#target.closed(this);
  }

  /** Another feed has taken over. */
  supersede(): void {
    this.#state = 'closed';
    this.#events.superseded?.();
  }

  #join(splice: Splice, frame: UntimedFrame, nowMs: number): void {
    const step = splice.next(frame);
    this.#shift = splice.shift;
    if (splice.done) this.#splice = undefined;
    if (step.kind === 'skip') {
      if (splice.overlaps && !this.#toldOverlap) {
        this.#toldOverlap = true;
        this.#events.overlaps?.();
      }
      return;
    }
    if (step.kind === 'pass') return this.#deliver(step.frame, nowMs);
    this.#begin(step);
    for (const joined of step.frames) this.#target.append(joined, nowMs);
  }

  #deliver(frame: UntimedFrame, nowMs: number): void {
    if (this.#state === 'waiting') this.#begin(asItComes);
    this.#target.append(frame, nowMs);
  }

  #begin(how: Takeover): void {
    this.#state = 'delivering';
    this.#target.take(this, how);
    this.#events.delivering?.();
  }
}

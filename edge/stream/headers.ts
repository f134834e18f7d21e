/**
 * What a player must have before any frame makes sense: metadata and one sequence header per track.
 */

import { sequenceHeaderKey } from '../flv/media.ts';
import type { Frame, UntimedFrame } from './frame.ts';

/** What a stream is made of, as far as it has shown. */
export interface StreamContent {
  readonly headers: HeaderSet;
  readonly hasVideo: boolean;
  readonly hasAudio: boolean;
}

const metadataKey = 'metadata';

/** An immutable set of headers: a change makes a new set, so that identity tells "nothing changed". */
export class HeaderSet {
  static readonly empty: HeaderSet = new HeaderSet([]);

  readonly #byKey: ReadonlyMap<string | number, Frame>;
  /** In the order players expect: metadata, then sequence headers as they came. */
  readonly frames: readonly Frame[];

  private constructor(frames: readonly Frame[]) {
    this.frames = frames;
    this.#byKey = new Map(frames.map((frame) => [headerKey(frame), frame]));
  }

  /** Whether the very same header is already here. */
  has(frame: UntimedFrame): boolean {
    return this.#byKey.get(headerKey(frame))?.payload.equals(frame.payload) === true;
  }

  /** The set with this header in place of the one that its track had; the same set if nothing changes. */
  with(frame: Frame): HeaderSet {
    if (this.has(frame)) return this;
    const key = headerKey(frame);
    const others = this.frames.filter((other) => headerKey(other) !== key);
    return new HeaderSet(frame.role === 'metadata' ? [frame, ...others] : [...others, frame]);
  }
}

/** Identifies the place a header fills: metadata, or its audio or video track. */
export function headerKey(frame: UntimedFrame): string | number {
  return frame.role === 'metadata' ? metadataKey : sequenceHeaderKey(frame.type, frame.payload);
}

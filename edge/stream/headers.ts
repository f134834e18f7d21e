/**
 * What a player must have before any frame makes sense: metadata and one sequence header per track.
 */

import { type Frame, kept, type UntimedFrame } from './frame.ts';
import { fitsIn, headerKey, metadataKey } from './header-room.ts';
import { PackedFrames } from './packed-frames.ts';

/** What a stream is made of, as far as it has shown. */
export interface StreamContent {
  readonly headers: HeaderSet;
  readonly hasVideo: boolean;
  readonly hasAudio: boolean;
}

/**
 * An immutable set of headers: a change makes a new set, so that identity tells "nothing changed". Bounded in number
 * and bytes, so that no change takes long.
 */
export class HeaderSet {
  static readonly empty: HeaderSet = new HeaderSet(new Map());

  readonly #byKey: ReadonlyMap<string, Frame>;
  readonly #bytes: number;
  /** In the order players expect: metadata, then sequence headers as they came. */
  readonly frames: readonly Frame[];
  #packed: PackedFrames | undefined;
  /** The set that this one is a part of. */
  readonly #whole: HeaderSet | undefined;

  private constructor(byKey: ReadonlyMap<string, Frame>, whole?: HeaderSet) {
    this.#byKey = byKey;
    this.#whole = whole;
    this.frames = [...byKey.values()];
    this.#bytes = this.frames.reduce((sum, { payload }) => sum + payload.length, 0);
  }

  /** The frames as they are sent. */
  get packed(): PackedFrames {
    this.#packed ??= PackedFrames.of(this.frames);
    return this.#packed;
  }

  /** Whether the very same header is already here. */
  has(frame: UntimedFrame): boolean {
    return this.#byKey.get(headerKey(frame))?.payload.equals(frame.payload) === true;
  }

  /** Whether `with` would take it in: the set has room for so many headers and bytes. */
  hasRoomFor(frame: UntimedFrame): boolean {
    const before = this.#byKey.get(headerKey(frame))?.payload.length;
    return fitsIn(this.#byKey.size, this.#bytes, before, frame.payload.length);
  }

  /** Whether who has been given a set has all of this one: it is that set, or a part of it. */
  isWithin(given: HeaderSet | undefined): boolean {
    return given !== undefined && (given === this || given === this.#whole);
  }

  /** The set of those headers that pass; the same set if all do. */
  filter(passes: (header: Frame) => boolean): HeaderSet {
    const passed = [...this.#byKey].filter(([, header]) => passes(header));
    return passed.length === this.#byKey.size ? this : new HeaderSet(new Map(passed), this);
  }

  /** The set with this header in place of the one that its track had; the same set if nothing changes. */
  with(header: Frame): HeaderSet {
    if (this.has(header) || !this.hasRoomFor(header)) return this;
    const frame = kept(header);
    const key = headerKey(frame);
    const others = [...this.#byKey].filter(([other]) => other !== key);
    return new HeaderSet(new Map(key === metadataKey ? [[key, frame], ...others] : [...others, [key, frame]]));
  }
}

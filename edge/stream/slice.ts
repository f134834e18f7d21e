/**
 * A slice: the frames of one merged-write interval. It is encoded once for each wire format in use, and every
 * player of that format is handed the same bytes.
 */

import type { MediaKind, MediaMemory } from '../budget/media-memory.ts';
import type { BufferPool } from './buffer-pool.ts';
import { isHeaderRole, isMediaRole, Track } from './frame.ts';
import type { HeaderSet } from './headers.ts';
import { PackedFrames } from './packed-frames.ts';
import { contentOf, trackBit } from './slice-content.ts';
import { type Run, type SharedRun, type TrackTimes, type WireFormat, wholeRoundMs } from './wire-format.ts';

export interface SliceOptions {
  /** None only where all are of tracks that have been left out. */
  readonly frames: PackedFrames;
  /** Headers in force before the first frame. */
  readonly headersBefore: HeaderSet;
  /** Last time of each track before this slice. */
  readonly lastTimes: TrackTimes;
  /** Where the next slice's `headersBefore` is known: whoever compares them must find the same set. */
  readonly headersAfter?: HeaderSet;
  /** The stream has shown that it sends no key frames: its video can begin anywhere. */
  readonly lacksKeyframes?: boolean;
  /** Stream time of the newest frame when this slice was closed, of whichever track. Default: its own newest. */
  readonly leadMs?: number | undefined;
  /** No later frame is before this stream time and the slice's own frames. Default: none is before those. */
  readonly floorMs?: number | undefined;
  /** Bit mask of the tracks that have been left out, here or before, for players who get none of them; their headers may be here. */
  readonly skips?: number;
  /** For a slice that is delivered once: its memory comes from here, and goes back when it is delivered. */
  readonly pool?: BufferPool;
}

export class Slice {
  readonly frames: PackedFrames;
  readonly frameCount: number;
  readonly headersBefore: HeaderSet;
  readonly headersAfter: HeaderSet;
  readonly lastTimes: TrackTimes;
  readonly skips: number;
  /** Bit mask of the tracks that have frames here. */
  readonly tracks: number;
  /** Bytes of all frames, as they came. */
  readonly payloadBytes: number;
  /** Bytes of the memory that the frames lie in. */
  readonly #roomBytes: number;
  /** Earliest stream time, milliseconds, headers left out: encoders stamp them as they like. Infinite without frames. */
  readonly startMs: number;
  /** Earliest and latest stream time of all that is here, headers included. */
  readonly earliestMs: number;
  readonly endMs: number;
  readonly leadMs: number;
  readonly floorMs: number;
  /** Position of the last keyframe, or -1. */
  readonly keyframeAt: number;
  /** Position of the frame at which a player that waits for video can begin with it, or -1. */
  readonly entryAt: number;
  readonly #lacksKeyframes: boolean;
  readonly #lastHeaderAt: number;
  readonly #pool: BufferPool | undefined;
  // Made when needed: most slices are sent in one way only.
  #shared: Map<WireFormat, Buffer> | undefined;
  #opening: Map<WireFormat, Buffer> | undefined;
  #rejoining: Map<WireFormat, SharedRun> | undefined;
  #rejoiningWithHeaders: Map<WireFormat, SharedRun> | undefined;
  #withoutVideo: Slice | undefined;
  #withoutAudio: Slice | undefined;
  #encodedBytes = 0;
  /** How many wait for it, and whether it is kept for those who come later. */
  #waiting = 0;
  #cached = false;
  /** What it is counted as, and where. */
  #countedAs: MediaKind | undefined;
  #memory: MediaMemory | undefined;
  /** Somebody's socket still has to do with its bytes. */
  #pending = false;
  #fromEntry: Slice | undefined;
  #beforeEntry: Slice | undefined;

  constructor(options: SliceOptions) {
    const { frames, headersBefore, headersAfter, lastTimes, lacksKeyframes = false, skips = 0 } = options;
    this.frames = frames;
    this.headersBefore = headersBefore;
    this.lastTimes = lastTimes;
    this.floorMs = options.floorMs ?? Number.POSITIVE_INFINITY;
    this.skips = skips;
    this.#lacksKeyframes = lacksKeyframes;
    this.#pool = options.pool;
    const content = contentOf(frames);
    this.frameCount = content.frameCount;
    this.tracks = content.tracks;
    this.payloadBytes = content.payloadBytes;
    this.#roomBytes = frames.bytes.length;
    this.startMs = content.startMs;
    this.earliestMs = content.earliestMs;
    this.endMs = content.endMs;
    this.leadMs = options.leadMs ?? content.endMs;
    this.keyframeAt = content.keyframeAt;
    this.entryAt = content.keyframeAt < 0 && lacksKeyframes ? 0 : content.keyframeAt;
    this.#lastHeaderAt = content.lastHeaderAt;
    this.headersAfter = headersAfter ?? this.#headersUpTo(frames.end);
  }

  /**
   * The stream time at which time begins for a player that begins here: that of the earliest frame here or to come,
   * so that a track which is behind the other has its distance from the start.
   */
  get zeroMs(): number {
    return Math.min(this.startMs, this.floorMs);
  }

  /** Headers in force before the frame at a position. */
  headersAt(position: number): HeaderSet {
    return position > this.#lastHeaderAt ? this.headersAfter : this.#headersUpTo(position);
  }

  #headersUpTo(position: number): HeaderSet {
    let headers = this.headersBefore;
    if (this.#lastHeaderAt < 0) return headers;
    const { frames } = this;
    for (let at = 0; at < position; at = frames.next(at)) {
      if (isHeaderRole(frames.role(at))) headers = headers.with(frames.frame(at));
    }
    return headers;
  }

  /** Bit mask of the tracks that have frames at `fromMs` of stream time or later. */
  tracksFrom(fromMs: number): number {
    if (fromMs <= this.earliestMs) return this.tracks;
    const { frames } = this;
    let tracks = 0;
    for (let at = 0; at < frames.end; at = frames.next(at)) {
      if (frames.timeMs(at) >= fromMs) tracks |= trackBit(frames.track(at));
    }
    return tracks;
  }

  /** This slice for players who want no video, or whose video waits for a key frame that is not here. */
  get withoutVideo(): Slice {
    this.#withoutVideo ??= this.#without(Track.video);
    return this.#withoutVideo;
  }

  /** This slice for players who want no sound. */
  get withoutAudio(): Slice {
    this.#withoutAudio ??= this.#without(Track.audio);
    return this.#withoutAudio;
  }

  #without(track: Track): Slice {
    return (this.tracks & trackBit(track)) === 0 ? this : this.#cut(track, this.frames.end);
  }

  /** The sound of this slice with memory of its own, to be kept; undefined when there is nothing else than video. */
  get sound(): Slice | undefined {
    const part = this.withoutVideo;
    if (part.frameCount === 0) return undefined;
    if (part !== this) return part;
    const { headersBefore, headersAfter, lastTimes, leadMs, floorMs } = this;
    const frames = this.frames.filter(() => true);
    return new Slice({ frames, headersBefore, headersAfter, lastTimes, leadMs, floorMs });
  }

  /** This slice for players whose video has waited for the frame at `entryAt`. */
  get fromEntry(): Slice {
    this.#fromEntry ??= this.entryAt === 0 ? this : this.#cut(Track.video, this.entryAt);
    return this.#fromEntry;
  }

  /** What comes before the frame at `entryAt`, for players who leave there; undefined when nothing does. */
  get beforeEntry(): Slice | undefined {
    const { entryAt, frames: all, headersBefore, lastTimes, leadMs, floorMs } = this;
    if (entryAt <= 0) return undefined;
    this.#beforeEntry ??= new Slice({
      frames: all.filter((at) => at < entryAt),
      headersBefore,
      lastTimes,
      leadMs,
      floorMs,
    });
    return this.#beforeEntry;
  }

  /** Leaves out a track before the frame at a position; its headers stay. */
  #cut(track: Track, position: number): Slice {
    const all = this.frames;
    const frames = all.filter((at) => at >= position || all.track(at) !== track || !isMediaRole(all.role(at)));
    const { headersBefore, headersAfter, lastTimes, leadMs, floorMs } = this;
    const skips = position === all.end ? this.skips | trackBit(track) : this.skips;
    const lacksKeyframes = this.#lacksKeyframes && track !== Track.video;
    return new Slice({ frames, headersBefore, headersAfter, lastTimes, lacksKeyframes, leadMs, floorMs, skips });
  }

  /** Bytes for every player that has had all slices before: time differences only. */
  shared(format: WireFormat): Buffer {
    this.#shared ??= new Map();
    let bytes = this.#shared.get(format);
    if (bytes === undefined) {
      const { frames, lastTimes } = this;
      const pool = this.#pool;
      const allocate = pool === undefined ? Buffer.allocUnsafeSlow : (size: number): Buffer => pool.take(size);
      bytes = format.encode({ frames, headers: PackedFrames.none, headersMs: 0, lastTimes, baseMs: 0 }, allocate);
      this.#shared.set(format, bytes);
      this.#encoded(bytes.buffer.byteLength);
    }
    return bytes;
  }

  /** Bytes for every player that begins with this slice: headers, then frames with absolute times. */
  opening(format: WireFormat): Buffer {
    this.#opening ??= new Map();
    let bytes = this.#opening.get(format);
    if (bytes === undefined) {
      const { frames, zeroMs } = this;
      const headers = this.headersBefore.packed;
      const baseMs = format.zeroBased ? zeroMs : wholeRoundMs;
      const run: Run = { frames, headers, headersMs: zeroMs, lastTimes: [], baseMs };
      bytes = format.encode(run, Buffer.allocUnsafeSlow);
      this.#opening.set(format, bytes);
      this.#encoded(bytes.length);
    }
    return bytes;
  }

  /** This slice for every player that has missed something before it. */
  rejoining(format: WireFormat, withHeaders: boolean): SharedRun {
    this.#rejoining ??= new Map();
    this.#rejoiningWithHeaders ??= new Map();
    const runs = withHeaders ? this.#rejoiningWithHeaders : this.#rejoining;
    let run = runs.get(format);
    if (run === undefined) {
      const { frames, lastTimes, earliestMs } = this;
      const headers = withHeaders ? this.headersBefore.packed : PackedFrames.none;
      run = format.share({ frames, headers, headersMs: earliestMs, lastTimes, baseMs: 0 });
      runs.set(format, run);
      this.#encoded(run.heldBytes);
    }
    return run;
  }

  /** A player's socket has not taken all of its bytes at once. */
  pending(): void {
    this.#pending = true;
  }

  /**
   * All players have been given it, or keep it for later. Memory that nobody needs any more goes back to the pool. What
   * somebody waits for is left to the garbage collector: a backlog lets go of a slice before its player reads it.
   */
  delivered(): void {
    const pool = this.#pool;
    if (pool === undefined || this.#waiting > 0) return;
    this.frames.free(pool);
    if (this.#shared === undefined || this.#pending) return;
    for (const bytes of this.#shared.values()) pool.give(bytes);
    this.#shared = undefined;
  }

  /** Bytes of memory that it holds: media as it came, and encoded. */
  get heldBytes(): number {
    return this.#roomBytes + this.#encodedBytes;
  }

  /** A player waits for it, until `release`. However many do, its bytes count once. */
  hold(memory: MediaMemory): void {
    this.#waiting++;
    if (this.#countedAs === undefined) this.#count(memory);
  }

  release(): void {
    this.#waiting--;
    if (this.#waiting === 0 && this.#memory !== undefined) this.#count(this.#memory);
  }

  /** It is kept for players to come, or no more. */
  keep(memory: MediaMemory, kept: boolean): void {
    this.#cached = kept;
    this.#count(memory);
  }

  #count(memory: MediaMemory): void {
    const as = this.#cached ? 'gop_cache' : this.#waiting > 0 ? 'backlog' : undefined;
    if (as === this.#countedAs) return;
    if (this.#countedAs !== undefined) memory.change(this.#countedAs, -this.heldBytes);
    if (as !== undefined) memory.change(as, this.heldBytes);
    this.#countedAs = as;
    this.#memory = memory;
  }

  #encoded(bytes: number): void {
    this.#encodedBytes += bytes;
    if (this.#countedAs !== undefined) this.#memory?.change(this.#countedAs, bytes);
  }
}

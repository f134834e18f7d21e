/**
 * One player's place in a stream: what it has been given, what waits for it, and where it goes on when it could
 * not keep up. The sink is the rim: RTMP, HTTP-FLV or WebSocket.
 */

import { Track } from './frame.ts';
import type { HeaderSet } from './headers.ts';
import { type Slice, trackBit, type WireFormat } from './slice.ts';

/** Where a player's bytes go. */
export interface PlayerSink {
  /** Takes the bytes in any case. False: no more, please, until `Player.drained` is called. */
  write(bytes: Buffer): boolean;
  /** The stream is over for this player. */
  end(reason: string): void;
}

export interface PlayerOptions {
  /** A function is asked when the first bytes are due: some formats depend on what the stream has. */
  readonly format: WireFormat | (() => WireFormat);
  readonly sink: PlayerSink;
  /** Media that may wait for a slow player before whole GOPs are dropped. */
  readonly queueLengthMs: number;
}

export class Player {
  #format: PlayerOptions['format'];
  readonly #sink: PlayerSink;
  readonly #queueLengthMs: number;
  /** Headers that the client has; undefined before its first byte. */
  #headers: HeaderSet | undefined;
  #baseMs: number | undefined;
  /** Tracks whose last time the client knows: while it knows those of a slice, the shared bytes are right for it. */
  #anchored = 0;
  #awaitsKeyframe = false;
  /** The client has not yet taken what it was given. */
  #blocked = false;
  readonly #backlog: Slice[] = [];
  /** Where the first slice of the backlog begins for this player. */
  #backlogFrom = 0;
  #droppedGops = 0;
  #bytesSent = 0;

  constructor(options: PlayerOptions) {
    this.#format = options.format;
    this.#sink = options.sink;
    this.#queueLengthMs = options.queueLengthMs;
  }

  /** Times that frames were dropped because this player was too slow. */
  get droppedGops(): number {
    return this.#droppedGops;
  }

  get bytesSent(): number {
    return this.#bytesSent;
  }

  /** Whether any media has been given to it. */
  get started(): boolean {
    return this.#headers !== undefined;
  }

  /** Nothing is sent before the next keyframe. */
  awaitKeyframe(): void {
    this.#awaitsKeyframe = true;
  }

  /** Gives the next slice of the stream. Called for every player for every slice: allocates nothing as a rule. */
  deliver(slice: Slice): void {
    let from = 0;
    if (this.#awaitsKeyframe) {
      if (slice.keyframeIndex < 0) return;
      this.#awaitsKeyframe = false;
      from = slice.keyframeIndex;
    }
    if (!this.#blocked) this.#send(slice, from);
    else this.#queue(slice, from);
  }

  /** The client took what it had been given. */
  drained(): void {
    this.#blocked = false;
    let sent = 0;
    for (const slice of this.#backlog) {
      if (this.#blocked) break;
      this.#send(slice, sent === 0 ? this.#backlogFrom : 0);
      sent++;
    }
    if (sent === 0) return;
    this.#backlog.splice(0, sent);
    this.#backlogFrom = 0;
  }

  end(reason: string): void {
    this.#backlog.length = 0;
    this.#sink.end(reason);
  }

  #send(slice: Slice, from: number): void {
    // Headers alone give no time to begin at; the next slice has them before it.
    if (!this.started && slice.startMs === Number.POSITIVE_INFINITY) return;
    const bytes = this.#encode(slice, from);
    this.#headers = slice.headersAfter;
    if (bytes.length === 0) return;
    this.#bytesSent += bytes.length;
    this.#blocked = !this.#sink.write(bytes);
  }

  #encode(slice: Slice, from: number): Buffer {
    if (typeof this.#format === 'function') this.#format = this.#format();
    const format = this.#format;
    const inStep = from === 0 && this.#headers === slice.headersBefore;
    if (inStep && (slice.tracks & ~this.#anchored) === 0) return slice.shared(format);
    if (from === 0 && this.#headers === undefined) {
      this.#baseMs = format.zeroBased ? slice.startMs : 0;
      this.#anchored = slice.tracksFrom(0, this.#baseMs);
      return slice.opening(format);
    }
    // Out of step: after dropped GOPs, or a track that the client meets for the first time.
    const startMs = slice.startOf(from);
    this.#baseMs ??= format.zeroBased ? startMs : 0;
    const headers = slice.headersAt(from);
    // Headers have a time of their own: behind them the tracks begin anew.
    if (headers !== this.#headers) this.#anchored = 0;
    const bytes = format.encode({
      frames: slice.frames,
      from,
      headers: headers === this.#headers ? [] : headers.frames,
      headersMs: Number.isFinite(startMs) ? startMs : slice.endMs,
      anchored: this.#anchored,
      lastTimes: slice.lastTimes,
      baseMs: this.#baseMs,
    });
    this.#anchored |= slice.tracksFrom(from, this.#baseMs);
    return bytes;
  }

  #queue(slice: Slice, from: number): void {
    if (this.#backlog.length === 0) this.#backlogFrom = from;
    this.#backlog.push(slice);
    const oldest = this.#backlog[0];
    if (oldest !== undefined && slice.endMs - oldest.startMs > this.#queueLengthMs) this.#drop();
  }

  /** Gives up whole GOPs: the player goes on with the newest keyframe that waits, or with the next to come. */
  #drop(): void {
    this.#droppedGops++;
    this.#anchored = 0;
    const hasVideo = this.#backlog.some((slice) => (slice.tracks & trackBit(Track.video)) !== 0);
    const keyframeAt = this.#backlog.findLastIndex((slice) => slice.keyframeIndex >= 0);
    if (keyframeAt > 0) {
      this.#backlog.splice(0, keyframeAt);
      this.#backlogFrom = this.#backlog[0]?.keyframeIndex ?? 0;
    } else if (hasVideo) {
      this.#backlog.length = 0;
      this.#awaitsKeyframe = true;
    } else {
      this.#backlog.splice(0, this.#backlog.length - 1);
      this.#backlogFrom = 0;
    }
  }
}

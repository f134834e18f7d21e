/**
 * One player's place in a stream: what it has been given, what waits for it, and where it goes on when it could
 * not keep up. The sink is the rim: RTMP, HTTP-FLV or WebSocket.
 */

import { MediaMemory, type SlowPlayer } from '../budget/media-memory.ts';
import { awakeNow } from '../time/awake.ts';
import { Backlog } from './backlog.ts';
import { ClientStanding } from './client-standing.ts';
import { Track } from './frame.ts';
import type { PlayerSink } from './player-sink.ts';
import type { QueueLimits } from './queue-limits.ts';
import type { Refusal, StreamRequest } from './request.ts';
import type { Slice } from './slice.ts';
import { trackBit } from './slice-content.ts';
import type { WireFormat } from './wire-format.ts';

export interface PlayerOptions {
  /**
   * A function is called when the first bytes are due: some formats depend on what the stream has, and on the stream
   * time at which the player begins.
   */
  readonly format: WireFormat | ((zeroMs: number) => WireFormat);
  readonly sink: PlayerSink;
  /** What its client asked for; a player of our own has none. */
  readonly request?: StreamRequest;
  /** Its client is an edge, which joins what it gets to what it has had. */
  readonly isEdge?: boolean;
  /** Those in force: a reload may change them. */
  readonly limits: () => QueueLimits;
  /** Where what waits for it is counted. */
  readonly memory?: MediaMemory;
  /** Called when it is given its first frame: of a stream with video, the first that it can show. */
  readonly firstFrame?: () => void;
}

const audioBit = trackBit(Track.audio);
const videoBit = trackBit(Track.video);

/** A player that takes nothing for so long may be disconnected when memory is short. */
const stalledMs = 2_000;

export class Player implements SlowPlayer {
  readonly request: StreamRequest | undefined;
  readonly isEdge: boolean;
  readonly #formatOption: PlayerOptions['format'];
  /** Undefined before the first byte. */
  #format: WireFormat | undefined;
  readonly #sink: PlayerSink;
  readonly #limits: () => QueueLimits;
  readonly #had = new ClientStanding();
  /** Video is left out until it can be decoded; audio and data go on. */
  #videoWaits = false;
  /** The client has not yet taken what it was given: since when, and what that was last. */
  #blocked = false;
  #blockedSinceMs = 0;
  #given: Slice | undefined;
  readonly #memory: MediaMemory;
  readonly #backlog: Backlog;
  #droppedGops = 0;
  #bytesSent = 0;
  #firstFrame: (() => void) | undefined;
  /** The client wants nothing for now. */
  #paused = false;
  /** Bit mask of the tracks that the client does not want. */
  #unwanted = 0;
  /** To be called before the next place where video can begin. */
  #atEntry: (() => void) | undefined;

  constructor(options: PlayerOptions) {
    this.#formatOption = options.format;
    this.#sink = options.sink;
    this.request = options.request;
    this.isEdge = options.isEdge === true;
    this.#limits = options.limits;
    this.#memory = options.memory ?? MediaMemory.unbounded;
    this.#firstFrame = options.firstFrame;
    this.#backlog = new Backlog(this.#memory);
  }

  /** Times that frames were dropped because this player was too slow. */
  get droppedGops(): number {
    return this.#droppedGops;
  }

  get bytesSent(): number {
    return this.#bytesSent;
  }

  /** The stream is known to be live. */
  live(): void {
    this.#sink.live?.();
  }

  /** No video is sent before it can be decoded. */
  awaitKeyframe(): void {
    this.#videoWaits = true;
  }

  /** Gives what the stream keeps for new players: slices that follow on each other, and that the next one follows. */
  open(slices: readonly Slice[]): void {
    for (let index = 0; index < slices.length; index++) {
      if (this.#blocked) return this.#backlog.open(slices, index);
      this.#send(slices[index] as Slice);
    }
  }

  /** Gives the next slice of the stream. Called for every player for every slice: allocates nothing as a rule. */
  deliver(slice: Slice): void {
    if (this.#atEntry !== undefined && slice.entryAt >= 0) return this.#stopBeforeEntry(slice, this.#atEntry);
    if (this.#paused) return this.#miss(slice);
    const part = this.#wanted(slice);
    if (this.#blocked) this.#queue(part);
    else this.#send(part);
  }

  /** The player leaves: calls `call` when what comes before the next place where video can begin is given, and no more. */
  atEntry(call: () => void): void {
    this.#atEntry = call;
  }

  #stopBeforeEntry(slice: Slice, call: () => void): void {
    this.#atEntry = undefined;
    if (this.#paused) return call();
    const { beforeEntry } = slice;
    // Who has not taken what it was given leaves without the rest.
    if (beforeEntry !== undefined && !this.#blocked) this.#send(this.#wanted(beforeEntry));
    call();
  }

  /** The client wants nothing until `resume`; what waits for it is given up. */
  pause(): void {
    this.#paused = true;
    const next = this.#backlog.oldest;
    if (next === undefined) return;
    this.#miss(next);
    this.#backlog.clear();
  }

  /**
   * Goes on at the live edge, with headers, and with video from a key frame on; time runs on.
   * @param slices what the stream keeps for new players
   */
  resume(slices: readonly Slice[]): void {
    if (!this.#paused) return;
    this.#paused = false;
    const [first] = slices;
    // Of a GOP that it has had the beginning of, it would get that twice.
    if (!this.#videoWaits || this.#unwanted !== 0 || first === undefined || !this.#had.isBefore(first)) return;
    this.#videoWaits = false;
    this.open(slices);
  }

  /** The client wants a track no more, or again: sound is back at once, video with the next key frame. */
  receive(track: typeof Track.audio | typeof Track.video, wanted: boolean): void {
    const others = this.#unwanted & ~trackBit(track);
    this.#unwanted = wanted ? others : others | trackBit(track);
    if (this.#unwanted & videoBit) this.#videoWaits = true;
  }

  /** A slice goes by that the client does not get. */
  #miss(slice: Slice): void {
    this.#had.miss(slice);
    this.#videoWaits = true;
  }

  /** The client took what it had been given. */
  drained(): void {
    this.#unblock();
    while (!this.#blocked) {
      const slice = this.#backlog.shift();
      if (slice === undefined) return;
      this.#send(slice);
    }
  }

  end(reason: string, refusal?: Refusal): void {
    this.leave();
    this.#sink.end(reason, refusal);
  }

  /** The client is gone, or will be: nothing is kept for it. */
  leave(): void {
    this.#backlog.clear();
    this.#unblock();
  }

  get stalled(): boolean {
    return this.#blocked && awakeNow() - this.#blockedSinceMs >= stalledMs;
  }

  giveUpBacklog(): boolean {
    const next = this.#backlog.oldest;
    if (next === undefined) return false;
    this.#droppedGops++;
    this.#had.fallOut(next);
    this.#backlog.clear();
    this.#videoWaits = true;
    return true;
  }

  disconnect(): void {
    this.end('memory is short, and this player does not take what it is sent');
  }

  #unblock(): void {
    if (!this.#blocked) return;
    this.#blocked = false;
    this.#memory.slowPlayers.delete(this);
    this.#given?.release();
    this.#given = undefined;
  }

  /** The sink wants no more for now. @param slice what it was given last */
  #block(slice: Slice): void {
    this.#blocked = true;
    this.#blockedSinceMs = awakeNow();
    this.#memory.slowPlayers.add(this);
    slice.hold(this.#memory);
    this.#given = slice;
  }

  /** What the client is to have of a slice. */
  #wanted(slice: Slice): Slice {
    const part = this.#videoWaits ? this.#whileVideoWaits(slice) : slice;
    return (this.#unwanted & audioBit) === 0 ? part : part.withoutAudio;
  }

  #whileVideoWaits(slice: Slice): Slice {
    if (slice.entryAt < 0 || (this.#unwanted & videoBit) !== 0) return slice.withoutVideo;
    this.#videoWaits = false;
    return slice.fromEntry;
  }

  #send(slice: Slice): void {
    const format = this.#format;
    if (format === undefined) {
      // Headers alone give no time to begin at; the next slice has them before it.
      if (slice.startMs === Number.POSITIVE_INFINITY) return;
      this.#begin(slice);
    } else if (slice.frameCount === 0) return this.#had.leaveOut(slice);
    else if (this.#had.fits(slice)) this.#write(slice, slice.shared(format));
    else this.#rejoin(slice, format);
    this.#had.given(slice);
    if (this.#firstFrame === undefined || (this.#videoWaits && (this.#unwanted & videoBit) === 0)) return;
    this.#firstFrame();
    this.#firstFrame = undefined;
  }

  #begin(slice: Slice): void {
    const option = this.#formatOption;
    const format = typeof option === 'function' ? option(slice.zeroMs) : option;
    this.#format = format;
    this.#had.begin(slice, format);
    this.#write(slice, slice.opening(format));
  }

  /** Out of step: after dropped frames, or where a track comes that the client meets for the first time. */
  #rejoin(slice: Slice, format: WireFormat): void {
    const parts = this.#had.rejoin(slice, format);
    if (parts.length === 0) return;
    for (const { length } of parts) this.#bytesSent += length;
    if (!this.#sink.writeParts(parts)) this.#block(slice);
  }

  #write(slice: Slice, bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.#bytesSent += bytes.length;
    if (!this.#sink.write(bytes)) this.#block(slice);
    if (this.#sink.pendingBytes !== 0) slice.pending();
  }

  #queue(slice: Slice): void {
    this.#backlog.push(slice);
    if (this.#isTooMuch()) this.#drop();
  }

  #isTooMuch(): boolean {
    const { queueLengthMs, queueMaxBytes } = this.#limits();
    return this.#backlog.spanMs > queueLengthMs || this.#backlog.bytes > queueMaxBytes;
  }

  /**
   * Gives up what waits: the player goes on with the newest keyframe of it, if that is within the limits. Without one
   * it goes on with sound, and with video at the next keyframe.
   */
  #drop(): void {
    this.#droppedGops++;
    const next = this.#backlog.oldest;
    if (next !== undefined) this.#had.fallOut(next);
    if (this.#backlog.dropToEntry() && !this.#isTooMuch()) return;
    const newest = this.#backlog.dropToNewest();
    this.#videoWaits = true;
    if (newest !== undefined) this.#backlog.push(this.#whileVideoWaits(newest));
    if (!this.#isTooMuch()) return;
    this.#backlog.clear();
    this.#videoWaits = true;
  }
}

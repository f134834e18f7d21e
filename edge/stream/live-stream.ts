/**
 * One live stream: frames come in from a feed, leave in slices to every player. Players belong to the stream,
 * never to what feeds it, so that a feed may die, be replaced or never come without touching them.
 */

import { type MediaKeeper, MediaMemory } from '../budget/media-memory.ts';
import type { VhostConfig } from '../conf/model.ts';
import { Feed, type FeedEvents, type FeedStart } from './feed.ts';
import { FlvEpochs } from './flv-epochs.ts';
import { type Frame, isMedia, Track, type UntimedFrame } from './frame.ts';
import { GopCache } from './gop-cache.ts';
import type { HeaderSet } from './headers.ts';
import { History } from './history.ts';
import { Intake } from './intake.ts';
import { type StreamName, streamKey } from './name.ts';
import { OpenSlice } from './open-slice.ts';
import type { Player } from './player.ts';
import type { Refusal, StreamRequest } from './request.ts';
import type { Slice } from './slice.ts';
import { Splice, type Takeover } from './splice.ts';
import { noReports, type StreamReports } from './stream-reports.ts';
import type { StreamSource } from './stream-source.ts';
import { newStats, type StreamStats } from './stream-stats.ts';

export class LiveStream {
  readonly name: StreamName;
  readonly key: string;
  readonly stats: StreamStats = newStats();
  /** Where time begins for its HTTP-FLV players. */
  readonly flvEpochs: FlvEpochs = new FlvEpochs();
  /** The settings in force; replaced on reload. */
  vhost: VhostConfig;
  readonly #players = new Set<Player>();
  readonly #intake: Intake;
  readonly #gop: GopCache;
  readonly #keeper: MediaKeeper;
  /** Where all that it keeps is counted. */
  readonly memory: MediaMemory;
  #source: StreamSource | undefined;
  #feed: Feed | undefined;
  readonly #open = new OpenSlice({
    settings: () => this.vhost,
    lacksKeyframes: () => this.#intake.lacksKeyframes,
    lacksTrack: () => this.#intake.lacksTrack,
    floorMs: () => this.#intake.floorMs,
    closed: (slice) => this.#deliver(slice),
  });
  /** The present feed has brought audio or video, and the players know that the stream is live. */
  #hasMediaNow = false;
  #announced = false;

  constructor(
    name: StreamName,
    vhost: VhostConfig,
    reports: StreamReports = noReports,
    memory: MediaMemory = MediaMemory.unbounded,
  ) {
    this.memory = memory;
    this.name = name;
    this.key = streamKey(name);
    this.vhost = vhost;
    this.#intake = new Intake({
      key: this.key,
      reports,
      reduceSequenceHeader: () => this.vhost.play.reduceSequenceHeader,
      ready: (frame) => this.#add(frame),
      fellSilent: (track) => this.#fellSilent(track),
      droppedHeader: () => this.#open.keepHeaders(this.headers),
    });
    const gop = new GopCache(memory);
    const players = this.#players;
    this.#gop = gop;
    this.#keeper = {
      get keptBytes() {
        return gop.keptBytes;
      },
      get isPlayed() {
        return players.size > 0;
      },
      giveUp: () => gop.clear(),
    };
    memory.gopCaches.add(this.#keeper);
  }

  get playerCount(): number {
    return this.#players.size;
  }

  /** Whether a feed is delivering. */
  get live(): boolean {
    return this.#feed !== undefined;
  }

  /** The headers in force, for who reports codecs. */
  get headers(): HeaderSet {
    return this.#intake.headers;
  }

  /** Whether it has video that has not fallen silent. */
  get hasVideo(): boolean {
    return this.#intake.hasTrack(Track.video) && this.#intake.silentTrack !== Track.video;
  }

  get hasAudio(): boolean {
    return this.#intake.hasTrack(Track.audio) && this.#intake.silentTrack !== Track.audio;
  }

  /** Whether audio or video proper comes of a track, not only its header. */
  hasMedia(track: Track): boolean {
    return this.#intake.hasMedia(track);
  }

  /** How long ago the first frame came, milliseconds; 0 before. */
  get ageMs(): number {
    return this.#intake.ageMs;
  }

  /** Sets what feeds this stream on demand. */
  sourcedBy(source: StreamSource): void {
    this.#source = source;
  }

  get source(): StreamSource | undefined {
    return this.#source;
  }

  /**
   * A player joins: it gets what the GOP cache has at once, and every slice from then on. Where that is no picture, its
   * video waits for a keyframe. An edge begins at the newest keyframe, as with all origins: what is older than all that it
   * has had of another one would look like another stream.
   */
  attach(player: Player): void {
    this.#players.add(player);
    if (this.vhost.play.gopCache) {
      // Video that is silent may come back between two keyframes.
      const hasVideo = this.#intake.hasTrack(Track.video) || this.hasMedia(Track.video);
      if (hasVideo && !this.#gop.holdsPicture && !this.#intake.lacksKeyframes) player.awaitKeyframe();
      player.open(player.isEdge ? this.#gop.newest : this.#gop.opening);
    }
    if (this.#announced) player.live();
    this.#source?.players(this.#players.size);
  }

  detach(player: Player): void {
    player.leave();
    if (this.#players.delete(player)) this.#source?.players(this.#players.size);
  }

  /** A player that was paused goes on. */
  resume(player: Player): void {
    player.resume(this.vhost.play.gopCache && this.#gop.holdsPicture ? this.#gop.newest : []);
  }

  /** Calls `call` when a player has had all before the next key frame; at once where none is to come. */
  atKeyframe(player: Player, call: () => void): void {
    if (this.live && this.hasVideo) player.atEntry(call);
    else call();
  }

  /** What its players' clients asked for; the last one is the newest. */
  get requests(): StreamRequest[] {
    return [...this.#players].flatMap(({ request }) => request ?? []);
  }

  /** The origin will not have these clients. */
  refuse(isRefused: (request: StreamRequest) => boolean, refusal: Refusal): void {
    for (const player of [...this.#players]) {
      if (player.request !== undefined && isRefused(player.request)) player.end(refusal.message, refusal);
    }
  }

  /** Ends the stream for all its players. */
  end(reason: string): void {
    this.#open.close();
    for (const player of [...this.#players]) player.end(reason);
  }

  /**
   * Opens a feed. It takes over from the present one, if any, as soon as it can be joined: players see one
   * stream. A stream that never had a frame takes the first feed's as they come.
   */
  openFeed(events: FeedEvents = {}, start: FeedStart = 'where the last ended'): Feed {
    return new Feed(
      {
        take: (feed, how) => this.#take(feed, how),
        append: (frame, arrivalMs) => this.#append(frame, arrivalMs),
        flush: (nowMs) => this.#flush(nowMs),
        closed: (feed) => this.#feedClosed(feed),
      },
      () => this.#splice(start === 'afresh' ? new History() : this.#intake.history),
      events,
    );
  }

  /**
   * The publication is over. What is published next is another one, even if it begins with the very same frames (a
   * clip that is published again and again): it must not be taken for a source that repeats what players have had.
   */
  forget(): void {
    this.#open.restart();
    this.#intake.forget();
    this.#gop.clear();
  }

  /** Nothing has come for long: new players are not to be given an old picture. */
  dropGop(): void {
    this.#gop.clear();
  }

  /** Frees what holds the process or memory: the stream is not to be used again. */
  dispose(): void {
    this.#open.discard();
    this.#gop.clear();
    this.memory.gopCaches.delete(this.#keeper);
  }

  #splice(history: History): Splice | undefined {
    if (this.stats.framesReceived === 0) return undefined;
    return new Splice({ history, headers: () => this.headers, hasVideo: this.hasVideo });
  }

  #take(feed: Feed, { sameClock, headers }: Takeover): void {
    const before = this.#feed;
    this.#feed = feed;
    this.#hasMediaNow = false;
    this.#announced = false;
    const { silentMs } = this.#intake;
    if (silentMs !== undefined && this.stats.framesReceived > 0) {
      this.stats.splices++;
      this.stats.lastSpliceGapMs = silentMs;
      this.stats.spliceGapsMs += silentMs;
      if (!sameClock) this.#beginAnew(headers);
    } else this.#intake.dropEarly();
    before?.supersede();
  }

  /** Another source, or another publication, goes on where the one before ended. */
  #beginAnew(headers: readonly UntimedFrame[]): void {
    const before = this.headers;
    this.#intake.rebase();
    this.#intake.keepHeaders(headers);
    if (this.headers !== before) this.#open.keepHeaders(this.headers);
  }

  #feedClosed(feed: Feed): void {
    if (this.#feed !== feed) return;
    this.#feed = undefined;
    this.#announced = false;
    this.#open.close();
  }

  #flush(nowMs: number): void {
    this.#open.flush(nowMs);
    if (this.#announced || !this.#hasMediaNow || this.#open.waitsForTrack) return;
    this.#announced = true;
    for (const player of this.#players) player.live();
  }

  #append(untimed: UntimedFrame, arrivalMs: number): void {
    if (isMedia(untimed)) this.#hasMediaNow = true;
    this.#intake.take(untimed, arrivalMs);
  }

  #add(frame: Frame): void {
    this.stats.framesReceived++;
    this.stats.bytesReceived += frame.payload.length;
    if (frame.track === Track.video) this.stats.videoFrames++;
    else if (frame.track === Track.audio) this.stats.audioFrames++;
    this.#open.add(frame);
  }

  #fellSilent(track: Track): void {
    this.#open.keepHeaders(this.headers);
    // Who joins now would begin with a picture as old as the silence, and as far behind.
    if (track === Track.video) this.#gop.clear();
  }

  #deliver(slice: Slice): void {
    this.stats.slices++;
    const { gopCache, gopCacheMaxFrames } = this.vhost.play;
    if (gopCache) this.#gop.add(slice, { maxFrames: gopCacheMaxFrames, maxBytes: this.vhost.edge.gopCacheMaxBytes });
    else this.#gop.clear();
    for (const player of this.#players) player.deliver(slice);
    slice.delivered();
    this.memory.settle();
  }
}

/**
 * One live stream: frames come in from a feed, leave in slices to every player. Players belong to the stream,
 * never to what feeds it, so that a feed may die, be replaced or never come without touching them.
 */

import { type MediaKeeper, MediaMemory } from '../budget/media-memory.ts';
import type { VhostConfig } from '../conf/model.ts';
import { EarlyFrames } from './early-frames.ts';
import { Feed, type FeedEvents } from './feed.ts';
import { FlvEpochs } from './flv-epochs.ts';
import { type Frame, isHeader, isMedia, placed, Track, type UntimedFrame } from './frame.ts';
import { GopCache } from './gop-cache.ts';
import { headerBytesMax, headersMax } from './header-room.ts';
import { HeaderSet } from './headers.ts';
import { History } from './history.ts';
import { KeyframeWatch } from './keyframe-watch.ts';
import { type StreamName, streamKey } from './name.ts';
import { OpenSlice } from './open-slice.ts';
import type { Player } from './player.ts';
import type { Refusal, StreamRequest } from './request.ts';
import type { Slice } from './slice.ts';
import { trackBit } from './slice-content.ts';
import { Splice } from './splice.ts';
import { noReports, type StreamReports } from './stream-reports.ts';
import type { StreamSource } from './stream-source.ts';
import { newStats, type StreamStats } from './stream-stats.ts';
import { clockJumped, oddFrames, tooFarApart } from './time-reports.ts';
import { Timeline } from './timeline.ts';

export class LiveStream {
  readonly name: StreamName;
  readonly key: string;
  readonly stats: StreamStats = newStats();
  /** Where time begins for its HTTP-FLV players. */
  readonly flvEpochs: FlvEpochs = new FlvEpochs();
  /** The settings in force; replaced on reload. */
  vhost: VhostConfig;
  readonly #reports: StreamReports;
  readonly #players = new Set<Player>();
  readonly #timeline = new Timeline({
    placed: (frame) => {
      if (frame.track === Track.audio || this.#keyframes.isDecodable(frame)) this.#add(frame);
    },
    dropped: (track, frames) => oddFrames(this.#reports, this.key, track, frames),
    jumped: (track) => {
      this.#history.clear();
      clockJumped(this.#reports, this.key, track);
    },
    tooFarApart: (track, distanceMs) => tooFarApart(this.#reports, this.key, track, distanceMs),
  });
  readonly #gop: GopCache;
  readonly #keeper: MediaKeeper;
  /** Where all that it keeps is counted. */
  readonly memory: MediaMemory;
  readonly #history = new History();
  #headers: HeaderSet = HeaderSet.empty;
  #source: StreamSource | undefined;
  #feed: Feed | undefined;
  /** What came before the first audio or video gave the clock its start. */
  readonly #early = new EarlyFrames();
  readonly #open = new OpenSlice({
    settings: () => this.vhost,
    lacksKeyframes: () => this.#keyframes.lacksKeyframes,
    lacksTrack: () => this.#headers.frames.some(({ role, track }) => role === 'header' && !this.#timeline.shows(track)),
    floorMs: () => this.#timeline.floorMs,
    closed: (slice) => this.#deliver(slice),
  });
  #tracks = 0;
  /** Tracks that audio or video proper has come of, whether it can be decoded or not. */
  #mediaTracks = 0;
  #firstArrivalMs: number | undefined;
  readonly #keyframes = new KeyframeWatch();
  #toldHeaders = false;
  /** The present feed has brought audio or video, and the players know that the stream is live. */
  #hasMediaNow = false;
  #announced = false;
  #lastArrivalMs: number | undefined;

  constructor(
    name: StreamName,
    vhost: VhostConfig,
    reports: StreamReports = noReports,
    memory: MediaMemory = MediaMemory.unbounded,
  ) {
    this.#reports = reports;
    this.memory = memory;
    this.name = name;
    this.key = streamKey(name);
    this.vhost = vhost;
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
    return this.#headers;
  }

  get hasVideo(): boolean {
    return (this.#tracks & trackBit(Track.video)) !== 0;
  }

  get hasAudio(): boolean {
    return (this.#tracks & trackBit(Track.audio)) !== 0;
  }

  /** Whether audio or video proper has come of a track, not only its header. */
  hasMedia(track: Track): boolean {
    return (this.#mediaTracks & trackBit(track)) !== 0;
  }

  /** How long ago the first frame came, milliseconds; 0 before. */
  get ageMs(): number {
    return this.#firstArrivalMs === undefined ? 0 : performance.now() - this.#firstArrivalMs;
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
   * video waits for a keyframe.
   */
  attach(player: Player): void {
    this.#players.add(player);
    if (this.vhost.play.gopCache) {
      const hasVideo = this.hasVideo || this.hasMedia(Track.video);
      if (hasVideo && !this.#gop.holdsPicture && !this.#keyframes.lacksKeyframes) player.awaitKeyframe();
      player.open(this.#gop.opening);
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
  openFeed(events: FeedEvents = {}): Feed {
    return new Feed(
      {
        take: (feed, sameClock) => this.#take(feed, sameClock),
        append: (frame, arrivalMs) => this.#append(frame, arrivalMs),
        flush: (nowMs) => this.#flush(nowMs),
        closed: (feed) => this.#feedClosed(feed),
      },
      () => this.#splice(),
      events,
    );
  }

  /**
   * The publication is over. What is published next is another one, even if it begins with the very same frames (a
   * clip that is published again and again): it must not be taken for a source that repeats what players have had.
   */
  forget(): void {
    this.#open.restart();
    this.#history.clear();
    this.#gop.clear();
    this.#tracks = 0;
    this.#mediaTracks = 0;
    this.#firstArrivalMs = undefined;
    this.#keyframes.restart();
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

  #splice(): Splice | undefined {
    if (this.stats.framesReceived === 0) return undefined;
    return new Splice({ history: this.#history, headers: () => this.#headers, hasVideo: this.hasVideo });
  }

  #take(feed: Feed, sameClock: boolean): void {
    const before = this.#feed;
    this.#feed = feed;
    this.#hasMediaNow = false;
    this.#announced = false;
    if (this.#lastArrivalMs !== undefined && this.stats.framesReceived > 0) {
      this.stats.splices++;
      this.stats.lastSpliceGapMs = performance.now() - this.#lastArrivalMs;
      this.stats.spliceGapsMs += this.stats.lastSpliceGapMs;
      if (!sameClock) {
        this.#timeline.rebase();
        this.#history.clear();
      }
    } else this.#early.clear();
    before?.supersede();
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
    if (isMedia(untimed)) {
      this.#hasMediaNow = true;
      this.#mediaTracks |= trackBit(untimed.track);
    }
    if (isHeader(untimed) && !this.#headers.hasRoomFor(untimed)) return this.#dropHeader();
    const repeated = untimed.role === 'header' && this.#headers.has(untimed);
    if (repeated && this.vhost.play.reduceSequenceHeader) return;
    this.#lastArrivalMs = arrivalMs;
    if (isMedia(untimed)) {
      if (!this.#timeline.started) {
        this.#timeline.start(untimed);
        for (const early of this.#early.take()) this.#addAside(early);
      }
      this.#timeline.take(untimed, arrivalMs);
    } else if (this.#timeline.started) {
      this.#addAside(untimed);
    } else this.#early.add(untimed);
  }

  /** No player would get it later: so that all have the same, nobody gets it. */
  #dropHeader(): void {
    this.#reports.droppedHeader();
    if (this.#toldHeaders) return;
    this.#toldHeaders = true;
    const fields = { stream: this.key, headersMax, headerBytesMax };
    this.#reports.warn(fields, 'headers dropped: the stream has as many as it may have');
  }

  #addAside(untimed: UntimedFrame): void {
    this.#add(placed(untimed, this.#timeline.timeAside(untimed)));
  }

  #add(frame: Frame): void {
    this.stats.framesReceived++;
    this.stats.bytesReceived += frame.payload.length;
    if (frame.track === Track.video) this.stats.videoFrames++;
    else if (frame.track === Track.audio) this.stats.audioFrames++;
    this.#tracks |= trackBit(frame.track);
    this.#firstArrivalMs ??= performance.now();
    if (isHeader(frame)) this.#headers = this.#headers.with(frame);
    else this.#history.add(frame);
    this.#open.add(frame);
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

/**
 * Which origin a stream comes from: the one in use, and the search for another where that one fails, falls silent or is
 * to be left. Whether anybody wants the stream is somebody else's business.
 */

import type { OriginAddress } from '../../conf/model.ts';
import type { LiveStream } from '../../stream/live-stream.ts';
import type { StreamRequest } from '../../stream/request.ts';
import { awakeNow } from '../../time/awake.ts';
import { originName } from '../connection/address.ts';
import type { UpstreamError } from '../connection/errors.ts';
import type { UpstreamContext } from '../context.ts';
import { homeOf } from '../origins/balance.ts';
import { shortLifeMs } from '../origins/patience.ts';
import { Asker } from './asker.ts';
import { Homing } from './homing.ts';
import type { Pull } from './pull.ts';
import { PullInUse } from './pull-in-use.ts';
import { PullSearch } from './pull-search.ts';

export interface PullRouteEvents {
  /** An origin has accepted the request, or is not down. */
  reachable(): void;
  /** Every origin is down. */
  unreachable(): void;
  /** The stream comes from an origin, or from another than before. */
  delivers(): void;
  /** Those who ask with some parameters were refused, and have been told. */
  refused(): void;
  /** Nothing is under way that must be finished: the search may end if nobody wants the stream. */
  idle(): void;
}

export interface PullRouteOptions {
  readonly stream: LiveStream;
  readonly request: StreamRequest;
  readonly context: UpstreamContext;
  /** What those ask for who wait for an origin's word. */
  readonly waiting: () => readonly StreamRequest[];
  readonly events: PullRouteEvents;
}

export class PullRoute {
  readonly #stream: LiveStream;
  readonly #context: UpstreamContext;
  readonly #events: PullRouteEvents;
  readonly #inUse: PullInUse;
  readonly #asker: Asker;
  #search: PullSearch | undefined;
  #searchingSinceMs = 0;
  /** The search is for its home alone, and ends by itself. */
  #isGoingHome = false;
  readonly #homing: Homing;
  readonly #attempts = { count: 0 };
  /** Pulls in a row that were lost soon after they were found. */
  #shortLives = 0;
  #wasLive = false;
  #wasWhole = false;
  #closed = false;

  constructor({ stream, request, context, waiting, events }: PullRouteOptions) {
    this.#stream = stream;
    this.#context = context;
    this.#events = events;
    this.#inUse = new PullInUse(
      () => stream.vhost,
      (pull) => this.#checkPause(pull),
    );
    this.#asker = new Asker(stream, context.verdicts, waiting, request);
    this.#homing = new Homing({
      home: () => this.#home(),
      present: () => this.#inUse.listedAs,
      epoch: () => context.health.epoch,
      go: (home) => this.#goHome(home),
    });
  }

  /** The pull whose frames players get. */
  get live(): Pull | undefined {
    return this.#inUse.pull;
  }

  /** Whether it ever came from an origin. */
  get wasLive(): boolean {
    return this.#wasLive;
  }

  get isSearching(): boolean {
    return this.#search !== undefined;
  }

  /** Whether an origin is being asked. */
  get isAsking(): boolean {
    return this.#search?.isAsking === true;
  }

  /** Has an origin found, if there is none. Somebody who has just come has nothing to see where that one is silent. */
  wanted(hasCome: boolean): void {
    if (this.live === undefined) this.#look([]);
    else if (hasCome && this.#inUse.isSilent) this.#look([this.live.name]);
  }

  /** An origin has the stream from this very edge. */
  published(): void {
    if (this.live === undefined) this.#search?.published();
  }

  /** The vhost's configuration has changed: an origin that is no longer listed is left as soon as another delivers. */
  reconfigured(): void {
    this.#search?.reconfigured();
    if (this.live === undefined) return;
    const { sought } = this.#asker;
    this.#inUse.isUnlisted = !this.#context.origins.mayStay(this.#stream.vhost, sought, this.#inUse.listedAs);
    if (this.#inUse.mustBeLeft) this.#look([this.live.name]);
    this.#homing.look();
  }

  close(): void {
    this.#closed = true;
    this.#homing.stop();
    this.#search?.end();
    const pull = this.live;
    this.#inUse.drop();
    pull?.close();
  }

  #listed(): readonly OriginAddress[] {
    return this.#context.origins.listed(this.#stream.vhost, this.#asker.sought);
  }

  #home(): OriginAddress | undefined {
    const { vhost } = this.#stream;
    if (vhost.edge.balance !== 'hash' || this.#context.origins.located(vhost, this.#asker.sought).length > 0)
      return undefined;
    return homeOf(this.#listed(), this.#stream.key, (origin) => this.#context.health.state(origin));
  }

  /** The present origin goes on meanwhile, and for good should that one not deliver. */
  #goHome(home: OriginAddress): void {
    if (this.live === undefined) return;
    this.#isGoingHome = this.#search === undefined;
    this.#look(this.#listed().map(originName), home);
  }

  /** A pull that is to be left need not be waited for: another one goes on where it ends. */
  #handOver(to: Pull): void {
    const live = this.live;
    if (live === undefined || live === to || !(this.#isGoingHome || this.#inUse.mustBeLeft)) return;
    this.#inUse.drop();
    live.close();
  }

  /** Looks for an origin that delivers, until one does. The present one, if any, goes on meanwhile. */
  #look(tried: readonly string[], only?: OriginAddress): void {
    if (this.#search !== undefined || this.#closed) return;
    this.#searchingSinceMs = awakeNow();
    this.#search = new PullSearch(
      {
        stream: this.#stream,
        request: this.#asker.choose(),
        context: this.#context,
        live: () => this.live,
        isFed: () => this.#inUse.isFeeding,
        isUnknown: () => !this.#wasLive,
        attempts: this.#attempts,
        only,
        events: {
          connected: () => this.#events.reachable(),
          delivers: (pull, listedAs) => this.#delivers(pull, listedAs),
          overlaps: (pull) => this.#handOver(pull),
          whole: (pull) => {
            if (pull === this.live) this.#found();
          },
          unpublished: (pull) => {
            if (pull === this.live) this.#look([pull.name]);
          },
          askedToLeave: (pull) => {
            if (pull === this.live) this.#look([pull.name]);
          },
          ended: (pull, error) => {
            if (pull === this.live && error !== undefined) this.#lost(pull, error);
          },
          notFound: () => this.#notFound(),
          allDown: () => this.#events.unreachable(),
          someUp: () => this.#events.reachable(),
          noneBetter: () => {
            if (!this.#wasWhole) this.#found();
          },
          refused: (error) => this.#refused(error),
          roundOver: () => this.#roundOver(),
        },
      },
      tried,
      this.#shortLives,
    );
  }

  /** A pull has taken over: the one before it has been closed by the stream. */
  #delivers(pull: Pull, listedAs: string): void {
    const { counters, log } = this.#context;
    const { from } = this.#inUse;
    this.#inUse.take(pull, listedAs);
    this.#asker.accepted();
    if (this.#wasLive) {
      const gapMs = Math.round(this.#stream.stats.lastSpliceGapMs ?? 0);
      counters.pullSwitches++;
      counters.switched({ stream: this.#stream.key, direction: 'pull', from: from ?? '', to: pull.name, gapMs });
      log.info({ stream: this.#stream.key, origin: pull.name, from, gapMs }, 'pull switched');
    } else log.info({ stream: this.#stream.key, origin: pull.name }, 'pull live');
    this.#wasLive = true;
    // Of a stream that was whole before, a splice takes nothing that cannot be decoded.
    if (pull.isWhole || this.#wasWhole) this.#found();
    this.#homing.moved();
    this.#events.delivers();
  }

  /** The origin in use has the stream, and players can decode it: the search is over. */
  #found(): void {
    this.#wasWhole = true;
    if (this.#search !== undefined) this.#countSearch();
    this.#context.memory.foundAt(this.#stream.key, this.#inUse.listedAs);
    // Should this pull be lost in the very next moment, another search must be free to begin.
    this.#endSearchNow();
    // Its origin may have asked us to leave before it delivered, or a reload have taken it out since.
    if (this.live !== undefined && this.#inUse.mustBeLeft) this.#look([this.live.name]);
  }

  #countSearch(): void {
    const tookMs = awakeNow() - this.#searchingSinceMs;
    this.#stream.stats.searches++;
    this.#stream.stats.searchesMs += tookMs;
    this.#context.counters.searches(tookMs);
  }

  /** Each origin that can be asked was asked once, or the stream's home alone. */
  #roundOver(): void {
    if (!this.#isGoingHome) return this.#events.idle();
    this.#search = undefined;
    this.#isGoingHome = false;
    if (this.live === undefined) this.#look([]);
    // It may have been asked to leave meanwhile.
    else this.reconfigured();
  }

  #lost(pull: Pull, error: UpstreamError): void {
    this.#inUse.drop();
    this.#shortLives = this.#inUse.livedMs < shortLifeMs ? this.#shortLives + 1 : 0;
    this.#context.log.warn({ err: error, stream: this.#stream.key }, 'pull lost');
    this.#context.health.failed(pull.origin, error);
    // A search that was in no hurry, for a better origin, may be resting: players have nothing now.
    this.#search?.hurry(pull.name);
    // While this pull went on, nobody was told that all others were down.
    const { vhost } = this.#stream;
    if (this.#search && this.#context.origins.areDown(vhost, this.#asker.sought)) this.#events.unreachable();
    if (this.#isGoingHome) this.#endSearchNow();
    this.#look([pull.name]);
  }

  #checkPause(pull: Pull): void {
    if (this.#inUse.hasPaused) {
      this.#stream.dropGop();
      this.#look([pull.name]);
    } else if (this.#wasWhole) this.#endSearch();
    this.#homing.look();
  }

  /** The present origin delivers again: no need to look further. */
  #endSearch(): void {
    if (!this.#inUse.mustBeLeft && !this.#isGoingHome) this.#endSearchNow();
  }

  #endSearchNow(): void {
    this.#search?.end();
    this.#search = undefined;
    this.#isGoingHome = false;
  }

  /**
   * Origins refuse the client on whose behalf they were asked; the others are asked for. A stream that was live goes on
   * being looked for: nobody who plays is cut off.
   */
  #refused(error: UpstreamError): void {
    if (this.#wasLive) return;
    // It stays in its place: no other search begins while they are told.
    this.#search?.end();
    const areOthers = this.#asker.refused(error);
    this.#search = undefined;
    this.#events.refused();
    if (this.#closed) return;
    if (areOthers) this.#look([]);
    else this.#events.idle();
  }

  /** No origin that is well has the stream. */
  #notFound(): void {
    const { key, vhost } = this.#stream;
    if (!this.#wasLive) this.#context.memory.absent(key, vhost.edge.absentTtlMs);
    this.#events.idle();
  }
}

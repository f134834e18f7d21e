/**
 * Keeps a stream fed from its origins while somebody plays it: has the origin found that has it, goes to another when
 * one fails, and never lets the players notice more than it must.
 */

import type { OriginAddress } from '../../conf/model.ts';
import type { LiveStream } from '../../stream/live-stream.ts';
import type { StreamRequest } from '../../stream/request.ts';
import type { StreamSource } from '../../stream/stream-source.ts';
import { awakeNow } from '../../time/awake.ts';
import { Deadline } from '../../time/deadline.ts';
import { originName } from '../connection/address.ts';
import type { UpstreamError } from '../connection/errors.ts';
import type { UpstreamContext } from '../context.ts';
import { homeOf } from '../origins/balance.ts';
import { Admission } from '../tokens/admission.ts';
import { Asker } from './asker.ts';
import { Homing } from './homing.ts';
import type { Pull } from './pull.ts';
import { PullInUse } from './pull-in-use.ts';
import { PullSearch } from './pull-search.ts';

/** A pull that lasts shorter than this was as good as none: what is found next is not trusted at once. */
const shortLifeMs = 10_000;

export class Puller implements StreamSource {
  readonly #stream: LiveStream;
  readonly #context: UpstreamContext;
  /** Called when nobody needs the stream any more, or when no origin has it: with a reason if players must be told. */
  readonly #ended: (reason: string | undefined) => void;
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
  #players = 0;
  #lingerTimer: NodeJS.Timeout | undefined;
  /** Players wait for an origin so long; then they are told that there is none. */
  readonly #hold = new Deadline(() => {
    this.#stop(`no origin could be reached for ${this.#stream.vhost.edge.holdTimeoutMs} ms`);
  });
  readonly #admission: Admission;
  #stopped = false;

  constructor(
    stream: LiveStream,
    request: StreamRequest,
    context: UpstreamContext,
    ended: (reason: string | undefined) => void,
  ) {
    this.#stream = stream;
    this.#context = context;
    this.#ended = ended;
    this.#inUse = new PullInUse(
      () => stream.vhost,
      (pull) => this.#checkPause(pull),
    );
    this.#asker = new Asker(stream, context.verdicts, () => this.#admission.requests, request);
    this.#homing = new Homing({
      home: () => this.#home(),
      present: () => this.#inUse.listedAs,
      epoch: () => context.health.epoch,
      go: (home) => this.#goHome(home),
    });
    const awaited = {
      key: stream.key,
      vhost: () => stream.vhost,
      liveAt: () => this.#live?.origin,
      look: () => {
        if (this.#live === undefined) this.#look([]);
      },
    };
    this.#admission = new Admission(awaited, context);
  }

  /** The pull whose frames players get. */
  get #live(): Pull | undefined {
    return this.#inUse.pull;
  }

  get state(): StreamSource['state'] {
    if (this.#stopped) return 'idle';
    if (this.#lingerTimer !== undefined) return 'lingering';
    if (this.#live !== undefined) return 'live';
    if (this.#search === undefined) return 'idle';
    return this.#wasLive ? 'reconnecting' : 'connecting';
  }

  /** Name of the origin in use. */
  get origin(): string | undefined {
    return this.#live?.name;
  }

  /** Resolves when the client may play. Throws a Refusal. */
  async admit(request: StreamRequest): Promise<void> {
    try {
      await this.#admission.admit(request);
    } finally {
      // Nobody else may want the stream. Who was let in attaches first.
      setImmediate(() => {
        if (this.#players === 0) this.#linger();
      });
    }
  }

  players(count: number): void {
    if (this.#stopped) return;
    const hasCome = count > this.#players;
    this.#players = count;
    clearTimeout(this.#lingerTimer);
    this.#lingerTimer = undefined;
    if (count === 0) this.#linger();
    else if (this.#live === undefined) this.#look([]);
    else if (hasCome && this.#inUse.isSilent) {
      // Who has just come has nothing to see, however patient those are who know the stream.
      this.#look([this.#live.name]);
    }
  }

  /** The vhost's configuration has changed: an origin that is no longer listed is left as soon as another delivers. */
  reconfigured(): void {
    if (this.#live === undefined) return;
    const { sought } = this.#asker;
    this.#inUse.isUnlisted = !this.#context.origins.mayStay(this.#stream.vhost, sought, this.#inUse.listedAs);
    if (this.#inUse.mustBeLeft) this.#look([this.#live.name]);
    this.#homing.look();
  }

  stop(): void {
    this.#stop(undefined);
  }

  /** Nobody plays it. What a search has begun to learn is of use to the next player: its round is finished. */
  #linger(): void {
    if (this.#search === undefined || this.#wasLive || !this.#search.isAsking) this.#leaveIfUnwanted();
  }

  #leaveIfUnwanted(): void {
    const isWanted = this.#players > 0 || this.#admission.requests.length > 0;
    if (isWanted || this.#lingerTimer !== undefined || this.#stopped) return;
    // A stream that was never found is not worth waiting for.
    const lingerMs = this.#wasLive ? this.#stream.vhost.edge.lingerMs : 0;
    this.#lingerTimer = setTimeout(() => this.#stop(undefined), lingerMs);
  }

  #stop(reason: string | undefined): void {
    if (this.#stopped) return;
    this.#stopped = true;
    clearTimeout(this.#lingerTimer);
    this.#hold.stop();
    this.#homing.stop();
    this.#search?.end();
    const pull = this.#live;
    this.#inUse.drop();
    pull?.close();
    this.#admission.close(reason ?? 'nobody plays the stream any more');
    this.#ended(reason);
  }

  #listed(): readonly OriginAddress[] {
    const { vhost } = this.#stream;
    return this.#context.origins.listed(vhost, this.#asker.sought);
  }

  #home(): OriginAddress | undefined {
    const { vhost } = this.#stream;
    if (vhost.edge.balance !== 'hash' || this.#context.origins.located(vhost, this.#asker.sought).length > 0)
      return undefined;
    return homeOf(this.#listed(), this.#stream.key, (origin) => this.#context.health.state(origin));
  }

  /** The present origin goes on meanwhile, and for good should that one not deliver. */
  #goHome(home: OriginAddress): void {
    if (this.#live === undefined) return;
    this.#isGoingHome = this.#search === undefined;
    this.#look(this.#listed().map(originName), home);
  }

  /** A pull that is to be left need not be waited for: another one goes on where it ends. */
  #handOver(to: Pull): boolean {
    const live = this.#live;
    if (live === undefined || live === to || !(this.#isGoingHome || this.#inUse.mustBeLeft)) return false;
    this.#inUse.drop();
    live.close();
    return true;
  }

  /** Looks for an origin that delivers, until one does. The present one, if any, goes on meanwhile. */
  #look(tried: readonly string[], only?: OriginAddress): void {
    if (this.#search !== undefined || this.#stopped) return;
    this.#searchingSinceMs = awakeNow();
    this.#search = new PullSearch(
      {
        stream: this.#stream,
        request: this.#asker.choose(),
        context: this.#context,
        live: () => this.#live,
        isFed: () => this.#inUse.isFeeding,
        isUnknown: () => !this.#wasLive,
        attempts: this.#attempts,
        only,
        events: {
          connected: () => this.#hold.stop(),
          delivers: (pull, listedAs) => this.#delivers(pull, listedAs),
          overlaps: (pull) => this.#handOver(pull),
          whole: (pull) => {
            if (pull === this.#live) this.#found();
          },
          unpublished: (pull) => {
            if (pull === this.#live) this.#look([pull.name]);
          },
          askedToLeave: (pull) => {
            if (pull !== this.#live) return;
            this.#inUse.askedToLeave = true;
            this.#look([pull.name]);
          },
          ended: (pull, error) => {
            if (pull === this.#live && error !== undefined) this.#lost(pull, error);
          },
          notFound: () => this.#notFound(),
          allDown: () => {
            const { holdTimeoutMs } = this.#stream.vhost.edge;
            if (this.#live === undefined && !this.#hold.pending) this.#hold.start(holdTimeoutMs);
          },
          someUp: () => this.#hold.stop(),
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
    this.#admission.changed();
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
    if (this.#players === 0) this.#linger();
  }

  /** The origin in use has the stream, and players can decode it: the search is over. */
  #found(): void {
    this.#wasWhole = true;
    if (this.#search !== undefined) this.#countSearch();
    this.#context.memory.foundAt(this.#stream.key, this.#inUse.listedAs);
    // Should this pull be lost in the very next moment, another search must be free to begin.
    this.#endSearchNow();
  }

  #countSearch(): void {
    const tookMs = awakeNow() - this.#searchingSinceMs;
    this.#stream.stats.searches++;
    this.#stream.stats.searchesMs += tookMs;
    this.#context.counters.searches(tookMs);
  }

  /** Each origin that can be asked was asked once, or the stream's home alone. */
  #roundOver(): void {
    if (!this.#isGoingHome) return this.#leaveIfUnwanted();
    this.#search = undefined;
    this.#isGoingHome = false;
    if (this.#live === undefined) this.#look([]);
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
    this.#admission.changed();
    if (this.#stopped) return;
    if (areOthers) this.#look([]);
    else this.#leaveIfUnwanted();
  }

  /** No origin that is well has the stream. */
  #notFound(): void {
    const { key, vhost } = this.#stream;
    if (!this.#wasLive) this.#context.memory.absent(key, vhost.edge.absentTtlMs);
    this.#leaveIfUnwanted();
  }
}

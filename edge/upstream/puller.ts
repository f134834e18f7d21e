/**
 * Keeps a stream fed from its origins while somebody plays it: finds the origin that has it, goes to another when
 * one fails, and never lets the players notice more than it must.
 */

import { setTimeout as delay } from 'node:timers/promises';
import type { OriginAddress, RemoteCluster } from '../conf/model.ts';
import type { LiveStream } from '../stream/live-stream.ts';
import type { StreamRequest } from '../stream/request.ts';
import type { StreamSource } from '../stream/stream-source.ts';
import { awakeNow } from '../time/awake.ts';
import { Deadline } from '../time/deadline.ts';
import { originName } from './address.ts';
import { homeOf, nextOrigin } from './balance.ts';
import type { UpstreamContext } from './context.ts';
import { isExhausted, UpstreamError } from './errors.ts';
import { Homing } from './homing.ts';
import { Pull } from './pull.ts';
import { redirectTarget, upstreamRequest } from './request.ts';

/** How a trial of one origin went. */
type Outcome =
  | { readonly kind: 'live' }
  | { readonly kind: 'absent' }
  | { readonly kind: 'failed'; readonly error: UpstreamError };

/** Media may pause this many times longer than it ever has before the stream is looked for elsewhere. */
const pauseFactor = 4;

export class Puller implements StreamSource {
  readonly #stream: LiveStream;
  readonly #request: StreamRequest;
  readonly #context: UpstreamContext;
  /** Called when nobody needs the stream any more, or when no origin has it: with a reason if players must be told. */
  readonly #ended: (reason: string | undefined) => void;
  /** The pull whose frames players get, and the origin of the configuration that led to it. */
  #live: Pull | undefined;
  #listedAs = '';
  /** The pull before the present one. */
  #from: string | undefined;
  /** The origin has asked us to go elsewhere. */
  #askedToLeave = false;
  /** It is none of the vhost's any more. */
  #isUnlisted = false;
  #search: AbortController | undefined;
  /** The search is for its home alone, and ends by itself. */
  #isGoingHome = false;
  readonly #homing: Homing;
  #attempts = 0;
  #wasLive = false;
  #lingerTimer: NodeJS.Timeout | undefined;
  /** Players wait for an origin so long; then they are told that there is none. */
  readonly #hold = new Deadline(() => {
    this.#stop(`no origin could be reached for ${this.#stream.vhost.edge.holdTimeoutMs} ms`);
  });
  /** The next look at whether the origin in use still sends. */
  readonly #pauseCheck = new Deadline(() => this.#checkPause());
  #stopped = false;

  constructor(
    stream: LiveStream,
    request: StreamRequest,
    context: UpstreamContext,
    ended: (reason: string | undefined) => void,
  ) {
    this.#stream = stream;
    this.#request = request;
    this.#context = context;
    this.#ended = ended;
    this.#homing = new Homing({
      home: () => this.#home(),
      present: () => this.#listedAs,
      epoch: () => context.health.epoch,
      go: (home) => this.#goHome(home),
    });
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

  players(count: number): void {
    if (this.#stopped) return;
    clearTimeout(this.#lingerTimer);
    this.#lingerTimer = undefined;
    if (count === 0) {
      // A stream that was never found is not worth waiting for.
      const lingerMs = this.#wasLive ? this.#stream.vhost.edge.lingerMs : 0;
      this.#lingerTimer = setTimeout(() => this.#stop(undefined), lingerMs);
    } else if (this.#live === undefined) this.#look(new Set());
  }

  /** The vhost's configuration has changed: an origin that is no longer listed is left as soon as another delivers. */
  reconfigured(): void {
    if (this.#live === undefined) return;
    this.#isUnlisted = !this.#context.origins.mayStay(this.#stream.vhost, this.#listedAs);
    if (this.#mustLeave()) this.#look(new Set([this.#live.name]));
    this.#homing.look();
  }

  stop(): void {
    this.#stop(undefined);
  }

  #stop(reason: string | undefined): void {
    if (this.#stopped) return;
    this.#stopped = true;
    clearTimeout(this.#lingerTimer);
    for (const deadline of [this.#hold, this.#pauseCheck]) deadline.stop();
    this.#homing.stop();
    this.#search?.abort();
    this.#live?.close();
    this.#ended(reason);
  }

  #cluster(): RemoteCluster | undefined {
    const { cluster } = this.#stream.vhost;
    return cluster.mode === 'remote' ? cluster : undefined;
  }

  #mustLeave(): boolean {
    return this.#askedToLeave || this.#isUnlisted;
  }

  #home(): OriginAddress | undefined {
    if (this.#stream.vhost.edge.balance !== 'hash') return undefined;
    return homeOf(this.#cluster()?.origins ?? [], this.#stream.key, (origin) => this.#context.health.state(origin));
  }

  /** The present origin goes on meanwhile, and for good should that one not deliver. */
  #goHome(home: OriginAddress): void {
    if (this.#search !== undefined || this.#live === undefined || this.#stopped) return;
    const search = new AbortController();
    this.#search = search;
    this.#isGoingHome = true;
    const others = new Set(this.#cluster()?.origins.map(originName));
    this.#try(home, 0, others, search.signal)
      .catch((error: Error) => {
        this.#context.log.error({ err: error, stream: this.#stream.key }, 'the way to its origin failed');
      })
      .finally(() => {
        if (this.#search !== search) return;
        this.#search = undefined;
        this.#isGoingHome = false;
        if (this.#live === undefined) this.#look(new Set([originName(home)]));
        // It may have been asked to leave meanwhile.
        else this.reconfigured();
      });
  }

  /** Looks for an origin that delivers, until one does. The present one, if any, goes on meanwhile. */
  #look(tried: Set<string>): void {
    if (this.#search !== undefined || this.#stopped) return;
    const search = new AbortController();
    this.#search = search;
    this.#searchOrigins(tried, search.signal)
      .catch((error: Error) => {
        if (!search.signal.aborted)
          this.#context.log.error({ err: error, stream: this.#stream.key }, 'pull search failed');
      })
      .finally(() => {
        if (this.#search === search) this.#search = undefined;
      });
  }

  async #searchOrigins(tried: Set<string>, signal: AbortSignal): Promise<void> {
    const absentMs = this.#context.memory.absentForMs(this.#stream.key);
    if (absentMs > 0) await delay(absentMs, undefined, { signal });
    /** An origin could not be asked in this round, for a reason of our own. */
    let unasked = false;
    for (let round = 0; !signal.aborted; ) {
      const origin = this.#next(tried);
      if (origin !== undefined) {
        tried.add(originName(origin));
        const outcome = await this.#try(origin, round, tried, signal);
        if (outcome.kind === 'live') return;
        if (outcome.kind === 'failed' && isExhausted(outcome.error)) unasked = true;
        continue;
      }
      const { edge } = this.#stream.vhost;
      const { origins } = this.#context;
      tried.clear();
      if (origins.areDown(this.#stream.vhost)) {
        if (this.#live === undefined && !this.#hold.pending) this.#hold.start(edge.holdTimeoutMs);
        await origins.available(() => this.#stream.vhost, signal);
        continue;
      }
      this.#hold.stop();
      if (this.#live !== undefined) tried.add(this.#live.name);
      else if (!unasked) this.#notFound();
      unasked = false;
      round++;
      const backOffMs = Math.min(edge.retryMinMs * 2 ** Math.min(round - 1, 20), edge.retryMaxMs);
      await delay(backOffMs * (0.75 + Math.random() / 2), undefined, { signal });
    }
  }

  #next(tried: ReadonlySet<string>): OriginAddress | undefined {
    const { health, memory, origins } = this.#context;
    const { vhost } = this.#stream;
    return nextOrigin({
      origins: origins.listed(vhost),
      further: () => origins.further(vhost),
      balance: vhost.edge.balance,
      streamKey: this.#stream.key,
      attempt: this.#attempts,
      remembered: memory.originOf(this.#stream.key),
      tried,
      state: (origin) => health.state(origin),
    });
  }

  /** Tries an origin, and where it redirects to. */
  async #try(origin: OriginAddress, round: number, tried: ReadonlySet<string>, signal: AbortSignal): Promise<Outcome> {
    const { log, health } = this.#context;
    this.#attempts++;
    let address = origin;
    for (let redirects = 0; ; redirects++) {
      const outcome = await this.#pullFrom(address, origin, round, tried, signal);
      if (outcome.kind !== 'failed') return outcome;
      const { error } = outcome;
      const location = redirectTarget(error);
      if (location === undefined || redirects >= this.#stream.vhost.edge.redirectMax) {
        if (error.failure !== 'cancelled') log.warn({ err: error, stream: this.#stream.key }, 'pull failed');
        if (address === origin) health.failed(origin, error);
        return outcome;
      }
      address = location;
    }
  }

  #pullFrom(
    address: OriginAddress,
    listed: OriginAddress,
    round: number,
    tried: ReadonlySet<string>,
    signal: AbortSignal,
  ): Promise<Outcome> {
    const cluster = this.#cluster();
    const name = originName(address);
    if (cluster === undefined) {
      return Promise.resolve({
        kind: 'failed',
        error: new UpstreamError('cancelled', 'vhost has no origins', { origin: name }),
      });
    }
    const { edge } = this.#stream.vhost;
    return new Promise((resolve) => {
      const settle = (outcome: Outcome): void => {
        dwell.stop();
        signal.removeEventListener('abort', cancel);
        if (outcome.kind === 'absent') pull.close();
        resolve(outcome);
      };
      // No frame yet: another origin may have the stream. Where there is none, this one is as good a place to wait.
      const dwell = new Deadline(() => {
        if (this.#next(tried) !== undefined || tried.size > 1) settle({ kind: 'absent' });
        else {
          this.#notFound();
          wait();
        }
      });
      const wait = (): void => dwell.start(edge.firstFrameTimeoutMs * Math.min(round + 1, 2));
      const cancel = (): void => {
        pull.close();
        settle({ kind: 'failed', error: new UpstreamError('cancelled', 'cancelled', { origin: name }) });
      };
      let hasTakenOver = false;
      signal.addEventListener('abort', cancel, { once: true });
      const request = upstreamRequest(this.#request, cluster, address, this.#context.serverId);
      const pull = new Pull(address, this.#stream, request, this.#context, {
        connected: () => {
          this.#hold.stop();
          if (!hasTakenOver) wait();
        },
        live: () => {
          settle({ kind: 'live' });
          this.#delivers(pull, listed);
        },
        overlaps: () => {
          if (!this.#handOver(pull)) return;
          // It has the stream: whether it still sends is the watchdog's question.
          hasTakenOver = true;
          dwell.stop();
        },
        unpublished: () => {
          if (pull === this.#live) this.#look(new Set([pull.name]));
        },
        askedToLeave: () => {
          if (pull !== this.#live) return;
          this.#askedToLeave = true;
          this.#look(new Set([pull.name]));
        },
        ended: (_, error) => {
          if (pull === this.#live) this.#lost(pull, error);
          else if (error !== undefined) settle({ kind: 'failed', error });
        },
      });
    });
  }

  /** A pull that is to be left need not be waited for: another one goes on where it ends. */
  #handOver(to: Pull): boolean {
    const live = this.#live;
    if (live === undefined || live === to || !(this.#isGoingHome || this.#mustLeave())) return false;
    this.#live = undefined;
    this.#from = live.name;
    this.#pauseCheck.stop();
    live.close();
    return true;
  }

  /** A pull has taken over: the one before it has been closed by the stream. */
  #delivers(pull: Pull, listed: OriginAddress): void {
    const { counters, memory, log } = this.#context;
    const from = this.#live?.name ?? this.#from;
    this.#live = pull;
    this.#listedAs = originName(listed);
    this.#askedToLeave = false;
    this.#isUnlisted = false;
    // Found: should this pull be lost in the very next moment, another search must be free to begin.
    this.#search = undefined;
    this.#isGoingHome = false;
    this.#homing.moved();
    memory.foundAt(this.#stream.key, this.#listedAs);
    if (this.#wasLive) {
      const gapMs = Math.round(this.#stream.stats.lastSpliceGapMs ?? 0);
      counters.pullSwitches++;
      counters.spliceGaps(gapMs);
      log.info({ stream: this.#stream.key, origin: pull.name, from, gapMs }, 'pull switched');
    } else log.info({ stream: this.#stream.key, origin: pull.name }, 'pull live');
    this.#wasLive = true;
    this.#watchForPauses(pull);
  }

  #lost(pull: Pull, error: UpstreamError | undefined): void {
    if (error === undefined) return;
    this.#live = undefined;
    this.#from = pull.name;
    this.#pauseCheck.stop();
    this.#context.log.warn({ err: error, stream: this.#stream.key }, 'pull lost');
    this.#context.health.failed(pull.origin, error);
    // A search that was in no hurry, for a better origin, may be resting: players have nothing now.
    this.#search?.abort();
    this.#search = undefined;
    this.#isGoingHome = false;
    this.#look(new Set([pull.name]));
  }

  /** Until an origin that is well and sends nothing may have lost the stream to another. */
  #patienceMs({ longestPauseMs }: Pull): number {
    return Math.max(this.#stream.vhost.edge.firstFrameTimeoutMs, pauseFactor * longestPauseMs);
  }

  #watchForPauses(pull: Pull): void {
    this.#pauseCheck.start(this.#patienceMs(pull) / 2);
  }

  #checkPause(): void {
    const pull = this.#live;
    if (pull === undefined) return;
    if (pull.unpublished || awakeNow() - pull.lastMediaMs >= this.#patienceMs(pull)) {
      this.#stream.dropGop();
      this.#look(new Set([pull.name]));
    } else this.#endSearch();
    this.#homing.look();
    this.#watchForPauses(pull);
  }

  /** The present origin delivers again: no need to look further. */
  #endSearch(): void {
    if (this.#mustLeave() || this.#isGoingHome) return;
    this.#search?.abort();
    this.#search = undefined;
  }

  /** No origin that is well has the stream. */
  #notFound(): void {
    const { key, vhost } = this.#stream;
    if (!this.#wasLive) this.#context.memory.absent(key, vhost.edge.absentTtlMs);
  }
}

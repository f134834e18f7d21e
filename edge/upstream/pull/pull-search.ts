/**
 * Finds an origin that has a stream. The likeliest one is asked first, and another beside it each time a short while has
 * passed without a frame: who delivers first stays, the others are let go. Goes round after round until one delivers.
 */

import type { OriginAddress } from '../../conf/model.ts';
import type { LiveStream } from '../../stream/live-stream.ts';
import type { StreamRequest } from '../../stream/request.ts';
import { notNeeded } from '../../time/not-needed.ts';
import { Wake } from '../../time/wake.ts';
import { originName } from '../connection/address.ts';
import { isExhausted, type UpstreamError } from '../connection/errors.ts';
import type { UpstreamContext } from '../context.ts';
import type { Sought } from '../origins/locator.ts';
import { answerPatienceMs } from '../origins/patience.ts';
import { AwaitedReturn } from './awaited-return.ts';
import { Candidates } from './candidates.ts';
import { OpenTrials } from './open-trials.ts';
import type { Pull } from './pull.ts';
import { type LiveEvents, type Outcome, PullTrial } from './pull-trial.ts';
import { Rest } from './rest.ts';

/** Once an origin has refused, so many intervals are left for the others to deliver. */
const refusalGraceFactor = 2;

export interface PullSearchEvents extends LiveEvents {
  /** An origin has accepted the request. */
  connected(): void;
  /** An origin delivers. Called at once: the pull may be lost in the very next moment. */
  delivers(pull: Pull, listedAs: string): void;
  /** An origin goes on where the pull in use ends. */
  overlaps(pull: Pull): void;
  /** No origin that is well has the stream. */
  notFound(): void;
  /** Every origin is down. */
  allDown(): void;
  /** One at least is not. */
  someUp(): void;
  /** All others were asked, and none has more than the pull that delivers something. */
  noneBetter(): void;
  /** An origin refuses the client on whose behalf it was asked, and none of the others delivers. */
  refused(error: UpstreamError): void;
  /** Each origin that can be asked was asked once. */
  roundOver(): void;
}

export interface PullSearchOptions {
  readonly stream: LiveStream;
  /** On whose behalf origins are asked. */
  readonly request: StreamRequest;
  readonly context: UpstreamContext;
  /** The pull in use meanwhile, if any. */
  readonly live: () => Pull | undefined;
  /** Whether that one delivers, and may go on doing so. */
  readonly isFed: () => boolean;
  /** Nothing is known of the stream: the name may be made up. */
  readonly isUnknown: () => boolean;
  /** Counts attempts over all searches of the stream: round robin goes one further with each. */
  readonly attempts: { count: number };
  /** To be asked once, and no other. */
  readonly only: OriginAddress | undefined;
  readonly events: PullSearchEvents;
}

export class PullSearch {
  readonly #options: PullSearchOptions;
  readonly #sought: Sought;
  readonly #abort = new AbortController();
  readonly #candidates: Candidates;
  readonly #open = new OpenTrials();
  readonly #wake = new Wake();
  readonly #rest = new Rest();
  /** In this round an origin has got the stream. */
  #hasNews = false;
  readonly #return: AwaitedReturn;
  /** An origin could not be asked in this round, for a reason of our own. */
  #unasked = false;
  /** An origin has shown in this round that it does not deliver. */
  #hasSettled = false;
  /** What an origin said in this round that will not have the client. */
  #refusal: UpstreamError | undefined;

  /**
   * @param tried names of origins that come last
   * @param failures how often a pull was lost soon after it was found: the search begins the later
   */
  constructor(options: PullSearchOptions, tried: Iterable<string>, failures: number) {
    this.#options = options;
    this.#sought = { key: options.stream.key, purpose: 'play', by: options.request.protocol };
    const { stream, context, attempts, isFed } = options;
    const unanswered = () => this.#open.unanswered;
    const changed = () => this.#wake.now();
    const needs = { stream, sought: this.#sought, context, attempts, unanswered, isFed, changed };
    this.#candidates = new Candidates(needs, tried);
    const returned = (signal: AbortSignal) => context.origins.returned(stream.vhost, this.#sought, signal);
    this.#return = new AwaitedReturn(returned, this.#goOn, this.#failed);
    this.#run(failures).catch(this.#failed);
  }

  /** Found, or not needed any more. */
  end(): void {
    this.#abort.abort(notNeeded);
    this.#return.end();
    this.#candidates.close();
    this.#open.letGo();
    this.#goOn();
  }

  /** The vhost's configuration has changed: who is no origin of it any more is asked no longer. */
  reconfigured(): void {
    const { stream, context } = this.#options;
    if (this.#open.letGo((name) => !context.origins.has(stream.vhost, this.#sought, name))) this.#wake.now();
  }

  /** An origin has got the stream: what those say who were asked before counts no more. */
  published(): void {
    this.#hasNews = true;
    this.#goOn();
  }

  /** The pull in use is lost: origins that are being asked go on being asked, and there is no time to rest. */
  hurry(lost: string): void {
    this.#candidates.leaveOut(lost);
    this.#goOn();
  }

  /** Whether an origin is being asked. */
  get isAsking(): boolean {
    return this.#open.isAsking;
  }

  /** A mistake of ours costs this search, and not the process. */
  readonly #failed = (error: unknown): void => {
    const { context, stream } = this.#options;
    if (!this.#over) context.log.error({ err: error, stream: stream.key }, 'pull search failed');
  };

  get #over(): boolean {
    return this.#abort.signal.aborted;
  }

  async #run(failures: number): Promise<void> {
    const { context, stream, live, events, only } = this.#options;
    if (only !== undefined) return await this.#askOnly(only);
    const listed = context.origins.listed(stream.vhost, this.#sought).length;
    if (failures > listed) await this.#restFor(this.#backOffMs(failures - listed));
    const absentMs = context.memory.absentForMs(stream.key);
    if (absentMs > 0) await this.#restFor(absentMs);
    for (let round = 0, waits = 0; !this.#over; ) {
      await this.#locate();
      this.#hasNews = false;
      await this.#askAll(round);
      if (this.#over) return;
      this.#candidates.renew();
      const present = live();
      if (this.#refusal !== undefined && present === undefined) events.refused(this.#refusal);
      if (this.#over) return;
      this.#refusal = undefined;
      if (context.origins.areDown(stream.vhost, this.#sought)) {
        events.allDown();
        events.roundOver();
        await context.origins.available(() => stream.vhost, this.#sought, this.#abort.signal);
        // An origin that answers a probe and then fails each stream must not be asked as fast as it fails.
        if (waits > 0) await this.#restFor(this.#backOffMs(waits));
        waits++;
        continue;
      }
      events.someUp();
      if (present !== undefined) {
        this.#candidates.leaveOut(present.name);
        if (this.#open.count === 0) events.noneBetter();
      } else if (!this.#unasked) this.#notFound();
      this.#unasked = false;
      events.roundOver();
      if (this.#over) return;
      round++;
      if (present === undefined) this.#return.begin();
      if (!this.#hasNews) await this.#restFor(Math.max(this.#backOffMs(round), context.memory.absentForMs(stream.key)));
    }
  }

  /** Where somebody knows where streams are, a stream that never was waits for the answer; others begin without it. */
  async #locate(): Promise<void> {
    const { stream, request, context, isUnknown } = this.#options;
    const isKnown = !isUnknown() || context.memory.originOf(stream.key) !== undefined;
    const asked = context.locator.ask(stream.vhost, request, 'play', isKnown);
    if (isUnknown()) await asked;
    else void asked?.then(() => this.#wake.now());
  }

  async #askOnly(origin: OriginAddress): Promise<void> {
    this.#ask(origin, 0);
    while (this.#open.count > 0) await this.#wake.within(undefined);
    if (!this.#over) this.#options.events.roundOver();
  }

  /**
   * Asks each origin once. Returns when none is left that could deliver, or when the search is over. A client that is
   * refused is not kept waiting: all others are asked at once, and have a short while. A stream that was live is not
   * kept waiting by origins that do not answer: they go on being asked while the others are asked again.
   */
  async #askAll(round: number): Promise<void> {
    for (const name of this.#open.names) this.#candidates.leaveOut(name);
    this.#hasSettled = false;
    for (let dueMs = 0; !this.#over; ) {
      const { vhost } = this.#options.stream;
      const { locateIntervalMs, locateParallel } = vhost.edge;
      const waitMs = this.#open.waitMs(answerPatienceMs(vhost));
      const noneAnswers = waitMs === 0;
      const mayAsk = this.#open.count < locateParallel;
      const origin = mayAsk ? this.#candidates.next(noneAnswers) : undefined;
      const isRefused = this.#refusal !== undefined;
      const leftMs = isRefused ? 0 : dueMs - performance.now();
      if (origin !== undefined && (leftMs <= 0 || this.#open.count === 0)) {
        this.#ask(origin, round);
        dueMs = performance.now() + locateIntervalMs;
        continue;
      }
      if (this.#open.count === 0) return;
      if (noneAnswers && mayAsk && this.#hasSettled && !this.#options.isUnknown()) return;
      const idleMs = noneAnswers ? undefined : waitMs;
      const refusedMs = isRefused ? refusalGraceFactor * locateIntervalMs : idleMs;
      const settled = await this.#wake.within(origin === undefined ? refusedMs : leftMs);
      if (settled) dueMs = 0;
      else if (isRefused) this.#open.letGo();
    }
  }

  #ask(origin: OriginAddress, round: number): void {
    const { stream, request, context, isUnknown, isFed, events } = this.#options;
    const { cluster } = stream.vhost;
    if (cluster.mode !== 'remote') return;
    this.#candidates.asked(origin);
    const trial = new PullTrial({
      stream,
      request,
      cluster,
      context,
      origin,
      firstFrameMs: this.#firstFrameMs(origin, round),
      isFed,
      waitsForTurn: isUnknown() && context.memory.originOf(stream.key) !== originName(origin),
      live: events,
      events: {
        connected: () => events.connected(),
        delivers: (pull, listedAs) => events.delivers(pull, listedAs),
        overlaps: (pull) => events.overlaps(pull),
        isAbsent: () => {
          if (this.#candidates.next(true) !== undefined || this.#candidates.triedCount > 1) return true;
          this.#notFound();
          // It has its time once more: after that, its word counts.
          this.#hasNews = false;
          return false;
        },
        settled: (settled, outcome) => this.#settled(settled, outcome),
      },
    });
    this.#open.add(trial);
  }

  /** Who may be another one behind the same address is not waited for long: the next connection may meet the right one. */
  #firstFrameMs({ door }: OriginAddress, round: number): number {
    const { vhost } = this.#options.stream;
    const ms = vhost.edge.firstFrameTimeoutMs * Math.min(round + 1, 2);
    return door === undefined ? ms : Math.min(ms, answerPatienceMs(vhost) * Math.max(round, 1));
  }

  /** Those who have said so were asked before the stream was published, if it was. */
  #notFound(): void {
    if (!this.#hasNews) this.#options.events.notFound();
  }

  #settled(trial: PullTrial, outcome: Outcome): void {
    this.#open.remove(trial);
    this.#hasSettled = true;
    if (outcome.kind === 'failed' && isExhausted(outcome.error)) this.#unasked = true;
    if (outcome.kind === 'refused') this.#refusal ??= outcome.error;
    this.#wake.now();
  }

  #backOffMs(round: number): number {
    const { retryMinMs, retryMaxMs } = this.#options.stream.vhost.edge;
    const leastMs = Math.min(retryMinMs * 2 ** Math.min(round - 1, 20), retryMaxMs);
    return leastMs * (0.75 + Math.random() / 2);
  }

  /** There is no time to rest. */
  readonly #goOn = (): void => {
    this.#rest.cutShort();
    this.#wake.now();
  };

  /** Rests for so long, or until the pull in use is lost, an origin is back or has the stream, or the search ends. */
  async #restFor(ms: number): Promise<void> {
    if (!this.#over) await this.#rest.take(ms);
  }
}

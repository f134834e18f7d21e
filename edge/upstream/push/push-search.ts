/**
 * Finds an origin that accepts a publisher's stream: goes through those of the vhost, follows redirections, and comes
 * back to those that failed.
 */

import { setTimeout as delay } from 'node:timers/promises';
import type { OriginAddress, RemoteCluster, VhostConfig } from '../../conf/model.ts';
import { streamKey } from '../../stream/name.ts';
import { nameTakenCode } from '../../stream/publication.ts';
import { type StreamRequest, streamName } from '../../stream/request.ts';
import { awakeNow } from '../../time/awake.ts';
import { Deadline } from '../../time/deadline.ts';
import { DeadlineSignal } from '../../time/deadline-signal.ts';
import { originName } from '../connection/address.ts';
import { toUpstreamError, UpstreamError } from '../connection/errors.ts';
import { redirectTarget, upstreamRequest } from '../connection/request.ts';
import type { UpstreamContext } from '../context.ts';
import { nextOrigin } from '../origins/balance.ts';
import type { Sought } from '../origins/locator.ts';
import { anotherAnswers, answerPatienceMs } from '../origins/patience.ts';
import { verdictOn } from '../origins/verdict.ts';
import { Push, type PushEvents } from './push.ts';

/**
 * A publisher who was cut and comes by another edge may be faster than the news that the former connection has ended:
 * it passes two servers, each of which lets sockets rest between reads. So a busy origin is asked again for a while,
 * with growing pauses, before the publisher is refused. Answers count in: an edge above has tried as long itself.
 */
const busyMs = 1_500;
const busyPauseMs = 100;

/** An origin that is well will not have the publisher. */
export class Refused extends Error {
  override readonly name = 'Refused';
  readonly failure: UpstreamError;

  constructor(failure: UpstreamError) {
    super(failure.reason, { cause: failure });
    this.failure = failure;
  }
}

export interface PushSearchOptions {
  readonly request: StreamRequest;
  readonly context: UpstreamContext;
  /** The settings in force: a reload may replace them. */
  readonly vhost: () => VhostConfig;
  /** Of the runs that will be sent. */
  readonly chunkSize: number;
  /** The connection in use meanwhile, if any. */
  readonly live: () => Push | undefined;
  /** Whether an accepted connection is of use: its origin may no longer be listed. */
  readonly isWanted: (push: Push) => boolean;
  readonly events: PushEvents;
}

export class PushSearch {
  readonly #options: PushSearchOptions;
  readonly #key: string;
  readonly #sought: Sought;
  #attempts = 0;
  #lastFailure: UpstreamError | undefined;

  constructor(options: PushSearchOptions) {
    this.#options = options;
    this.#key = streamKey(streamName(options.request));
    this.#sought = { key: this.#key, purpose: 'publish', by: options.request.protocol };
  }

  get lastFailure(): UpstreamError | undefined {
    return this.#lastFailure;
  }

  /**
   * Goes through the origins until one accepts. A publisher's first refusal is the publisher's; later ones are an
   * origin's (its name may still be taken by the connection that died) and are tried again.
   * @param tried names of origins that come last
   * @param failures how many connections in a row were lost soon after they were accepted: the search begins the later
   * @param signal ends the search: what is accepted too late is let go
   */
  async find(tried: Set<string>, which: 'first' | 'again', failures: number, signal: AbortSignal): Promise<Push> {
    const { context, vhost, live, isWanted } = this.#options;
    const { health, log } = context;
    if (failures > 1) await delay(this.#backOffMs(failures - 1), undefined, { signal });
    let unreachableSinceMs: number | undefined;
    await this.#locate(which);
    for (let round = 0; ; ) {
      signal.throwIfAborted();
      const origin = this.#next(tried);
      if (origin !== undefined) {
        tried.add(originName(origin));
        try {
          const push = await this.#openOrLeave(origin, tried, which, signal);
          if (!signal.aborted && isWanted(push)) return push;
          push.unpublish();
        } catch (error) {
          // A publisher that left while the origin had it wait says nothing about the origin.
          signal.throwIfAborted();
          const failure = toUpstreamError(error, 'protocol', originName(origin));
          if (failure.failure === 'cancelled') continue;
          this.#lastFailure = failure;
          log.warn({ err: failure, stream: this.#key }, 'push failed');
          const verdict = await verdictOn(failure, () => health.answers(origin));
          if (verdict.kind === 'failed') health.failed(origin, verdict.error);
          else if (which === 'first') throw new Refused(failure);
        }
        continue;
      }
      tried.clear();
      const { holdTimeoutMs } = vhost().edge;
      const present = live();
      if (present === undefined) {
        unreachableSinceMs ??= awakeNow();
        const leftMs = holdTimeoutMs - (awakeNow() - unreachableSinceMs);
        if (leftMs <= 0) throw new Error(`no origin accepted the stream again within hold_timeout ${holdTimeoutMs} ms`);
        if (context.origins.areDown(vhost(), this.#sought)) {
          await this.#available(leftMs, signal);
          await this.#locate(which);
          continue;
        }
      } else tried.add(present.name);
      round++;
      await delay(this.#backOffMs(round), undefined, { signal });
      await this.#locate(which);
    }
  }

  /** Where somebody knows where streams are, a publisher that has just come waits for the answer. */
  async #locate(which: 'first' | 'again'): Promise<void> {
    const { request, context, vhost } = this.#options;
    const isKnown = which === 'again' || context.memory.originOf(this.#key) !== undefined;
    const asked = context.locator.ask(vhost(), request, 'publish', isKnown);
    if (which === 'first') await asked;
  }

  #backOffMs(round: number): number {
    const { retryMinMs, retryMaxMs } = this.#options.vhost().edge;
    return Math.min(retryMinMs * 2 ** Math.min(round - 1, 20), retryMaxMs) * (0.75 + Math.random() / 2);
  }

  /** Resolves when an origin is not down any more, or after this time; rejects when the search ends. */
  async #available(withinMs: number, signal: AbortSignal): Promise<void> {
    const timeout = new DeadlineSignal(withinMs);
    const inTime = AbortSignal.any([signal, timeout.signal]);
    try {
      await this.#options.context.origins.available(this.#options.vhost, this.#sought, inTime);
    } catch (error) {
      if (!timeout.signal.aborted) throw error;
    } finally {
      timeout.stop();
    }
  }

  #cluster(): RemoteCluster {
    const { cluster, name } = this.#options.vhost();
    if (cluster.mode === 'remote') return cluster;
    throw new Error(`vhost ${name} has no origins any more`);
  }

  /** @param unanswered names of those that have been asked and have not answered */
  #next(tried: ReadonlySet<string>, unanswered?: ReadonlySet<string>): OriginAddress | undefined {
    const { health, memory, origins } = this.#options.context;
    const vhost = this.#options.vhost();
    return nextOrigin({
      located: origins.located(vhost, this.#sought),
      origins: this.#cluster().origins,
      further: () => origins.further(vhost, this.#sought, unanswered),
      balance: vhost.edge.balance,
      streamKey: this.#key,
      attempt: this.#attempts,
      remembered: memory.originOf(this.#key),
      tried,
      state: (origin) => health.state(origin),
    });
  }

  /**
   * Opens a push. An origin that has not shaken hands for a while is left as soon as another one answers: it throws
   * `cancelled` then. Nothing has been published there yet.
   */
  async #openOrLeave(
    origin: OriginAddress,
    tried: ReadonlySet<string>,
    which: 'first' | 'again',
    signal: AbortSignal,
  ): Promise<Push> {
    const left = new AbortController();
    const answered = new AbortController();
    const patience = new Deadline(() => {
      this.#anotherAnswers(tried, answered.signal).then(
        () => {
          const details = { origin: originName(origin) };
          this.#options.context.health.doubted(origin, new UpstreamError('unanswered', 'no answer yet', details));
          left.abort();
        },
        () => {},
      );
    });
    patience.start(answerPatienceMs(this.#options.vhost()));
    const stop = (): void => {
      patience.stop();
      answered.abort();
    };
    const either = AbortSignal.any([signal, left.signal]);
    try {
      return await (which === 'first' ? this.#openOnceFree(origin, stop, either) : this.#open(origin, stop, either));
    } finally {
      stop();
    }
  }

  async #anotherAnswers(tried: ReadonlySet<string>, signal: AbortSignal): Promise<void> {
    const { context, vhost } = this.#options;
    const others = {
      next: (asked: ReadonlySet<string>) => this.#next(asked, asked),
      answers: (origin: OriginAddress) => context.health.answers(origin),
    };
    const unwatch = context.origins.watch(vhost(), () => {});
    try {
      await anotherAnswers(others, tried, vhost().edge.locateIntervalMs, signal);
    } finally {
      unwatch();
    }
  }

  /** As `#open`; an origin where the name is taken is given a moment to learn that it is free. */
  async #openOnceFree(origin: OriginAddress, answered: () => void, signal: AbortSignal): Promise<Push> {
    const beganMs = awakeNow();
    for (let pauseMs = busyPauseMs; ; pauseMs *= 2) {
      try {
        return await this.#open(origin, answered, signal);
      } catch (error) {
        const isBusy = error instanceof UpstreamError && error.code === nameTakenCode;
        if (!isBusy || awakeNow() - beganMs >= busyMs) throw error;
        await delay(pauseMs, undefined, { signal });
      }
    }
  }

  /**
   * Opens a push to an origin or where it redirects to.
   * @param answered called when the origin has shaken hands
   */
  async #open(origin: OriginAddress, answered: () => void, signal: AbortSignal): Promise<Push> {
    const { request: clientRequest, context, vhost, chunkSize, events } = this.#options;
    this.#attempts++;
    let address = origin;
    for (let redirects = 0; ; redirects++) {
      const isOurs = context.origins.isOurs(vhost(), this.#sought, origin, address);
      const signed = context.keys.signed(vhost().edge.originKeysFile, 'publish', clientRequest, isOurs);
      const request = upstreamRequest(signed, this.#cluster(), { address }, context.serverId);
      try {
        const push = await Push.open({
          origin: address,
          listedAs: originName(origin),
          request,
          settings: vhost,
          chunkSize,
          context,
          events,
          answered,
          signal,
        });
        context.health.succeeded(address);
        context.log.info({ origin: push.name, stream: this.#key, upnode: push.upnode }, 'push connected');
        return push;
      } catch (error) {
        const target = redirectTarget(error);
        if (target === undefined || redirects >= vhost().edge.redirectMax) throw error;
        address = target;
      }
    }
  }
}

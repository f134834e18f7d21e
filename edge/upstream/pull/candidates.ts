/**
 * Which origin is asked for a stream next: each once in a round, those that the configuration lists before those that
 * DNS has.
 */

import type { OriginAddress } from '../../conf/model.ts';
import type { LiveStream } from '../../stream/live-stream.ts';
import { originName } from '../connection/address.ts';
import type { UpstreamContext } from '../context.ts';
import { nextOrigin } from '../origins/balance.ts';
import type { Sought } from '../origins/locator.ts';

export interface CandidatesOptions {
  readonly stream: LiveStream;
  readonly sought: Sought;
  readonly context: UpstreamContext;
  /** Counts attempts over all searches of the stream: round robin goes one further with each. */
  readonly attempts: { count: number };
  /** Names of origins that have been asked and have not accepted. */
  readonly unanswered: () => ReadonlySet<string>;
  /** Whether the stream comes from somewhere meanwhile, and may go on to. */
  readonly isFed: () => boolean;
  /** DNS has answered: there may be others. */
  readonly changed: () => void;
}

export class Candidates {
  readonly #options: CandidatesOptions;
  /** Names of origins asked in this round, or not to be asked in it. */
  readonly #tried: Set<string>;
  /** In this round no listed origin was left: those that DNS has are asked. */
  #isFurther = false;
  /** While origins that were asked do not answer, DNS is watched. */
  #unwatch: (() => void) | undefined;

  /** @param tried names of origins that come last */
  constructor(options: CandidatesOptions, tried: Iterable<string>) {
    this.#options = options;
    this.#tried = new Set(tried);
  }

  /** How many are not asked any more in this round. */
  get triedCount(): number {
    return this.#tried.size;
  }

  /** @param isLast of nobody who is asked much is hoped: where no listed origin is left and none delivers, DNS is asked */
  next(isLast: boolean): OriginAddress | undefined {
    const { stream, sought, context, attempts, unanswered, isFed, changed } = this.#options;
    const { health, memory, origins } = context;
    return nextOrigin({
      located: origins.located(stream.vhost, sought),
      origins: origins.listed(stream.vhost, sought),
      further: () => {
        if (!this.#isFurther && !(isLast && !isFed())) return [];
        this.#isFurther = true;
        const waitedFor = unanswered();
        if (waitedFor.size > 0) this.#unwatch ??= origins.watch(stream.vhost, changed);
        return origins.further(stream.vhost, sought, waitedFor);
      },
      balance: stream.vhost.edge.balance,
      streamKey: stream.key,
      attempt: attempts.count,
      remembered: memory.originOf(stream.key),
      tried: this.#tried,
      state: (origin) => health.state(origin),
    });
  }

  asked(origin: OriginAddress): void {
    this.#options.attempts.count++;
    this.leaveOut(originName(origin));
  }

  /** The origin of this name is not asked in this round. */
  leaveOut(name: string): void {
    this.#tried.add(name);
  }

  /** A new round: all may be asked again. */
  renew(): void {
    this.#tried.clear();
    this.close();
  }

  /** DNS is not watched any more. */
  close(): void {
    this.#isFurther = false;
    this.#unwatch?.();
    this.#unwatch = undefined;
  }
}

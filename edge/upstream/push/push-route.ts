/**
 * Which origin a publisher's stream goes to: the one in use, one that stands by until the next keyframe, and the search
 * for another. What is sent there is somebody else's business.
 */

import type { VhostConfig } from '../../conf/model.ts';
import { streamKey } from '../../stream/name.ts';
import { nameTakenCode } from '../../stream/publication.ts';
import { type StreamRequest, streamName } from '../../stream/request.ts';
import type { UpstreamError } from '../connection/errors.ts';
import type { UpstreamContext } from '../context.ts';
import type { Sought } from '../origins/locator.ts';
import type { Push } from './push.ts';
import { droppedMax, PushLosses } from './push-losses.ts';
import { PushSearch } from './push-search.ts';

export interface PushRouteEvents {
  /** The origin that has had the stream is left, or lost; another one is about to have it. */
  leaves(): void;
  /** This one is to have what the buffer holds, and all that comes. */
  goesTo(push: Push): void;
  /** No origin will have the stream any more: what the publisher is told. */
  ended(code: string, reason: string): void;
}

export interface PushRouteOptions {
  readonly request: StreamRequest;
  readonly context: UpstreamContext;
  /** The settings in force: a reload may replace them. */
  readonly vhost: () => VhostConfig;
  /** Of the runs that will be sent. */
  readonly chunkSize: number;
  readonly events: PushRouteEvents;
}

export class PushRoute {
  readonly #options: PushRouteOptions;
  readonly #key: string;
  readonly #sought: Sought;
  readonly #origins: PushSearch;
  readonly #losses: PushLosses;
  #live: Push | undefined;
  /** The origin that has had it last. */
  #from: string | undefined;
  /** An accepted connection that takes over at the next keyframe. */
  #standby: Push | undefined;
  /** Connections whose origins have asked us to go elsewhere. */
  readonly #leaving = new WeakSet<Push>();
  /** Ends the search for another origin that is under way. */
  #search: AbortController | undefined;
  #closed = false;

  constructor(options: PushRouteOptions) {
    const { request, context, vhost, chunkSize, events } = options;
    this.#options = options;
    this.#key = streamKey(streamName(request));
    this.#sought = { key: this.#key, purpose: 'publish', by: request.protocol };
    this.#origins = new PushSearch({
      request,
      context,
      vhost,
      chunkSize,
      live: () => this.#live,
      isWanted: (push) => this.#isWanted(push),
      events: { lost: (push, error) => this.#lost(push, error), askedToLeave: (push) => this.#askedToLeave(push) },
    });
    this.#losses = new PushLosses(context.health, () => {
      if (this.#closed) return;
      const reason = `the origin accepts the stream and then ends the connection, ${droppedMax} times in a row`;
      events.ended('NetStream.Publish.Rejected', reason);
    });
  }

  /** The connection in use, if there is one now. */
  get live(): Push | undefined {
    return this.#live;
  }

  /** Why an origin could not be had, the last time. */
  get lastFailure(): UpstreamError | undefined {
    return this.#origins.lastFailure;
  }

  /** Whether the stream is being moved to another origin, or lacks one. */
  get isMoving(): boolean {
    return this.#search !== undefined || this.#standby !== undefined;
  }

  /** Finds the first origin. Throws what `PushSearch.find` throws. */
  async start(signal: AbortSignal): Promise<void> {
    this.#accepted(await this.#origins.find(new Set(), 'first', 0, signal));
  }

  /** A keyframe is about to be sent: who stands by takes over with it. */
  keyframe(): void {
    if (this.#standby !== undefined) this.#takeOver(this.#standby);
  }

  /** The stream is pushed again. @param elsewhere to another origin, if there is one */
  again(elsewhere: boolean): void {
    const live = this.#live;
    if (live === undefined) return;
    live.unpublish();
    this.#live = undefined;
    this.#look(new Set(elsewhere ? [live.name] : []));
  }

  /** The vhost's configuration has changed: an origin that is no longer listed is left at a keyframe. */
  reconfigured(): void {
    const [live, standby] = [this.#live, this.#standby];
    if (standby !== undefined && this.#mustLeave(standby)) this.#leaveStandby();
    if (live === undefined) return;
    if (this.#mustLeave(live)) this.#lookBeside(live);
    else {
      // What an earlier change made necessary is not needed any more.
      this.#endSearch();
      this.#leaveStandby();
    }
  }

  /** The publisher has stopped: the origin is told. */
  close(): void {
    this.#closed = true;
    this.#endSearch();
    this.#leaveStandby();
    this.#live?.unpublish();
    this.#live = undefined;
  }

  /** What a search has found may be of no use by then. */
  #isWanted(push: Push): boolean {
    if (this.#leaving.has(push)) return false;
    const vhost = this.#options.vhost();
    return vhost.cluster.mode === 'local' || this.#options.context.origins.has(vhost, this.#sought, push.listedAs);
  }

  #mustLeave(push: Push): boolean {
    if (this.#leaving.has(push)) return true;
    const vhost = this.#options.vhost();
    const { origins } = this.#options.context;
    return vhost.cluster.mode === 'remote' && !origins.mayStay(vhost, this.#sought, push.listedAs);
  }

  #leaveStandby(): void {
    this.#standby?.unpublish();
    this.#standby = undefined;
  }

  /** Goes on with a connection that was accepted: at once where there is no other, else at the next keyframe. */
  #accepted(push: Push): void {
    if (this.#closed) push.unpublish();
    else if (this.#live === undefined) this.#takeOver(push);
    else this.#standby = push;
  }

  #takeOver(push: Push): void {
    const { context, events } = this.#options;
    const from = this.#from;
    this.#from = push.name;
    // The origin that is left has had the GOP before this one whole.
    this.#live?.unpublish();
    this.#standby = undefined;
    this.#live = undefined;
    events.leaves();
    this.#live = push;
    this.#losses.begin();
    events.goesTo(push);
    context.memory.foundAt(this.#key, push.listedAs);
    context.log.info({ stream: this.#key, origin: push.name, from }, 'push live');
    if (from === undefined) return;
    context.counters.switched({ stream: this.#key, direction: 'push', from, to: push.name, gapMs: 0 });
  }

  #lost(push: Push, error: UpstreamError): void {
    const { context, events } = this.#options;
    context.log.warn({ err: error, stream: this.#key }, 'push lost');
    context.health.failed(push.origin, error);
    const [live, standby] = [this.#live, this.#standby];
    if (push === standby) {
      this.#standby = undefined;
      if (live !== undefined) this.#lookBeside(live, push);
    } else if (push === live) {
      this.#live = undefined;
      // The origin has the stream from somebody else now: to push again would take it from the newer publisher.
      if (error.failure === 'rejected' && error.code === nameTakenCode)
        return events.ended(nameTakenCode, error.reason);
      this.#losses.count(push, error);
      if (standby !== undefined) return this.#takeOver(standby);
      // A search for a better origin may be resting: the publisher has none now.
      this.#endSearch();
      this.#look(new Set([push.name]));
    }
  }

  /** The origin is about to stop: goes on with another one at a keyframe. */
  #askedToLeave(push: Push): void {
    this.#leaving.add(push);
    if (push === this.#standby) this.#leaveStandby();
    if (this.#live !== undefined && this.#mustLeave(this.#live)) this.#lookBeside(this.#live, push);
  }

  /** Looks for another origin, unless one stands by. */
  #lookBeside(live: Push, failed: Push = live): void {
    if (this.#standby === undefined) this.#look(new Set([live.name, failed.name]));
  }

  /** Looks for another origin in the background: one search at a time. */
  #look(tried: Set<string>): void {
    if (this.#search !== undefined || this.#closed) return;
    const { context, events } = this.#options;
    const search = new AbortController();
    this.#search = search;
    context.counters.pushSwitches++;
    const { signal } = search;
    this.#origins
      .find(tried, 'again', this.#losses.inARow, signal)
      .then((push) => {
        this.#search = undefined;
        this.#accepted(push);
      })
      .catch((error: Error) => {
        if (signal.aborted) return;
        this.#search = undefined;
        events.ended('NetStream.Publish.Failed', error.message);
      });
  }

  #endSearch(): void {
    this.#search?.abort();
    this.#search = undefined;
  }
}

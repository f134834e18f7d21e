/**
 * One origin asked for a stream, and where it redirects to: until it delivers, or shows that it will not.
 */

import type { OriginAddress, RemoteCluster } from '../../conf/model.ts';
import type { FeedStart } from '../../stream/feed.ts';
import type { LiveStream } from '../../stream/live-stream.ts';
import type { StreamRequest } from '../../stream/request.ts';
import { awakeNow } from '../../time/awake.ts';
import { Deadline } from '../../time/deadline.ts';
import { notNeeded } from '../../time/not-needed.ts';
import { originName } from '../connection/address.ts';
import { toUpstreamError, type UpstreamError } from '../connection/errors.ts';
import { type Redirection, redirectionOf, upstreamRequest } from '../connection/request.ts';
import type { UpstreamContext } from '../context.ts';
import type { Lack } from '../origins/pushed-streams.ts';
import { type Verdict, verdictOn } from '../origins/verdict.ts';
import { Pull, type PullEvents } from './pull.ts';

/** How a trial went. */
export type Outcome = { readonly kind: 'live' } | Verdict;

export interface TrialEvents {
  /** The origin has accepted the request. */
  connected(): void;
  /** Frames have come. Called at once: the pull may be lost in the very next moment. */
  delivers(pull: Pull, listedAs: string): void;
  /** It goes on where the pull in use ends. */
  overlaps(pull: Pull): void;
  /** No frame came in time. False: no other origin can have the stream, and this one is as good a place to wait. */
  isAbsent(): boolean;
  /** Called once, except after `close`. */
  settled(trial: PullTrial, outcome: Outcome): void;
}

/** What becomes of a pull that delivers. */
export type LiveEvents = Pick<PullEvents, 'whole' | 'unpublished' | 'askedToLeave' | 'ended'>;

export interface TrialOptions {
  readonly stream: LiveStream;
  readonly request: StreamRequest;
  readonly cluster: RemoteCluster;
  readonly context: UpstreamContext;
  /** As the configuration names it. */
  readonly origin: OriginAddress;
  /** Time for the first frame once the origin has accepted. */
  readonly firstFrameMs: number;
  /** Whether the stream comes from another origin meanwhile, and may go on to do so. */
  readonly isFed: () => boolean;
  /** The name may be unknown everywhere: it is asked for when the client has its turn. */
  readonly waitsForTurn: boolean;
  readonly events: TrialEvents;
  readonly live: LiveEvents;
}

export class PullTrial {
  /** Of the origin in the configuration. */
  readonly name: string;
  readonly #options: TrialOptions;
  /** Who is asked at present: the origin, or where it has redirected to. */
  #target: Redirection;
  readonly #abort = new AbortController();
  #pull: Pull | undefined;
  #askedMs: number | undefined;
  #redirects = 0;
  #isConnected = false;
  #settled = false;
  #leftAlone = false;
  /** When the origin in use accepted the request. */
  #acceptedMs = 0;
  /** What it sends is what players have had, all of it so far. */
  #isBehind = false;
  readonly #dwell = new Deadline(() => this.#tooLate());

  constructor(options: TrialOptions) {
    this.name = originName(options.origin);
    this.#options = options;
    this.#target = { address: options.origin };
    this.#begin().catch((error: unknown) =>
      this.#failed(options.origin, toUpstreamError(error, 'protocol', this.name)),
    );
  }

  /** When the origin was connected to, on the clock of `awakeNow`: undefined while the client waits for its turn. */
  get askedMs(): number | undefined {
    return this.#askedMs;
  }

  /** Whether the origin has accepted the request: it may deliver at any moment. */
  get hasAccepted(): boolean {
    return this.#isConnected;
  }

  /**
   * Gives it up without a word; a pull that delivers goes on. An origin that has not answered yet is given its time: that
   * it never does is worth knowing for all other streams.
   */
  close(): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#leftAlone = this.#pull !== undefined && !this.#isConnected;
    if (!this.#leftAlone) this.#dispose();
  }

  async #begin(): Promise<void> {
    const { context, request, waitsForTurn } = this.#options;
    if (waitsForTurn) await context.turns.wait(this.name, request.ip, this.#abort.signal);
    if (!this.#settled) this.#pullFrom(this.#target);
  }

  #pullFrom(target: Redirection, start?: FeedStart): void {
    this.#target = target;
    const { stream, request, cluster, context, origin, events, live } = this.#options;
    const { address } = target;
    const { vhost, key } = stream;
    this.#askedMs ??= awakeNow();
    const isOurs = context.origins.isOurs(vhost, { key, purpose: 'play', by: request.protocol }, origin, address);
    const { originKeysFile } = vhost.edge;
    const signed = context.keys.signed(originKeysFile, 'play', request, isOurs);
    const { httpPath } = target;
    const to =
      httpPath === undefined
        ? target
        : { address, httpPath: context.keys.signedPath(originKeysFile, httpPath, isOurs) };
    const pullEvents: PullEvents = {
      connected: () => {
        this.#isConnected = true;
        this.#acceptedMs = awakeNow();
        if (this.#settled) return this.#dispose();
        events.connected();
        if (!this.#isBehind) this.#dwell.start(this.#options.firstFrameMs);
      },
      live: (pull) => {
        if (this.#settled) return;
        if (this.#options.waitsForTurn) context.turns.giveBack(this.name);
        this.#settled = true;
        this.#dwell.stop();
        context.pushed.seen(stream.key);
        events.delivers(pull, this.name);
        events.settled(this, { kind: 'live' });
      },
      overlaps: (pull) => {
        if (this.#settled) return;
        this.#isBehind = true;
        // It has the stream: whether it still sends is the watchdog's question.
        this.#dwell.start(vhost.edge.firstFrameTimeoutMs);
        events.overlaps(pull);
      },
      whole: (pull) => live.whole(pull),
      unpublished: (pull) => live.unpublished(pull),
      askedToLeave: (pull) => live.askedToLeave(pull),
      ended: (pull, error) => {
        if (this.#leftAlone) this.#learn(address, error);
        else if (this.#settled) live.ended(pull, error);
        else if (error !== undefined) this.#failed(address, error);
      },
    };
    this.#pull = new Pull(
      address,
      stream,
      upstreamRequest(signed, cluster, to, context.serverId),
      context,
      pullEvents,
      start,
    );
  }

  /** How an origin that nobody waited for has failed. */
  #learn(address: OriginAddress, error: UpstreamError | undefined): void {
    const { context, origin } = this.#options;
    if (error !== undefined && address === origin && error.blamesOrigin) context.health.failed(origin, error);
  }

  /** The stream may be one that this very edge sends it. By a Service's address it may have been sent to another. */
  #lacks(lack: Lack): void {
    const { context, stream, origin } = this.#options;
    if (origin.door !== undefined) return;
    if (this.#pull !== undefined) context.pushed.lacking(stream.key, this.#pull.name, lack);
  }

  /** No frame has come in time that players do not have. */
  #tooLate(): void {
    if (this.#isBehind && !this.#options.isFed()) return this.#afresh();
    if (!this.#isBehind) this.#lacks({ kind: 'silent', sinceMs: this.#acceptedMs });
    if (this.#options.events.isAbsent()) this.#settle({ kind: 'absent' });
    else this.#dwell.start(this.#options.firstFrameMs);
  }

  /**
   * It is far behind, or the publisher has begun again and sends what it has sent before, as who loops a clip does: players
   * that have nothing else get it once more. It is asked again, since what it keeps for newcomers begins with a key frame.
   */
  #afresh(): void {
    this.#isBehind = false;
    this.#isConnected = false;
    this.#pull?.close();
    this.#pullFrom(this.#target, 'afresh');
  }

  #failed(address: OriginAddress, error: UpstreamError): void {
    if (this.#settled) return;
    this.#dwell.stop();
    const { context, stream } = this.#options;
    const location = redirectionOf(error);
    if (location !== undefined && this.#redirects < stream.vhost.edge.redirectMax) {
      this.#redirects++;
      return this.#pullFrom(location);
    }
    if (error.failure !== 'cancelled') context.log.warn({ err: error, stream: stream.key }, 'pull failed');
    this.#judge(address, error).catch((fault: unknown) =>
      this.#settle({ kind: 'failed', error: toUpstreamError(fault, 'protocol', this.name) }),
    );
  }

  async #judge(address: OriginAddress, error: UpstreamError): Promise<void> {
    const { context, origin } = this.#options;
    const verdict = await verdictOn(error, (folder) => context.health.answers(address, folder));
    if (this.#settled) return;
    if (verdict.kind === 'absent') this.#lacks({ kind: 'said' });
    if (verdict.kind === 'failed' && address === origin) context.health.failed(origin, verdict.error);
    this.#settle(verdict);
  }

  #settle(outcome: Outcome): void {
    this.#settled = true;
    this.#dispose();
    this.#options.events.settled(this, outcome);
  }

  #dispose(): void {
    this.#dwell.stop();
    this.#abort.abort(notNeeded);
    this.#pull?.close();
  }
}

/**
 * One connection that plays a stream from one origin and feeds it into the stream here.
 */

import type { OriginAddress } from '../../conf/model.ts';
import { reconnectRequestCode } from '../../rtmp/command.ts';
import type { RtmpMessage } from '../../rtmp/message.ts';
import type { Feed, FeedStart } from '../../stream/feed.ts';
import type { LiveStream } from '../../stream/live-stream.ts';
import { awakeNow } from '../../time/awake.ts';
import { notNeeded } from '../../time/not-needed.ts';
import { originName } from '../connection/address.ts';
import { pullOptions } from '../connection/client-options.ts';
import { toUpstreamError, type UpstreamError } from '../connection/errors.ts';
import { openPullClient, type PullClient } from '../connection/pull-client.ts';
import type { UpstreamRequest } from '../connection/request.ts';
import { Watchdog } from '../connection/watchdog.ts';
import type { UpstreamContext } from '../context.ts';
import { Cadence } from './cadence.ts';
import { FirstFrames } from './first-frames.ts';

export interface PullEvents {
  /** The origin has accepted the request. */
  connected(pull: Pull): void;
  /** Its frames reach the players from now on. */
  live(pull: Pull): void;
  /** It has the stream, and is behind the pull in use: it goes on frame-exactly where that one ends. */
  overlaps(pull: Pull): void;
  /** What it sends can be decoded from now on; never before `live`. */
  whole(pull: Pull): void;
  /** The origin says that the stream has ended there; it may begin again. */
  unpublished(pull: Pull): void;
  /** The origin is about to stop and asks us to go elsewhere (E-RTMP's ReconnectRequest). */
  askedToLeave(pull: Pull): void;
  /** It has ended, by itself or because another pull took over (then without an error). */
  ended(pull: Pull, error: UpstreamError | undefined): void;
}

/** Status codes by which origins say that nobody publishes the stream any more. */
const unpublishedCodes = new Set([
  'NetStream.Play.UnpublishNotify',
  'NetStream.Play.StreamEof',
  'NetStream.Play.Stop',
  'NetStream.Play.Complete',
]);

export class Pull {
  readonly origin: OriginAddress;
  readonly name: string;
  /** When the newest media message came, on the clock of `awakeNow`. */
  lastMediaMs: number = awakeNow();
  /** The origin has said that the stream ended, and has sent nothing since. */
  unpublished = false;
  /** The origin has asked us to go elsewhere. */
  askedToLeave = false;
  readonly #cadence = new Cadence();
  readonly #first = new FirstFrames();
  readonly #stream: LiveStream;
  readonly #events: PullEvents;
  readonly #abort = new AbortController();
  readonly #release: () => void;
  #client: PullClient | undefined;
  #watchdog: Watchdog | undefined;
  #feed: Feed | undefined;
  #ended = false;

  constructor(
    origin: OriginAddress,
    stream: LiveStream,
    request: UpstreamRequest,
    context: UpstreamContext,
    events: PullEvents,
    start: FeedStart = 'where the last ended',
  ) {
    this.origin = origin;
    this.name = originName(origin);
    this.#stream = stream;
    this.#events = events;
    this.#release = context.health.connected(origin);
    this.#open(request, context, start).catch((error: unknown) =>
      this.#end(toUpstreamError(error, 'protocol', this.name)),
    );
  }

  /** What it sends can be decoded: the origin has the stream. */
  get isWhole(): boolean {
    return this.#first.areWhole;
  }

  /** How long the stream usually pauses between two messages, milliseconds. */
  get usualPauseMs(): number {
    return this.#cadence.usualPauseMs;
  }

  /** Ends it without a word to the events. */
  close(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#dispose();
  }

  async #open(request: UpstreamRequest, context: UpstreamContext, start: FeedStart): Promise<void> {
    const { health, log } = context;
    const { signal } = this.#abort;
    const client = await openPullClient(
      this.origin,
      pullOptions(() => this.#stream.vhost, context),
      {
        media: (message) => {
          if (!this.#first.cameOnce && !client.hasAnswered) health.succeeded(this.origin);
          this.#media(message, client);
        },
        readEnd: () => this.#feed?.flush(client.lastReceivedMs),
        status: (code) => {
          if (code === reconnectRequestCode) {
            this.askedToLeave = true;
            this.#events.askedToLeave(this);
          }
          if (!unpublishedCodes.has(code)) return;
          this.unpublished = true;
          this.#events.unpublished(this);
        },
        closed: (error) => this.#end(error),
      },
      signal,
    );
    this.#client = client;
    this.#feed = this.#stream.openFeed(
      {
        delivering: () => this.#events.live(this),
        overlaps: () => this.#events.overlaps(this),
        superseded: () => this.#superseded(),
      },
      start,
    );
    await client.ask(request, signal);
    // The connection may have ended between two answers.
    if (this.#ended) return;
    if (client.hasAnswered) health.succeeded(this.origin);
    log.info({ origin: this.name, stream: this.#stream.key, upnode: client.serverIdentity }, 'pull connected');
    this.#watchdog = new Watchdog(client, {
      owesMedia: true,
      stallTimeoutMs: () => this.#stream.vhost.edge.stallTimeoutMs,
      stalled: (error) => this.#end(error),
    });
    this.#events.connected(this);
  }

  #media(message: RtmpMessage, { heardMs, lastReceivedMs }: PullClient): void {
    const feed = this.#feed;
    if (feed === undefined) return;
    // While nobody published there was no pause of the stream.
    if (!this.unpublished && this.#first.cameOnce) this.#cadence.frame(heardMs, heardMs - this.lastMediaMs);
    this.lastMediaMs = heardMs;
    this.unpublished = false;
    if (this.#first.areWhole) return feed.push(message, lastReceivedMs);
    for (const each of this.#first.next(message)) feed.push(each, lastReceivedMs);
    if (this.#first.areWhole && feed.delivering) this.#events.whole(this);
  }

  #superseded(): void {
    if (this.#ended) return;
    this.close();
    this.#events.ended(this, undefined);
  }

  #end(error: UpstreamError): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#dispose();
    this.#events.ended(this, error);
  }

  #dispose(): void {
    this.#abort.abort(notNeeded);
    this.#watchdog?.stop();
    this.#client?.destroy();
    this.#feed?.close();
    this.#release();
  }
}

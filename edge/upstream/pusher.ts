/**
 * Passes a publisher's stream on to an origin, and to another when that one fails. The publisher never notices: what
 * it sent since its last keyframe is sent to the new origin again.
 */

import { setTimeout as delay } from 'node:timers/promises';
import type { OriginAddress, RemoteCluster, VhostConfig } from '../conf/model.ts';
import type { RtmpMessage } from '../rtmp/message.ts';
import { headerBytesMax, headersMax } from '../stream/header-room.ts';
import type { StreamContent } from '../stream/headers.ts';
import { type StreamName, streamKey } from '../stream/name.ts';
import type { Publication, PublicationEvents } from '../stream/publication.ts';
import { Refusal, type StreamRequest, streamName } from '../stream/request.ts';
import { originName } from './address.ts';
import { nextOrigin } from './balance.ts';
import type { UpstreamContext } from './context.ts';
import { toUpstreamError, UpstreamError } from './errors.ts';
import { Push, type PushEvents } from './push.ts';
import { PushBuffer } from './push-buffer.ts';
import { encodeRun } from './push-run.ts';
import { redirectTarget, upstreamRequest } from './request.ts';

/** Silence is found some time after the stall timeout, on a busy machine: what was sent meanwhile is still needed. */
const audioKeptFactor = 3;

export class Pusher implements Publication {
  readonly name: StreamName;
  readonly key: string;
  #vhost: VhostConfig;
  readonly #request: StreamRequest;
  readonly #context: UpstreamContext;
  readonly #events: PublicationEvents;
  readonly #buffer: PushBuffer;
  /** Of all that is sent, to whichever origin: runs are encoded once. */
  readonly #chunkSize: number;
  readonly #stop = new AbortController();
  #live: Push | undefined;
  /** An accepted connection that takes over at the next keyframe. */
  #standby: Push | undefined;
  #searching = false;
  #attempts = 0;
  #lastFailure: UpstreamError | undefined;
  #pending: RtmpMessage[] = [];
  #toldHeaders = false;
  /** The origin is too slow: nothing is sent before a keyframe. */
  #dropping = false;

  constructor(request: StreamRequest, vhost: VhostConfig, context: UpstreamContext, events: PublicationEvents) {
    this.name = streamName(request);
    this.key = streamKey(this.name);
    this.#vhost = vhost;
    this.#chunkSize = vhost.chunkSize;
    this.#request = request;
    this.#context = context;
    this.#events = events;
    this.#buffer = new PushBuffer(() => {
      const { gopCacheMaxBytes, stallTimeoutMs } = this.#vhost.edge;
      return { maxBytes: gopCacheMaxBytes, keepMs: audioKeptFactor * stallTimeoutMs };
    });
  }

  /** Name of the origin in use. */
  get origin(): string | undefined {
    return this.#live?.name;
  }

  get content(): StreamContent {
    return this.#buffer.content;
  }

  /** Finds the first origin; throws a Refusal with the origin's words, or when none is found in `publish_timeout`. */
  async start(): Promise<void> {
    const { publishTimeoutMs } = this.#vhost.edge;
    const timeout = AbortSignal.timeout(publishTimeoutMs);
    try {
      await this.#connect(new Set(), 'first', AbortSignal.any([timeout, this.#stop.signal, this.#events.gone]));
    } catch (error) {
      this.#stop.abort();
      if (error instanceof UpstreamError && error.failure === 'rejected') {
        throw new Refusal(error.code ?? 'NetStream.Publish.Rejected', error.reason, 403, { cause: error });
      }
      const last = this.#lastFailure === undefined ? '' : `: ${this.#lastFailure.reason}`;
      const why = timeout.aborted
        ? `no origin accepted the stream within ${publishTimeoutMs} ms${last}`
        : messageOf(error);
      throw new Refusal('NetStream.Publish.Failed', why, 503, { cause: error });
    }
  }

  push(message: RtmpMessage): void {
    const role = this.#buffer.note(message);
    if (role === undefined) return;
    if (role === 'no-room') return this.#dropHeader();
    if (role === 'header' || role === 'metadata') {
      // Kept apart from the runs: a new origin gets each of them once, before all runs.
      this.flush();
      if (!this.#dropping) this.#live?.send(encodeRun([message], this.#chunkSize));
      return;
    }
    if (role === 'keyframe') {
      // What came before belongs to the GOP before.
      this.flush();
      this.#buffer.begin();
    }
    this.#pending.push(message);
    if (!this.#buffer.canBeginWith(role)) return;
    if (this.#standby !== undefined) this.#takeOver(this.#standby);
    else if (this.#dropping && this.#hasRoom()) {
      this.#dropping = false;
      this.#sendHeaders(message.timestamp);
    }
  }

  flush(): void {
    if (this.#pending.length === 0) return;
    const run = encodeRun(this.#pending, this.#chunkSize);
    this.#pending = [];
    this.#buffer.keep(run);
    const live = this.#live;
    if (live === undefined || this.#dropping) return;
    if (this.#hasRoom()) live.send(run);
    else {
      this.#dropping = true;
      this.#context.counters.pushDroppedGops++;
      this.#context.log.warn({ stream: this.key, origin: live.name }, 'push drops until a keyframe: origin is slow');
    }
    this.#buffer.delivered();
  }

  close(): void {
    if (this.#stop.signal.aborted) return;
    this.flush();
    this.#stop.abort();
    this.#live?.unpublish();
    this.#standby?.unpublish();
    this.#live = undefined;
    this.#standby = undefined;
  }

  /** The vhost's configuration has changed: an origin that is no longer listed is left at a keyframe. */
  reconfigured(vhost: VhostConfig): void {
    this.#vhost = vhost;
    const live = this.#live;
    if (live === undefined || vhost.cluster.mode !== 'remote') return;
    if (vhost.cluster.origins.some((origin) => originName(origin) === live.listedAs)) return;
    this.#search(new Set([live.name]));
  }

  /** A new origin would not get it: so that all have the same, none gets it. */
  #dropHeader(): void {
    this.#context.counters.droppedHeaders++;
    if (this.#toldHeaders) return;
    this.#toldHeaders = true;
    const limits = { headersMax, headerBytesMax };
    this.#context.log.warn({ stream: this.key, ...limits }, 'headers dropped: the stream has as many as it may have');
  }

  #hasRoom(): boolean {
    return (this.#live?.pendingBytes ?? 0) <= this.#vhost.edge.pushQueueMaxBytes;
  }

  /** Goes on at another origin, with what the buffer holds: a whole GOP so far. */
  #takeOver(push: Push): void {
    const before = this.#live;
    // The origin that is left has had the GOP before this one whole.
    before?.unpublish();
    this.#standby = undefined;
    this.#live = undefined;
    this.#dropping = false;
    this.flush();
    this.#live = push;
    this.#sendHeaders(this.#buffer.runs[0]?.firstTimestamp);
    for (const run of this.#buffer.runs) push.send(run);
    this.#buffer.delivered();
    this.#context.memory.foundAt(this.key, push.listedAs);
    this.#context.log.info({ stream: this.key, origin: push.name, from: before?.name }, 'push live');
  }

  #sendHeaders(timestamp: number | undefined): void {
    const headers = this.#buffer.headers(timestamp);
    if (headers.length > 0) this.#live?.send(encodeRun(headers, this.#chunkSize));
  }

  #lost(push: Push, error: UpstreamError): void {
    this.#context.log.warn({ err: error, stream: this.key }, 'push lost');
    this.#context.health.failed(push.origin, error);
    const standby = this.#standby;
    if (push === standby) {
      this.#standby = undefined;
      this.#search(new Set([push.name, this.#live?.name ?? '']));
    } else if (push === this.#live) {
      this.#live = undefined;
      if (standby === undefined) this.#search(new Set([push.name]));
      else this.#takeOver(standby);
    }
  }

  /** The origin is about to stop: goes on with another one at a keyframe. */
  #asked(push: Push): void {
    if (push === this.#live && this.#standby === undefined) this.#search(new Set([push.name]));
  }

  /** Looks for another origin in the background. */
  #search(tried: Set<string>): void {
    if (this.#searching || this.#stop.signal.aborted) return;
    this.#searching = true;
    this.#context.counters.pushSwitches++;
    this.#connect(tried, 'again', this.#stop.signal)
      .catch((error: Error) => {
        if (this.#stop.signal.aborted) return;
        this.close();
        this.#events.ended('NetStream.Publish.Failed', error.message);
      })
      .finally(() => {
        this.#searching = false;
      });
  }

  /**
   * Goes through the origins until one accepts. A publisher's first refusal is the publisher's; later ones are an
   * origin's (its name may still be taken by the connection that died) and are tried again.
   */
  async #connect(tried: Set<string>, which: 'first' | 'again', signal: AbortSignal): Promise<void> {
    const { health } = this.#context;
    let unreachableSinceMs: number | undefined;
    for (let round = 0; ; ) {
      signal.throwIfAborted();
      const origins = this.#cluster().origins;
      const origin = this.#next(origins, tried);
      if (origin !== undefined) {
        tried.add(originName(origin));
        try {
          return this.#accepted(await this.#open(origin, signal));
        } catch (error) {
          const failure = toUpstreamError(error, 'protocol', originName(origin));
          if (failure.failure === 'cancelled') continue;
          this.#lastFailure = failure;
          this.#context.log.warn({ err: failure, stream: this.key }, 'push failed');
          health.failed(origin, failure);
          if (which === 'first' && failure.failure === 'rejected') throw failure;
          continue;
        }
      }
      tried.clear();
      const { retryMinMs, retryMaxMs, holdTimeoutMs } = this.#vhost.edge;
      if (this.#live === undefined) {
        unreachableSinceMs ??= performance.now();
        const leftMs = holdTimeoutMs - (performance.now() - unreachableSinceMs);
        if (leftMs <= 0) throw new Error(`no origin accepted the stream again within hold_timeout ${holdTimeoutMs} ms`);
        if (origins.every((each) => health.state(each) === 'down')) {
          const inTime = AbortSignal.any([signal, AbortSignal.timeout(Math.ceil(leftMs))]);
          await untilAvailable(
            health.available(() => this.#cluster().origins, inTime),
            signal,
          );
          continue;
        }
      } else tried.add(this.#live.name);
      round++;
      const backOffMs = Math.min(retryMinMs * 2 ** Math.min(round - 1, 20), retryMaxMs);
      await delay(backOffMs * (0.75 + Math.random() / 2), undefined, { signal });
    }
  }

  #cluster(): RemoteCluster {
    const { cluster, name } = this.#vhost;
    if (cluster.mode === 'remote') return cluster;
    throw new Error(`vhost ${name} has no origins any more`);
  }

  #next(origins: readonly OriginAddress[], tried: ReadonlySet<string>): OriginAddress | undefined {
    const { health, memory } = this.#context;
    return nextOrigin({
      origins,
      balance: this.#vhost.edge.balance,
      streamKey: this.key,
      attempt: this.#attempts,
      remembered: memory.originOf(this.key),
      tried,
      state: (origin) => health.state(origin),
    });
  }

  /** Opens a push to an origin or where it redirects to. */
  async #open(origin: OriginAddress, signal: AbortSignal): Promise<Push> {
    this.#attempts++;
    const events: PushEvents = {
      lost: (push, error) => this.#lost(push, error),
      asked: (push) => this.#asked(push),
    };
    let address = origin;
    for (let redirects = 0; ; redirects++) {
      const request = upstreamRequest(this.#request, this.#cluster(), address, this.#context.serverId);
      try {
        const push = await Push.open(
          address,
          originName(origin),
          request,
          () => this.#vhost,
          this.#chunkSize,
          this.#context,
          events,
          signal,
        );
        this.#context.health.succeeded(address);
        this.#context.log.info({ origin: push.name, stream: this.key, upnode: push.upnode }, 'push connected');
        return push;
      } catch (error) {
        const target = redirectTarget(error);
        if (target === undefined || redirects >= this.#vhost.edge.redirectMax) throw error;
        address = target;
      }
    }
  }

  #accepted(push: Push): void {
    if (this.#stop.signal.aborted) push.unpublish();
    else if (this.#live === undefined) this.#takeOver(push);
    else this.#standby = push;
  }
}

/** Running out of time is told by the caller's own clock. */
async function untilAvailable(available: Promise<void>, signal: AbortSignal): Promise<void> {
  try {
    await available;
  } catch (error) {
    if (signal.aborted) throw error;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

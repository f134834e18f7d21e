/**
 * Passes a publisher's stream on to an origin, and to another when that one fails. The publisher never notices: what
 * it sent since its last keyframe is sent to the new origin again.
 */

import type { VhostConfig } from '../../conf/model.ts';
import { MessageType, type RtmpMessage } from '../../rtmp/message.ts';
import { headerBytesMax, headersMax } from '../../stream/header-room.ts';
import type { StreamContent } from '../../stream/headers.ts';
import { type StreamName, streamKey } from '../../stream/name.ts';
import { nameTakenCode, type Publication, type PublicationEvents } from '../../stream/publication.ts';
import { Refusal, type StreamRequest, streamName } from '../../stream/request.ts';
import { DeadlineSignal } from '../../time/deadline-signal.ts';
import type { UpstreamError } from '../connection/errors.ts';
import type { UpstreamContext } from '../context.ts';
import type { Sought } from '../origins/locator.ts';
import type { Lack } from '../origins/pushed-streams.ts';
import type { Push } from './push.ts';
import { PushBuffer } from './push-buffer.ts';
import { droppedMax, PushLosses } from './push-losses.ts';
import { PushMemory } from './push-memory.ts';
import { encodeRun, type PushRun } from './push-run.ts';
import { PushSearch, Refused } from './push-search.ts';
import { PushSight } from './push-sight.ts';

/** Silence is found some time after the stall timeout, on a busy machine: what was sent meanwhile is still needed. */
const audioKeptFactor = 3;

export class Pusher implements Publication {
  readonly name: StreamName;
  readonly key: string;
  readonly #sought: Sought;
  #vhost: VhostConfig;
  readonly #context: UpstreamContext;
  readonly #events: PublicationEvents;
  readonly #buffer: PushBuffer;
  /** Of all that is sent, to whichever origin: runs are encoded once. */
  readonly #chunkSize: number;
  readonly #stop = new AbortController();
  #live: Push | undefined;
  /** The origin that has had it last. */
  #from: string | undefined;
  /** An accepted connection that takes over at the next keyframe. */
  #standby: Push | undefined;
  /** The connection whose origin has asked us to go elsewhere. */
  #leaving: Push | undefined;
  readonly #origins: PushSearch;
  /** Ends the search for another origin that is under way. */
  #search: AbortController | undefined;
  #pending: RtmpMessage[] = [];
  #toldHeaders = false;
  readonly #memory: PushMemory;
  readonly #losses: PushLosses;
  readonly #sight: PushSight;
  #forget: () => void = () => {};
  /** The origin is too slow: nothing is sent until it has room again. */
  #dropping = false;
  /** The origin lacks what came before: it gets sound, and video from the next keyframe on. */
  #videoWaits = false;

  constructor(request: StreamRequest, vhost: VhostConfig, context: UpstreamContext, events: PublicationEvents) {
    this.name = streamName(request);
    this.key = streamKey(this.name);
    this.#sought = { key: this.key, purpose: 'publish', by: request.protocol };
    this.#vhost = vhost;
    this.#chunkSize = vhost.chunkSize;
    this.#context = context;
    this.#events = events;
    this.#origins = new PushSearch({
      request,
      context,
      vhost: () => this.#vhost,
      chunkSize: this.#chunkSize,
      live: () => this.#live,
      isWanted: (push) => this.#isWanted(push),
      events: { lost: (push, error) => this.#lost(push, error), askedToLeave: (push) => this.#askedToLeave(push) },
    });
    this.#buffer = new PushBuffer(() => {
      const { gopCacheMaxBytes, stallTimeoutMs } = this.#vhost.edge;
      return { maxBytes: gopCacheMaxBytes, keepMs: audioKeptFactor * stallTimeoutMs };
    });
    this.#memory = new PushMemory(context.mediaMemory, () => this.#giveUp());
    this.#sight = new PushSight(() => this.#vhost.edge.firstFrameTimeoutMs / 2);
    this.#losses = new PushLosses(context.health, () => {
      if (this.#stop.signal.aborted) return;
      this.close();
      const reason = `the origin accepts the stream and then ends the connection, ${droppedMax} times in a row`;
      events.ended('NetStream.Publish.Rejected', reason);
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
    const timeout = new DeadlineSignal(publishTimeoutMs);
    try {
      const signal = AbortSignal.any([timeout.signal, this.#stop.signal, this.#events.gone]);
      this.#accepted(await this.#origins.find(new Set(), 'first', 0, signal));
      this.#forget = this.#context.pushed.add(this.key, {
        lacking: (origin, lack) => this.#lacking(origin, lack),
        seen: () => this.#sight.seen(),
      });
    } catch (error) {
      this.#stop.abort();
      if (error instanceof Refused) {
        const { code, reason } = error.failure;
        throw new Refusal(code ?? 'NetStream.Publish.Rejected', reason, 403, { cause: error });
      }
      const { lastFailure } = this.#origins;
      const last = lastFailure === undefined ? '' : `: ${lastFailure.reason}`;
      const why = timeout.signal.aborted
        ? `no origin accepted the stream within ${publishTimeoutMs} ms${last}`
        : messageOf(error);
      throw new Refusal('NetStream.Publish.Failed', why, 503, { cause: error });
    } finally {
      timeout.stop();
    }
  }

  push(message: RtmpMessage): void {
    const role = this.#buffer.note(message);
    if (role === undefined) return;
    if (role === 'no-room') return this.#dropHeader();
    if (role === 'header' || role === 'metadata') {
      // Kept apart from the runs: a new origin gets each of them once, before all runs.
      this.flush();
      return this.#send(encodeRun([message], this.#chunkSize));
    }
    if (role === 'keyframe') {
      // What came before belongs to the GOP before.
      this.flush();
      this.#buffer.begin();
    }
    const canBegin = this.#buffer.canBeginWith(role);
    const isVideo = message.type === MessageType.video;
    if (this.#dropping && this.#hasRoom() && (canBegin || !isVideo)) {
      // What is still pending belongs to what was dropped.
      this.flush();
      this.#dropping = false;
      this.#videoWaits = this.#buffer.waitsForKeyframes;
      this.#sendHeaders(message.timestamp);
    }
    if (isVideo && this.#videoWaits) {
      if (!canBegin) return;
      this.#videoWaits = false;
    }
    this.#pending.push(message);
    if (canBegin && this.#live !== undefined && !this.#dropping) this.#sight.entry();
    if (canBegin && this.#standby !== undefined) this.#takeOver(this.#standby);
  }

  flush(): void {
    if (this.#pending.length === 0) return;
    const messages = this.#pending;
    this.#pending = [];
    if (this.#stop.signal.aborted) return;
    const run = encodeRun(messages, this.#chunkSize);
    this.#buffer.keep(run);
    if (this.#live !== undefined && !this.#dropping) {
      this.#send(run);
      this.#buffer.delivered();
    }
    this.#count();
    this.#context.mediaMemory.settle();
  }

  #send(run: PushRun): void {
    const live = this.#live;
    if (live === undefined || this.#dropping) return;
    if (this.#hasRoom()) live.send(run);
    else this.#drop('origin is slow');
  }

  #drop(why: string): void {
    if (this.#live === undefined || this.#dropping) return;
    this.#dropping = true;
    this.#context.counters.pushDroppedGops++;
    this.#context.log.warn({ stream: this.key, origin: this.#live.name }, `push drops until there is room: ${why}`);
  }

  /** Tells the process's memory what is kept for origins and waits for one. */
  #count(): void {
    this.#memory.keptBytes = this.#buffer.bytes + (this.#live?.pendingBytes ?? 0);
  }

  close(): void {
    if (!this.#stop.signal.aborted) {
      this.flush();
      this.#stop.abort();
      this.#endSearch();
      this.#leaveStandby();
      this.#live?.unpublish();
      this.#live = undefined;
    }
    this.#forget();
    this.#buffer.giveUp();
    this.#memory.close();
  }

  /** The origin accepted the stream and does not have it: it is pushed again, and elsewhere if that did not help. */
  #lacking(origin: string, lack: Lack): void {
    const live = this.#live;
    if (live === undefined || live.name !== origin || this.#search !== undefined || this.#standby !== undefined) return;
    // Where bytes wait, the origin has not had all yet.
    if (this.#dropping || live.pendingBytes > 0 || !this.#sight.isDue(lack)) return;
    const { times } = this.#sight;
    this.#context.counters.pushRepeats++;
    this.#context.log.warn(
      { stream: this.key, origin, times },
      'origin lacks a stream that is pushed to it: once more',
    );
    live.unpublish();
    this.#live = undefined;
    this.#look(new Set(times > 1 ? [live.name] : []));
  }

  /** Memory is short: nothing is kept for another origin, and what waits for this one is let run out. */
  #giveUp(): void {
    this.#buffer.giveUp();
    if ((this.#live?.pendingBytes ?? 0) > 0) this.#drop('memory is short');
    this.#count();
  }

  /** The vhost's configuration has changed: an origin that is no longer listed is left at a keyframe. */
  reconfigured(vhost: VhostConfig): void {
    this.#vhost = vhost;
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

  /** What a search has found may be of no use by then. */
  #isWanted(push: Push): boolean {
    if (push === this.#leaving) return false;
    return this.#vhost.cluster.mode === 'local' || this.#context.origins.has(this.#vhost, this.#sought, push.listedAs);
  }

  #mustLeave(push: Push): boolean {
    if (push === this.#leaving) return true;
    return (
      this.#vhost.cluster.mode === 'remote' && !this.#context.origins.mayStay(this.#vhost, this.#sought, push.listedAs)
    );
  }

  #leaveStandby(): void {
    this.#standby?.unpublish();
    this.#standby = undefined;
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
    const from = this.#from;
    this.#from = push.name;
    // The origin that is left has had the GOP before this one whole.
    before?.unpublish();
    this.#standby = undefined;
    this.#live = undefined;
    this.#dropping = false;
    this.flush();
    this.#live = push;
    this.#losses.begin();
    this.#sight.begin();
    if (this.#buffer.runs.length > 0) this.#sight.entry();
    this.#sendHeaders(this.#buffer.runs[0]?.firstTimestamp);
    push.sendPast(this.#buffer.runs);
    // Of a GOP that outgrew the buffer this origin has had nothing.
    if (this.#buffer.runs.length === 0 && this.#buffer.waitsForKeyframes) this.#videoWaits = true;
    this.#buffer.delivered();
    this.#context.memory.foundAt(this.key, push.listedAs);
    this.#context.log.info({ stream: this.key, origin: push.name, from }, 'push live');
    if (from === undefined) return;
    this.#context.counters.switched({ stream: this.key, direction: 'push', from, to: push.name, gapMs: 0 });
  }

  #sendHeaders(timestamp: number | undefined): void {
    const headers = this.#buffer.headers(timestamp);
    if (headers.length > 0) this.#live?.send(encodeRun(headers, this.#chunkSize));
  }

  #lost(push: Push, error: UpstreamError): void {
    this.#context.log.warn({ err: error, stream: this.key }, 'push lost');
    // Who takes nothing of this stream may take others: it may be too slow for this one alone.
    if (error.failure === 'stalled') this.#context.health.doubted(push.origin, error);
    else this.#context.health.failed(push.origin, error);
    const [live, standby] = [this.#live, this.#standby];
    if (push === standby) {
      this.#standby = undefined;
      if (live !== undefined) this.#lookBeside(live, push);
    } else if (push === live) {
      this.#live = undefined;
      if (error.failure === 'rejected' && error.code === nameTakenCode) return this.#takenOver(error);
      this.#losses.count(push, error);
      if (standby !== undefined) return this.#takeOver(standby);
      // A search for a better origin may be resting: the publisher has none now.
      this.#endSearch();
      this.#look(new Set([push.name]));
    }
  }

  /** The origin has the stream from somebody else now: to push again would take it from the newer publisher. */
  #takenOver({ reason }: UpstreamError): void {
    this.close();
    this.#events.ended(nameTakenCode, reason);
  }

  /** The origin is about to stop: goes on with another one at a keyframe. */
  #askedToLeave(push: Push): void {
    this.#leaving = push;
    if (push === this.#live) this.#lookBeside(push);
  }

  /** Looks for another origin, unless one stands by. */
  #lookBeside(live: Push, failed: Push = live): void {
    if (this.#standby === undefined) this.#look(new Set([live.name, failed.name]));
  }

  /** Looks for another origin in the background: one search at a time. */
  #look(tried: Set<string>): void {
    if (this.#search !== undefined || this.#stop.signal.aborted) return;
    const search = new AbortController();
    this.#search = search;
    this.#context.counters.pushSwitches++;
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
        this.close();
        this.#events.ended('NetStream.Publish.Failed', error.message);
      });
  }

  #endSearch(): void {
    this.#search?.abort();
    this.#search = undefined;
  }

  /** Goes on with a connection that was accepted: at once where there is no other, else at the next keyframe. */
  #accepted(push: Push): void {
    if (this.#stop.signal.aborted) push.unpublish();
    else if (this.#live === undefined) this.#takeOver(push);
    else this.#standby = push;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/**
 * Passes a publisher's stream on to an origin, and to another when that one fails. The publisher never notices: what
 * it sent since its last keyframe is sent to the new origin again.
 */

import type { VhostConfig } from '../../conf/model.ts';
import { MessageType, type RtmpMessage } from '../../rtmp/message.ts';
import { headerBytesMax, headersMax } from '../../stream/header-room.ts';
import type { StreamContent } from '../../stream/headers.ts';
import { type StreamName, streamKey } from '../../stream/name.ts';
import type { Publication, PublicationEvents } from '../../stream/publication.ts';
import { Refusal, type StreamRequest, streamName } from '../../stream/request.ts';
import { DeadlineSignal } from '../../time/deadline-signal.ts';
import type { UpstreamContext } from '../context.ts';
import type { Lack } from '../origins/pushed-streams.ts';
import type { Push } from './push.ts';
import { PushBuffer } from './push-buffer.ts';
import { PushMemory } from './push-memory.ts';
import { PushRoute } from './push-route.ts';
import { encodeRun, type PushRun } from './push-run.ts';
import { Refused } from './push-search.ts';
import { PushSight } from './push-sight.ts';

/** Silence is found some time after the stall timeout, on a busy machine: what was sent meanwhile is still needed. */
const audioKeptFactor = 3;

export class Pusher implements Publication {
  readonly name: StreamName;
  readonly key: string;
  #vhost: VhostConfig;
  readonly #context: UpstreamContext;
  readonly #events: PublicationEvents;
  readonly #buffer: PushBuffer;
  /** Of all that is sent, to whichever origin: runs are encoded once. */
  readonly #chunkSize: number;
  readonly #stop = new AbortController();
  readonly #route: PushRoute;
  #pending: RtmpMessage[] = [];
  #toldHeaders = false;
  readonly #memory: PushMemory;
  readonly #sight: PushSight;
  #forget: () => void = () => {};
  /** The origin is too slow: nothing is sent until it has room again. */
  #dropping = false;
  /** The origin lacks what came before: it gets sound, and video from the next keyframe on. */
  #videoWaits = false;

  constructor(request: StreamRequest, vhost: VhostConfig, context: UpstreamContext, events: PublicationEvents) {
    this.name = streamName(request);
    this.key = streamKey(this.name);
    this.#vhost = vhost;
    this.#chunkSize = vhost.chunkSize;
    this.#context = context;
    this.#events = events;
    this.#route = new PushRoute({
      request,
      context,
      vhost: () => this.#vhost,
      chunkSize: this.#chunkSize,
      events: {
        leaves: () => {
          this.#dropping = false;
          this.flush();
        },
        goesTo: (push) => this.#goOn(push),
        ended: (code, reason) => this.#end(code, reason),
      },
    });
    this.#buffer = new PushBuffer(() => {
      const { gopCacheMaxBytes, stallTimeoutMs } = this.#vhost.edge;
      return { maxBytes: gopCacheMaxBytes, keepMs: audioKeptFactor * stallTimeoutMs };
    });
    this.#memory = new PushMemory(context.mediaMemory, () => this.#giveUp());
    this.#sight = new PushSight(() => this.#vhost.edge.firstFrameTimeoutMs / 2);
  }

  /** Name of the origin in use. */
  get origin(): string | undefined {
    return this.#route.live?.name;
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
      await this.#route.start(signal);
      this.#forget = this.#context.pushed.add(this.key, {
        lacking: (origin, lack) => this.#lacking(origin, lack),
        seen: () => this.#sight.seen(),
      });
    } catch (error) {
      this.#stop.abort();
      this.#route.close();
      if (error instanceof Refused) {
        const { code, reason } = error.failure;
        throw new Refusal(code ?? 'NetStream.Publish.Rejected', reason, 403, { cause: error });
      }
      const { lastFailure } = this.#route;
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
    if (canBegin && this.#route.live !== undefined && !this.#dropping) this.#sight.entry();
    if (canBegin) this.#route.keyframe();
  }

  flush(): void {
    if (this.#pending.length === 0) return;
    const messages = this.#pending;
    this.#pending = [];
    if (this.#stop.signal.aborted) return;
    const run = encodeRun(messages, this.#chunkSize);
    this.#buffer.keep(run);
    if (this.#route.live !== undefined && !this.#dropping) {
      this.#send(run);
      this.#buffer.delivered();
    }
    this.#count();
    this.#context.mediaMemory.settle();
  }

  #send(run: PushRun): void {
    const { live } = this.#route;
    if (live === undefined || this.#dropping) return;
    if (this.#hasRoom()) live.send(run);
    else this.#drop('origin is slow');
  }

  #drop(why: string): void {
    const { live } = this.#route;
    if (live === undefined || this.#dropping) return;
    this.#dropping = true;
    this.#context.counters.pushDroppedGops++;
    this.#context.log.warn({ stream: this.key, origin: live.name }, `push drops until there is room: ${why}`);
  }

  /** Tells the process's memory what is kept for origins and waits for one. */
  #count(): void {
    this.#memory.keptBytes = this.#buffer.bytes + (this.#route.live?.pendingBytes ?? 0);
  }

  close(): void {
    if (!this.#stop.signal.aborted) {
      this.flush();
      this.#stop.abort();
      this.#route.close();
    }
    this.#forget();
    this.#buffer.giveUp();
    this.#memory.close();
  }

  /** The origin accepted the stream and does not have it: it is pushed again, and elsewhere if that did not help. */
  #lacking(origin: string, lack: Lack): void {
    const { live, isMoving } = this.#route;
    if (live === undefined || live.name !== origin || isMoving) return;
    // Where bytes wait, the origin has not had all yet.
    if (this.#dropping || live.pendingBytes > 0 || !this.#sight.isDue(lack)) return;
    const { times } = this.#sight;
    this.#context.counters.pushRepeats++;
    this.#context.log.warn(
      { stream: this.key, origin, times },
      'origin lacks a stream that is pushed to it: once more',
    );
    this.#route.again(times > 1);
  }

  /** Memory is short: nothing is kept for another origin, and what waits for this one is let run out. */
  #giveUp(): void {
    this.#buffer.giveUp();
    if ((this.#route.live?.pendingBytes ?? 0) > 0) this.#drop('memory is short');
    this.#count();
  }

  reconfigured(vhost: VhostConfig): void {
    this.#vhost = vhost;
    this.#route.reconfigured();
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
    return (this.#route.live?.pendingBytes ?? 0) <= this.#vhost.edge.pushQueueMaxBytes;
  }

  /** Goes on at this origin, with what the buffer holds: a whole GOP so far. */
  #goOn(push: Push): void {
    this.#sight.begin();
    if (this.#buffer.runs.length > 0) this.#sight.entry();
    this.#sendHeaders(this.#buffer.runs[0]?.firstTimestamp);
    push.sendPast(this.#buffer.runs);
    // Of a GOP that outgrew the buffer this origin has had nothing.
    if (this.#buffer.runs.length === 0 && this.#buffer.waitsForKeyframes) this.#videoWaits = true;
    this.#buffer.delivered();
  }

  #sendHeaders(timestamp: number | undefined): void {
    const headers = this.#buffer.headers(timestamp);
    if (headers.length > 0) this.#route.live?.send(encodeRun(headers, this.#chunkSize));
  }

  #end(code: string, reason: string): void {
    this.close();
    this.#events.ended(code, reason);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

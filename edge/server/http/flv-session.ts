/**
 * One player of HTTP-FLV or WebSocket-FLV, from its request to its leaving.
 */

import type { Socket } from 'node:net';
import { withoutTokens } from '../../access/tokens.ts';
import { Outbox } from '../../budget/outbox.ts';
import type { VhostConfig } from '../../conf/model.ts';
import { flvHeader, messageTag } from '../../flv/tag.ts';
import { reconnectRequestData } from '../../rtmp/reconnect-data.ts';
import type { FlvEpoch } from '../../stream/flv-epochs.ts';
import { flvFormat, framed } from '../../stream/flv-format.ts';
import type { LiveStream } from '../../stream/live-stream.ts';
import { streamKey } from '../../stream/name.ts';
import { Player } from '../../stream/player.ts';
import type { PlayerSink } from '../../stream/player-sink.ts';
import { queueLimits } from '../../stream/queue-limits.ts';
import { type ClientProtocol, Refusal, type StreamRequest, streamName } from '../../stream/request.ts';
import { Deadline } from '../../time/deadline.ts';
import { type Client, isGoodbye, streamOf } from '../clients.ts';
import { placeOf } from '../gate.ts';
import type { Gateway } from '../gateway.ts';
import { Visit } from '../visit.ts';
import type { WriteWatch } from '../write-watch.ts';
import type { FlvRequest, Reconnects } from './flv-target.ts';
import { type FlvPlan, planTracks } from './flv-tracks.ts';
import type { FlvTransport } from './flv-transport.ts';

type State =
  /** Callbacks are asked. */
  | { readonly kind: 'asking' }
  | { readonly kind: 'playing'; readonly stream: LiveStream; readonly player: Player; readonly plan: () => FlvPlan }
  | { readonly kind: 'gone' };

export const tooManyClients = 'this edge has all clients it may have';

/** A live stream's answer is out before the first; a refusal of the first is back before the second. */
const probeAfterMs = [1_000, 2_000] as const;

export class FlvSession implements Client, PlayerSink {
  readonly id: string;
  readonly protocol: ClientProtocol;
  readonly ip: string;
  readonly connectedAtMs: number = performance.now();
  readonly role = 'play';
  readonly request: StreamRequest;
  readonly #vhost: VhostConfig;
  readonly #transport: FlvTransport;
  readonly #socket: Socket;
  readonly #outbox: Outbox;
  readonly #gateway: Gateway;
  readonly #visit: Visit;
  readonly #watch: WriteWatch;
  readonly #reconnects: Reconnects;
  #state: State = { kind: 'asking' };
  /** Whether the answer is on its way, and no other can be given. */
  #answered = false;
  readonly #firstFrame = new Deadline(() => {
    const { httpFirstFrameTimeoutMs } = this.#vhost.edge;
    this.#refuse(404, `no frame of the stream within ${httpFirstFrameTimeoutMs} ms`);
  });
  /** Where its time began; undefined before, and with the stream's own time. */
  #epoch: FlvEpoch | undefined;
  /** It leaves because something went wrong, not because it is done. */
  #failed = false;
  /** When it has gone. */
  #droppedGops = 0;
  #error: Error | undefined;

  constructor(asked: FlvRequest, transport: FlvTransport, gateway: Gateway, watch: WriteWatch) {
    const { request, vhost, reconnects } = asked;
    this.id = request.clientId;
    this.protocol = request.protocol;
    this.ip = request.ip;
    this.request = request;
    this.#vhost = vhost;
    this.#reconnects = reconnects;
    this.#transport = transport;
    this.#socket = transport.socket;
    this.#gateway = gateway;
    this.#visit = new Visit(gateway, this);
    this.#watch = watch;
    gateway.clients.add(this);
    const socket = transport.socket;
    const { keepaliveMs } = gateway.config.edge;
    socket.setKeepAlive(keepaliveMs > 0, keepaliveMs);
    socket.setNoDelay(vhost.tcpNodelay || vhost.minLatency);
    this.#outbox = new Outbox(socket, () => {
      if (this.#state.kind === 'playing') this.#state.player.drained();
    });
    socket.on('error', (error) => {
      this.#error = error;
      if (!isGoodbye(error)) this.#failed = true;
    });
    socket.on('end', () => this.#probe());
    socket.on('close', () => {
      const { bytesSent, bytesReceived } = this;
      this.#log('info', 'client gone', { reason: this.#error?.message, bytesSent, bytesReceived });
      this.#leave();
      this.#visit.end();
    });
    watch.add(this.#outbox, () => this.#settings.edge.writeTimeoutMs);
  }

  get isEdge(): boolean {
    return this.#reconnects.kind === 'edge';
  }

  get bytesReceived(): number {
    return this.#socket.bytesRead;
  }

  get bytesSent(): number {
    return this.#socket.bytesWritten;
  }

  get droppedGops(): number {
    return this.#state.kind === 'playing' ? this.#state.player.droppedGops : this.#droppedGops;
  }

  /** Asks for the stream; the answer goes out as soon as the stream is known to be live. */
  async start(): Promise<void> {
    this.#log('info', 'play', { ip: this.ip, protocol: this.protocol, param: withoutTokens(this.request.param) });
    try {
      await this.#visit.enter(this.request, this.#vhost);
      if (this.#isGone) return;
      const stream = await this.#gateway.grants.play(this.request, this.#vhost);
      if (this.#isGone) return this.#gateway.grants.stopped(this.request, this.#vhost);
      if (!placeOf(this.#socket).admit()) {
        // Nobody may ever attach to it.
        stream.source?.players(stream.playerCount);
        this.#gateway.grants.stopped(this.request, this.#vhost);
        return this.#refuse(503, tooManyClients);
      }
      this.#play(stream);
    } catch (error) {
      if (error instanceof Refusal) return this.#refuse(error.httpStatus, error.message);
      this.#log('error', 'play failed', { err: error });
      this.#refuse(500, 'internal error');
    }
  }

  get pendingBytes(): number {
    return this.#outbox.pendingBytes;
  }

  write(bytes: Buffer): boolean {
    if (this.#answered) return this.#outbox.write(bytes);
    // Answer, FLV header and media leave in one piece.
    this.#socket.cork();
    this.#begin();
    const taken = this.#outbox.write(bytes);
    this.#socket.uncork();
    return taken;
  }

  writeParts(parts: readonly Buffer[]): boolean {
    let taken = true;
    for (const part of parts) taken = this.write(part);
    return taken;
  }

  /** The stream is live, though this player may have to wait for what it can decode: the answer need not wait. */
  live(): void {
    if (!this.#answered) this.#begin();
  }

  end(reason: string, refusal?: Refusal): void {
    this.#failed = true;
    this.#finish(reason, refusal?.httpStatus);
  }

  #finish(reason: string, status = 404): void {
    if (!this.#answered) this.#refuse(status, reason);
    else if (this.#state.kind === 'playing') {
      this.#leave();
      this.#outbox.handOver();
      this.#transport.finish(reason);
    }
  }

  get canReconnect(): boolean {
    return this.#reconnects.kind !== 'never' && this.#answered && this.#state.kind === 'playing';
  }

  /** As a script tag, which is what FLV has for messages. */
  askToReconnect(why: string): void {
    const key = this.#reconnects.kind === 'edge' ? this.#reconnects.key : undefined;
    this.#outbox.write(framed(this.#transport.framing, messageTag(reconnectRequestData(why, key))));
    this.#log('info', 'client asked to reconnect', { reason: why });
  }

  leaveAtKeyframe(reason: string): void {
    if (!this.#answered || this.#state.kind !== 'playing') return this.disconnect(reason);
    const { stream, player } = this.#state;
    stream.atKeyframe(player, () => {
      this.#log('info', 'client disconnected', { reason });
      this.#finish(reason);
    });
  }

  disconnect(reason: string): void {
    this.#log('info', 'client disconnected', { reason });
    if (!this.#answered) return this.#refuse(503, reason);
    // A client that has not read what it was sent would not read a goodbye either.
    if (this.#outbox.pendingBytes > 0) this.#socket.destroy();
    else this.#finish(reason);
  }

  /**
   * The client has closed its side, and may read on. If it has gone, its system refuses the first bytes that we send,
   * and we learn that with the next ones.
   */
  #probe(): void {
    const probe = (): void => {
      // Where bytes wait there is no need, and no place between two slices.
      const idle = this.#state.kind !== 'gone' && this.#socket.writable && this.#outbox.pendingBytes === 0;
      if (idle) this.#transport.probe();
    };
    for (const afterMs of probeAfterMs) setTimeout(probe, afterMs).unref();
  }

  #play(stream: LiveStream): void {
    // Made when the answer is due: what the stream has is known by then. The FLV header and the media agree on it.
    let planned: FlvPlan | undefined;
    const plan = (): FlvPlan => {
      planned ??= planTracks(this.#settings.httpRemux, stream);
      return planned;
    };
    const player = new Player({
      format: (zeroMs) => {
        const { framing } = this.#transport;
        if (this.#vhost.play.timeJitter === 'off') return flvFormat(framing, plan().sent);
        this.#epoch = stream.flvEpochs.join(zeroMs);
        return this.#epoch.format(framing, plan().sent);
      },
      sink: this,
      request: this.request,
      isEdge: this.isEdge,
      limits: () => queueLimits(stream.vhost),
      memory: stream.memory,
      firstFrame: () => this.#gateway.clients.gotFirstFrame(this.request, performance.now() - this.connectedAtMs),
    });
    this.#state = { kind: 'playing', stream, player, plan };
    this.#firstFrame.start(this.#vhost.edge.httpFirstFrameTimeoutMs);
    stream.attach(player);
  }

  #begin(): void {
    if (this.#state.kind !== 'playing') return;
    this.#firstFrame.stop();
    this.#answered = true;
    const socket = this.#socket;
    socket.cork();
    this.#transport.begin();
    socket.write(framed(this.#transport.framing, flvHeader(this.#state.plan().header)));
    socket.uncork();
  }

  #refuse(status: number, reason: string): void {
    if (this.#answered) return;
    this.#answered = true;
    this.#failed = true;
    this.#gateway.clients.refuse({ ip: this.ip, name: streamOf(this), reason });
    this.#log('info', 'client refused', { status, reason });
    this.#leave();
    if (!this.#socket.destroyed) this.#transport.refuse(status, reason);
  }

  #leave(): void {
    this.#firstFrame.stop();
    const state = this.#state;
    if (state.kind !== 'gone') {
      this.#state = { kind: 'gone' };
      if (state.kind === 'playing') {
        this.#droppedGops = state.player.droppedGops;
        state.stream.detach(state.player);
        if (this.#epoch !== undefined) state.stream.flvEpochs.leave(this.#epoch);
        this.#gateway.grants.stopped(this.request, this.#vhost);
      }
    }
    if (!this.#socket.destroyed) return;
    this.#watch.remove(this.#outbox);
    this.#gateway.clients.remove(this, this.#failed);
  }

  /** The state may have changed while an answer was awaited. */
  get #isGone(): boolean {
    return this.#state.kind === 'gone';
  }

  /** The settings in force: a reload replaces those of the stream. */
  get #settings(): VhostConfig {
    return this.#state.kind === 'playing' ? this.#state.stream.vhost : this.#vhost;
  }

  #log(level: 'info' | 'error', event: string, fields: object): void {
    this.#gateway.log[level]({ client: this.id, stream: streamKey(streamName(this.request)), ...fields }, event);
  }
}

/**
 * One RTMP client, player or publisher, from its connect to its goodbye (RTMP 1.0 §7.2; Enhanced RTMP v2).
 */

import type { Socket } from 'node:net';
import type { VhostConfig } from '../../conf/model.ts';
import { findVhost, readRestMs } from '../../conf/vhost.ts';
import {
  type ClientCommand,
  type ConnectCommand,
  connectError,
  parseClientCommand,
  reconnectRequest,
} from '../../rtmp/command.ts';
import { CapsEx } from '../../rtmp/enhanced.ts';
import { MessageType, type RtmpMessage } from '../../rtmp/message.ts';
import { resolveStreamUrl } from '../../rtmp/url.ts';
import type { LiveStream } from '../../stream/live-stream.ts';
import { Player, type PlayerSink } from '../../stream/player.ts';
import type { Publication } from '../../stream/publication.ts';
import { type ClientProtocol, type ConnectRequest, Refusal, type StreamRequest } from '../../stream/request.ts';
import { rtmpFormat } from '../../stream/rtmp-format.ts';
import { type Client, isGoodbye, newClientId } from '../clients.ts';
import type { Gateway } from '../gateway.ts';
import type { WriteWatch } from '../write-watch.ts';
import {
  connectAccepted,
  playEnded,
  playFailed,
  playStarted,
  publishAccepted,
  publishRefused,
  replyToAside,
  unpublishAccepted,
} from './replies.ts';
import { RtmpTransport, type TransportOwner } from './transport.ts';

interface Connected {
  readonly kind: 'connected';
  readonly request: ConnectRequest;
  readonly vhost: VhostConfig;
  readonly capsEx: number;
}

/** What the client is doing. Each state has what the next steps need. */
type State =
  | { readonly kind: 'connecting' }
  | Connected
  | {
      readonly kind: 'playing';
      readonly connected: Connected;
      readonly request: StreamRequest;
      readonly vhost: VhostConfig;
      readonly stream: LiveStream;
      readonly player: Player;
    }
  | {
      readonly kind: 'publishing';
      readonly connected: Connected;
      readonly request: StreamRequest;
      readonly vhost: VhostConfig;
      readonly publication: Publication;
    }
  /** It has been told goodbye: what it still sends is thrown away. */
  | { readonly kind: 'leaving'; readonly connected: Connected | undefined }
  | { readonly kind: 'closed' };

/** Bytes of messages that are kept while a command waits for somebody else's answer; then reading pauses. */
const queueMaxBytes = 1024 * 1024;

export class RtmpSession implements Client, PlayerSink, TransportOwner {
  readonly id: string = newClientId();
  readonly protocol: ClientProtocol;
  readonly ip: string;
  readonly connectedAtMs: number = Date.now();
  readonly #transport: RtmpTransport;
  readonly #gateway: Gateway;
  readonly #ended: (session: RtmpSession) => void;
  #state: State = { kind: 'connecting' };
  /** Messages that came while a command waits for somebody else's answer. */
  #queue: RtmpMessage[] = [];
  #queuedBytes = 0;
  #busy = false;
  /** Of a publisher that waits for an origin: aborted when it is gone, or on its way. */
  #gone: AbortController | undefined;
  /** Since when it neither plays nor publishes. */
  #idleSinceMs: number = performance.now();
  /** When the first or the newest media of a publisher came. */
  #lastMediaMs: number | undefined;
  #publishedMs = 0;
  /** It leaves because something went wrong, not because it is done. */
  #failed = false;

  constructor(
    socket: Socket,
    protocol: ClientProtocol,
    gateway: Gateway,
    watch: WriteWatch,
    ended: (session: RtmpSession) => void,
  ) {
    this.protocol = protocol;
    this.ip = (socket.remoteAddress ?? '').replace(/^::ffff:/, '');
    this.#gateway = gateway;
    this.#ended = ended;
    this.#transport = new RtmpTransport(socket, this, gateway.config.edge.keepaliveMs);
    gateway.clients.add(this);
    watch.add(socket, () => this.#writeTimeoutMs);
    socket.once('close', () => watch.remove(socket));
  }

  get role(): Client['role'] {
    return this.#state.kind === 'playing' ? 'play' : this.#state.kind === 'publishing' ? 'publish' : 'connecting';
  }

  get request(): Client['request'] {
    const state = this.#state;
    return state.kind === 'playing' || state.kind === 'publishing' ? state.request : connectedOf(state)?.request;
  }

  get bytesReceived(): number {
    return this.#transport.bytesReceived;
  }

  get bytesSent(): number {
    return this.#transport.bytesSent;
  }

  get droppedGops(): number {
    return this.#state.kind === 'playing' ? this.#state.player.droppedGops : 0;
  }

  askToReconnect(): void {
    const state = this.#state;
    const connected = state.kind === 'playing' || state.kind === 'publishing' ? state.connected : undefined;
    if (connected === undefined || (connected.capsEx & CapsEx.reconnect) === 0) return;
    this.#transport.send([reconnectRequest({ description: 'this server is about to stop' })]);
    this.#log('info', 'client asked to reconnect');
  }

  /** The shared bytes of a slice. */
  write(bytes: Buffer): boolean {
    return this.#transport.write(bytes);
  }

  end(reason: string): void {
    this.#failed = true;
    this.disconnect(reason);
  }

  disconnect(reason: string): void {
    const { kind } = this.#state;
    if (kind === 'closed' || kind === 'leaving') return;
    this.#log('info', 'client disconnected', { reason });
    if (kind === 'playing') this.#transport.send(playEnded(reason));
    if (kind === 'publishing') this.#transport.send(publishRefused('NetStream.Publish.Failed', reason));
    this.#hangUp();
  }

  /** Called about once a second: ends clients that do not get on. @param nowMs monotonic */
  tick(nowMs: number): void {
    const overdue = this.#overdue(nowMs);
    if (overdue === undefined) return;
    this.#failed = true;
    this.#log('info', 'client timed out', { reason: overdue });
    this.#transport.destroy();
  }

  #overdue(nowMs: number): string | undefined {
    const state = this.#state;
    switch (state.kind) {
      case 'connecting':
      case 'connected': {
        const { clientTimeoutMs } = this.#gateway.config.edge;
        const late = !this.#busy && nowMs - this.#idleSinceMs > clientTimeoutMs;
        return late ? `neither plays nor publishes after client_timeout ${clientTimeoutMs} ms` : undefined;
      }
      case 'publishing': {
        const { firstPacketTimeoutMs, normalTimeoutMs } = state.vhost.publish;
        if (this.#lastMediaMs === undefined) {
          const late = nowMs - this.#publishedMs > firstPacketTimeoutMs;
          return late ? `sent no media within firstpkt_timeout ${firstPacketTimeoutMs} ms` : undefined;
        }
        const silent = nowMs - this.#lastMediaMs > normalTimeoutMs;
        return silent ? `sent no media for normal_timeout ${normalTimeoutMs} ms` : undefined;
      }
      case 'playing':
      case 'leaving':
      case 'closed':
        return undefined;
    }
  }

  get #writeTimeoutMs(): number {
    const state = this.#state;
    const vhost = state.kind === 'playing' || state.kind === 'publishing' ? state.vhost : undefined;
    return vhost?.edge.writeTimeoutMs ?? this.#gateway.config.edge.clientTimeoutMs;
  }

  readEnd(): void {
    const state = this.#state;
    if (state.kind !== 'publishing') return;
    state.publication.flush();
    const restMs = readRestMs(state.vhost);
    if (restMs > 0) this.#transport.rest(restMs);
  }

  drained(): void {
    if (this.#state.kind === 'playing') this.#state.player.drained();
  }

  broken(error: unknown): void {
    this.#failed = true;
    this.#log('info', 'client sent what is no RTMP', { err: error });
  }

  received(message: RtmpMessage): void {
    if (!this.#busy) return this.#handle(message);
    this.#queue.push(message);
    this.#queuedBytes += message.payload.length;
    // Reading goes on as a rule: a client that leaves while it waits would not be noticed otherwise.
    if (this.#queuedBytes > queueMaxBytes) this.#transport.pause();
  }

  #handle(message: RtmpMessage): void {
    if (this.#state.kind === 'leaving') return;
    switch (message.type) {
      case MessageType.audio:
      case MessageType.video:
      case MessageType.aggregate:
      case MessageType.dataAmf0:
      case MessageType.dataAmf3:
        if (this.#state.kind !== 'publishing') return;
        this.#lastMediaMs = performance.now();
        this.#state.publication.push(message);
        return;
      case MessageType.commandAmf0:
      case MessageType.commandAmf3:
        return this.#command(parseClientCommand(message));
      default:
    }
  }

  #command(command: ClientCommand): void {
    switch (command.kind) {
      case 'connect':
        return this.#wait(this.#connect(command));
      case 'play':
        return this.#wait(this.#play(command.streamName));
      case 'publish':
        return this.#wait(this.#publish(command.streamName));
      case 'FCUnpublish':
      case 'deleteStream':
      case 'closeStream':
        if (command.kind === 'FCUnpublish') this.#transport.send(unpublishAccepted(command.transactionId));
        return this.#stop();
      default:
        return this.#transport.send(replyToAside(command));
    }
  }

  /** Holds back what the client sends on until the answer is there. */
  #wait(answer: Promise<void>): void {
    this.#busy = true;
    answer
      .catch((error: unknown) => {
        this.#failed = true;
        this.#log('error', 'client command failed', { err: error });
        this.#transport.destroy();
      })
      .finally(() => {
        this.#busy = false;
        this.#catchUp();
      });
  }

  #catchUp(): void {
    try {
      while (!this.#busy) {
        const message = this.#queue.shift();
        if (message === undefined) break;
        this.#queuedBytes -= message.payload.length;
        this.#handle(message);
      }
    } catch (error) {
      this.broken(error);
      this.#transport.destroy();
      return;
    }
    if (this.#busy) return;
    if (this.#state.kind === 'publishing') this.#state.publication.flush();
    this.#transport.resume();
  }

  async #connect(command: ConnectCommand): Promise<void> {
    if (this.#state.kind !== 'connecting') return;
    const { tcUrl, pageUrl, swfUrl, commandObject, args } = command;
    const url = resolveStreamUrl({ tcUrl, app: command.app, stream: undefined });
    try {
      const vhost = this.#vhostNamed(url.vhost);
      const request: ConnectRequest = {
        clientId: this.id,
        protocol: this.protocol,
        ip: this.ip,
        vhost: vhost.name,
        app: url.app,
        param: url.param,
        tcUrl,
        pageUrl,
        swfUrl,
        connectObject: commandObject,
        connectArgs: args,
      };
      await this.#gateway.connect(request, vhost);
      if (this.#isGone()) return this.#gateway.closed(request, vhost, this);
      if (vhost.inAckSize > 0) this.#transport.ackWindowBytes = vhost.inAckSize;
      this.#state = { kind: 'connected', request, vhost, capsEx: command.capsEx };
      this.#transport.send(connectAccepted(command, vhost, this.#gateway.serverId, this.id));
      this.#transport.chunkSize = vhost.chunkSize;
      this.#log('info', 'client connected', { ip: this.ip, tcUrl, upnode: upnode(args) });
    } catch (error) {
      const refusal = toRefusal(error, 'NetConnection.Connect.Rejected');
      this.#failed = true;
      this.#log('info', 'client refused', { ip: this.ip, tcUrl, reason: refusal.message });
      this.#transport.send([connectError(command.transactionId, refusal.code, refusal.message)]);
      this.#hangUp();
    }
  }

  async #play(streamName: string): Promise<void> {
    if (this.#state.kind !== 'connected') return;
    try {
      const admitted = await this.#admit(this.#state, streamName);
      if (admitted === undefined) return;
      const { connected, request, vhost } = admitted;
      const stream = await this.#gateway.play(request, vhost);
      if (this.#isGone()) {
        // Nobody may ever have attached to it.
        stream.source?.players(stream.playerCount);
        return this.#gateway.stopped(request, vhost);
      }
      this.#transport.send(playStarted());
      const player = new Player({
        format: rtmpFormat(this.#transport.chunkSize, vhost.play.timeJitter !== 'off'),
        sink: this,
        queueLengthMs: vhost.play.queueLengthSeconds * 1000,
      });
      this.#state = { kind: 'playing', connected, request, vhost, stream, player };
      this.#log('info', 'play', { param: request.param });
      stream.attach(player);
      // From here on bytes come in slices: only who asked for low latency must not wait for full segments.
      this.#transport.noDelay = vhost.tcpNodelay || vhost.minLatency;
    } catch (error) {
      this.#refuse(toRefusal(error, 'NetStream.Play.Failed'), playFailed);
    }
  }

  async #publish(streamName: string): Promise<void> {
    if (this.#state.kind !== 'connected') return;
    try {
      const admitted = await this.#admit(this.#state, streamName);
      if (admitted === undefined) return;
      const { connected, request, vhost } = admitted;
      this.#gone = new AbortController();
      const publication = await this.#gateway.publish(request, vhost, {
        gone: this.#gone.signal,
        ended: (code, reason) => {
          if (this.#isGone()) return;
          this.#failed = true;
          this.#log('warn', 'publication ended', { code, reason });
          this.#transport.send(publishRefused(code, reason));
          this.#hangUp();
        },
      });
      if (this.#isGone()) return this.#gateway.unpublished(request, vhost, publication);
      this.#publishedMs = performance.now();
      this.#lastMediaMs = undefined;
      this.#state = { kind: 'publishing', connected, request, vhost, publication };
      this.#transport.send(publishAccepted());
      this.#log('info', 'publish', { param: request.param });
    } catch (error) {
      this.#refuse(toRefusal(error, 'NetStream.Publish.Failed'), publishRefused);
    }
  }

  #refuse(refusal: Refusal, message: (code: string, reason: string) => RtmpMessage[]): void {
    if (this.#isGone()) return;
    this.#failed = true;
    this.#log('info', 'client refused', { code: refusal.code, reason: refusal.message });
    this.#transport.send(message(refusal.code, refusal.message));
    this.#hangUp();
  }

  /** Stops playing or publishing; the client may begin anew on the same connection. */
  #stop(): void {
    const state = this.#state;
    if (state.kind !== 'playing' && state.kind !== 'publishing') return;
    this.#leave(state);
    this.#state = state.connected;
    this.#idleSinceMs = performance.now();
  }

  #leave(state: Extract<State, { kind: 'playing' | 'publishing' }>): void {
    if (state.kind === 'playing') {
      state.stream.detach(state.player);
      this.#gateway.stopped(state.request, state.vhost);
    } else {
      state.publication.flush();
      this.#gateway.unpublished(state.request, state.vhost, state.publication);
    }
  }

  closed(error: Error | undefined): void {
    const state = this.#state;
    if (state.kind === 'closed') return;
    // Who asked for nothing and left was a probe, of a load balancer or of an edge behind this one.
    const probe = state.kind === 'connecting' && error === undefined && !this.#failed;
    this.#log(probe ? 'debug' : 'info', 'client gone', {
      reason: error?.message,
      bytesSent: this.bytesSent,
      bytesReceived: this.bytesReceived,
    });
    if (state.kind === 'playing' || state.kind === 'publishing') this.#leave(state);
    this.#state = { kind: 'closed' };
    this.#gone?.abort();
    const connected = connectedOf(state);
    if (connected !== undefined) this.#gateway.closed(connected.request, connected.vhost, this);
    const failed = this.#failed || (error !== undefined && !isGoodbye(error));
    this.#gateway.clients.remove(this, failed);
    this.#ended(this);
  }

  /** The state may have changed while an answer was awaited. */
  #isGone(): boolean {
    return this.#state.kind === 'closed' || this.#state.kind === 'leaving';
  }

  #vhostNamed(name: string): VhostConfig {
    const vhost = findVhost(this.#gateway.config, name);
    if (vhost === undefined)
      throw new Refusal('NetConnection.Connect.Rejected', `vhost ${name} is not configured here`, 404);
    if (!vhost.enabled) throw new Refusal('NetConnection.Connect.Rejected', `vhost ${vhost.name} is disabled`, 404);
    return vhost;
  }

  /** The stream's name may bring another vhost and further parameters. */
  #streamRequest(connect: ConnectRequest, streamName: string): { request: StreamRequest; vhost: VhostConfig } {
    const url = resolveStreamUrl({ tcUrl: connect.tcUrl, app: connect.app, stream: streamName });
    if (url.stream === '') throw new Refusal('NetStream.Failed', 'the stream has no name', 400);
    const vhost = this.#vhostNamed(url.vhost);
    const { app, stream, param } = url;
    return { vhost, request: { ...connect, vhost: vhost.name, app, stream, param } };
  }

  /**
   * The stream that a connected client asks for. If its name brings another vhost, the client leaves the one it has
   * connected to and must be let into the other. Undefined when it has gone meanwhile; throws a Refusal.
   */
  async #admit(
    connected: Connected,
    streamName: string,
  ): Promise<{ connected: Connected; request: StreamRequest; vhost: VhostConfig } | undefined> {
    const { request, vhost } = this.#streamRequest(connected.request, streamName);
    if (vhost.name === connected.vhost.name) return { connected, request, vhost };
    const moved: Connected = { ...connected, request: { ...connected.request, vhost: vhost.name }, vhost };
    await this.#gateway.connect(moved.request, vhost);
    if (this.#isGone()) {
      this.#gateway.closed(moved.request, vhost, this);
      return undefined;
    }
    this.#gateway.closed(connected.request, connected.vhost, this);
    this.#state = moved;
    return { connected: moved, request, vhost };
  }

  /** Ends the connection after what was sent has gone. */
  #hangUp(): void {
    const state = this.#state;
    if (this.#isGone()) return;
    if (state.kind === 'playing' || state.kind === 'publishing') this.#leave(state);
    this.#state = { kind: 'leaving', connected: connectedOf(state) };
    this.#gone?.abort();
    this.#transport.hangUp();
  }

  #log(level: 'debug' | 'info' | 'warn' | 'error', event: string, fields: object = {}): void {
    const { request } = this;
    const parts = request === undefined ? [] : [request.vhost, request.app, request.stream];
    const name = request === undefined ? {} : { stream: parts.filter((part) => part !== undefined).join('/') };
    this.#gateway.log[level]({ client: this.id, ...name, ...fields }, event);
  }
}

/** What a client had agreed on when it left this state. */
function connectedOf(state: State): Connected | undefined {
  switch (state.kind) {
    case 'connected':
      return state;
    case 'playing':
    case 'publishing':
    case 'leaving':
      return state.connected;
    default:
      return undefined;
  }
}

function toRefusal(error: unknown, code: string): Refusal {
  if (error instanceof Refusal) return error;
  return new Refusal(code, error instanceof Error ? error.message : String(error), 500, { cause: error });
}

/** An edge that announces itself (`debug_srs_upnode`), so that its log and ours can be read together. */
function upnode(args: ConnectRequest['connectArgs']): object | undefined {
  const [info] = args;
  if (typeof info !== 'object' || info === null || !('srs_pid' in info)) return undefined;
  const { srs_server_ip: ip, srs_pid: pid, srs_id: id, srs_version: version } = info;
  return { ip, pid, id, version };
}

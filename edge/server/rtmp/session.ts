/**
 * One RTMP client, player or publisher, from its connect to its goodbye (RTMP 1.0 §7.2; Enhanced RTMP v2).
 */

import type { Socket } from 'node:net';
import type { Place } from '../../budget/connections.ts';
import { Cost } from '../../budget/work.ts';
import {
  type ClientCommand,
  type ConnectCommand,
  errorResult,
  parseClientCommand,
  reconnectRequest,
} from '../../rtmp/command.ts';
import { CapsEx } from '../../rtmp/enhanced.ts';
import { identityOf } from '../../rtmp/identity.ts';
import { isMediaType } from '../../rtmp/media-messages.ts';
import { MessageType, type RtmpMessage } from '../../rtmp/message.ts';
import type { PlayerSink } from '../../stream/player.ts';
import { type ClientProtocol, Refusal } from '../../stream/request.ts';
import { firstStreamId } from '../../stream/rtmp-stream-ids.ts';
import { type Client, isGoodbye, newClientId } from '../clients.ts';
import { addressOf, placeOf } from '../gate.ts';
import type { Gateway } from '../gateway.ts';
import type { WriteWatch } from '../write-watch.ts';
import { Admission, type Admitted, toRefusal } from './admission.ts';
import { type BeginCommand, MessageStreams, readRequest, streamIdOf } from './message-streams.ts';
import { NextStep } from './next-step.ts';
import { Playing } from './playing.ts';
import { Publishing } from './publishing.ts';
import {
  acknowledged,
  connectAccepted,
  playEnded,
  playFailed,
  playStarted,
  publishAccepted,
  publishRefused,
  replyToAside,
  streamCreated,
  unpublishAccepted,
} from './replies.ts';
import { admittedOf, connectedOf, type State } from './state.ts';
import { RtmpTransport, type TransportOwner } from './transport.ts';

/** Characters of a URL in a log line; of its parameters there may be thousands. */
const loggedUrlMaxLength = 512;

export class RtmpSession implements Client, PlayerSink, TransportOwner {
  readonly id: string = newClientId();
  readonly protocol: ClientProtocol;
  readonly ip: string;
  readonly connectedAtMs: number = performance.now();
  readonly #place: Place;
  readonly #transport: RtmpTransport;
  readonly #gateway: Gateway;
  readonly #ended: (session: RtmpSession) => void;
  readonly #admission: Admission;
  readonly #streams = new MessageStreams();
  #state: State = { kind: 'connecting' };
  /** Of a publisher that waits for an origin: aborted when it is gone, or on its way. */
  #gone: AbortController | undefined;
  readonly #nextStep = new NextStep((reason) => this.#timedOut(reason));
  /** Messages that could not be used. */
  #oddMessages = 0;
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
    this.ip = addressOf(socket);
    this.#place = placeOf(socket);
    this.#gateway = gateway;
    this.#ended = ended;
    this.#admission = new Admission(gateway, this, () => this.#isGone());
    const { handshakeTimeoutMs, keepaliveMs } = gateway.config.edge;
    this.#transport = new RtmpTransport(socket, this, gateway.budget, this.#place, keepaliveMs);
    gateway.clients.add(this);
    const { outbox } = this.#transport;
    watch.add(outbox, () => this.#writeTimeoutMs);
    socket.once('close', () => watch.remove(outbox));
    this.#nextStep.expectHandshake(handshakeTimeoutMs);
  }

  get role(): Client['role'] {
    return this.#state.kind === 'playing' ? 'play' : this.#state.kind === 'publishing' ? 'publish' : 'connecting';
  }

  get request(): Client['request'] {
    return admittedOf(this.#state)?.request ?? connectedOf(this.#state)?.request;
  }

  get bytesReceived(): number {
    return this.#transport.bytesReceived;
  }

  get bytesSent(): number {
    return this.#transport.bytesSent;
  }

  get droppedGops(): number {
    return this.#state.kind === 'playing' ? this.#state.droppedGops : 0;
  }

  askToReconnect(): void {
    const connected = admittedOf(this.#state)?.connected;
    if (connected === undefined || (connected.capsEx & CapsEx.reconnect) === 0) return;
    this.#transport.send([reconnectRequest({ description: 'this server is about to stop' })]);
    this.#log('info', 'client asked to reconnect');
  }

  /** The shared bytes of a slice. */
  write(bytes: Buffer): boolean {
    return this.#transport.write(bytes);
  }

  writeParts(parts: readonly Buffer[]): boolean {
    return this.#transport.writeParts(parts);
  }

  end(reason: string): void {
    this.#failed = true;
    this.disconnect(reason);
  }

  disconnect(reason: string): void {
    if (this.#isGone()) return;
    this.#log('info', 'client disconnected', { reason });
    if (this.#state.kind === 'playing') this.#transport.send(playEnded(this.#state.streamId, reason));
    if (this.#state.kind === 'publishing')
      this.#transport.send(publishRefused(this.#state.streamId, 'NetStream.Publish.Failed', reason));
    this.#hangUp();
  }

  /** Called about once a second: ends clients that do not get on. @param nowMs of `awakeNow` */
  tick(nowMs: number): void {
    const state = this.#state;
    const overdue = state.kind === 'publishing' ? state.overdue(nowMs) : undefined;
    if (overdue !== undefined) this.#timedOut(overdue);
  }

  #timedOut(reason: string): void {
    this.#failed = true;
    this.#log('info', 'client timed out', { reason });
    this.#gateway.budget.connections.count('timeout');
    this.#transport.destroy();
  }

  shaken(): void {
    this.#place.progressed();
    this.#nextStep.expectRequest(this.#gateway.config.edge.clientTimeoutMs);
  }

  get #writeTimeoutMs(): number {
    return admittedOf(this.#state)?.vhost.edge.writeTimeoutMs ?? this.#gateway.config.edge.clientTimeoutMs;
  }

  readEnd(): void {
    const state = this.#state;
    if (state.kind !== 'publishing') return;
    state.flush();
    if (state.readRestMs > 0) this.#transport.rest(state.readRestMs);
  }

  drained(): void {
    if (this.#state.kind === 'playing') this.#state.drained();
  }

  broken(error: unknown): void {
    this.#failed = true;
    this.#log('info', 'client sent what is no RTMP', { err: error });
    this.#transport.destroy();
  }

  received(message: RtmpMessage): void {
    const state = this.#state;
    if (state.kind === 'leaving') return;
    if (message.type === MessageType.commandAmf0 || message.type === MessageType.commandAmf3) {
      return this.#command(parseClientCommand(message));
    }
    this.#media(message);
  }

  #media(message: RtmpMessage): void {
    const state = this.#state;
    if (state.kind !== 'publishing' && isMediaType(message.type)) return;
    const fault = state.kind === 'publishing' ? state.take(message) : `a message of type ${message.type}`;
    if (fault !== undefined) this.odd(fault);
    // Each message within is work of its own.
    if (message.type === MessageType.aggregate && state.kind === 'publishing') {
      this.#transport.spend(state.takenAtOnce * Cost.message);
    }
  }

  /** What cannot be used is passed over; who looks for the reason finds the first one in the log. */
  odd(reason: string): void {
    this.#gateway.clients.oddMessages++;
    if (this.#oddMessages++ > 0) return;
    this.#log('info', 'message passed over: it cannot be used (later ones of this client are counted only)', {
      reason,
    });
  }

  #command(command: ClientCommand): void {
    switch (command.kind) {
      case 'connect':
        return this.#await(this.#connect(command));
      case 'createStream':
        return this.#transport.send(streamCreated(command.transactionId, this.#streams.create()));
      case 'play':
      case 'publish':
        return this.#begin(command);
      case 'FCUnpublish':
        return this.#unpublish(command);
      case 'deleteStream':
        return this.#close(command.deletedStreamId);
      case 'closeStream':
        return this.#close(command.streamId);
      case 'data':
        return this.#media(command.message);
      case 'unusable':
        return this.odd(command.reason);
      default:
        return this.#transport.send(replyToAside(command));
    }
  }

  /** Plays or publishes; a second stream beside the first is refused, and the first goes on. */
  #begin(command: BeginCommand): void {
    const { kind, streamName } = command;
    const isSame = (admitted: Admitted): boolean => this.#admission.isSame(admitted, streamName);
    const request = readRequest(command, this.#state, isSame);
    switch (request.kind) {
      case 'early':
        return this.odd(`${kind} before connect`);
      case 'new': {
        const { streamId } = request;
        return this.#await(kind === 'play' ? this.#play(streamId, streamName) : this.#publish(streamId, streamName));
      }
      case 'again':
        return this.#transport.send(
          kind === 'play' ? playStarted(request.streamId) : publishAccepted(request.streamId),
        );
      case 'refused': {
        const { streamId, reason } = request;
        this.#log('info', 'second stream refused', { kind, reason });
        return this.#transport.send(
          kind === 'play'
            ? playFailed(streamId, 'NetStream.Play.Failed', reason)
            : publishRefused(streamId, 'NetStream.Publish.Failed', reason),
        );
      }
    }
  }

  #unpublish({ transactionId, streamName }: { readonly transactionId: number; readonly streamName: string }): void {
    const state = this.#state;
    const isOurs =
      state.kind !== 'playing' &&
      (state.kind !== 'publishing' || streamName === '' || this.#admission.isSame(state.admitted, streamName));
    if (!isOurs) return this.#transport.send(acknowledged(transactionId));
    const streamId = state.kind === 'publishing' ? state.streamId : firstStreamId;
    this.#transport.send(unpublishAccepted(streamId, transactionId));
    this.#stop();
  }

  /** The client closes one of its message streams; what another one plays or publishes goes on. */
  #close(streamId: number): void {
    this.#streams.free(streamIdOf(streamId));
    const state = this.#state;
    if (state.kind !== 'playing' && state.kind !== 'publishing') return;
    if (streamId === 0 || streamId === state.streamId) this.#stop();
  }

  /** Keeps back what comes behind a command until its answer has been found; the time does not count against it. */
  #await(answer: Promise<void>): void {
    const goOn = this.#nextStep.pause();
    this.#place.progressed();
    this.#transport.hold();
    answer
      .catch((error: unknown) => this.#commandFailed(error))
      .finally(() => {
        goOn();
        const { kind } = this.#state;
        const { clientTimeoutMs } = this.#gateway.config.edge;
        if (kind === 'connecting' || kind === 'connected') this.#nextStep.expectRequest(clientTimeoutMs);
        this.#transport.release();
      });
  }

  #commandFailed(error: unknown): void {
    this.#failed = true;
    this.#log('error', 'client command failed', { err: error });
    this.#transport.destroy();
  }

  async #connect(command: ConnectCommand): Promise<void> {
    if (this.#state.kind !== 'connecting') return this.odd('a second connect');
    const { args } = command;
    const tcUrl = command.tcUrl.slice(0, loggedUrlMaxLength);
    try {
      const connected = await this.#admission.connect(command);
      if (connected === undefined) return;
      const { vhost } = connected;
      if (vhost.inAckSize > 0) this.#transport.ackWindowBytes = vhost.inAckSize;
      this.#state = { kind: 'connected', connected };
      this.#place.progressed();
      this.#transport.send(connectAccepted(command, vhost, this.#gateway.serverId, this.id));
      this.#transport.chunkSize = vhost.chunkSize;
      this.#log('info', 'client connected', { ip: this.ip, tcUrl, upnode: identityOf(args[0]) });
    } catch (error) {
      const { code, message } = toRefusal(error, 'NetConnection.Connect.Rejected');
      this.#refuse({ ip: this.ip, tcUrl, code, reason: message }, [errorResult(command.transactionId, code, message)]);
    }
  }

  async #play(streamId: number, streamName: string): Promise<void> {
    try {
      const admitted = await this.#admit(streamName);
      if (admitted === undefined) return;
      const isGone = (): boolean => this.#isGone();
      const playing = await Playing.begin(streamId, admitted, this.#gateway, this.#transport, this, isGone);
      if (playing === undefined) return;
      this.#takePlace(playing, 'NetStream.Play.Failed');
      const { vhost, request } = admitted;
      this.#state = playing;
      this.#log('info', 'play', { param: request.param });
      playing.attach();
      if (this.#gateway.asksToReconnect) this.askToReconnect();
      // From here on bytes come in slices: only who asked for low latency must not wait for full segments.
      this.#transport.noDelay = vhost.tcpNodelay || vhost.minLatency;
    } catch (error) {
      const { code, message } = toRefusal(error, 'NetStream.Play.Failed');
      this.#refuse({ code, reason: message }, playFailed(streamId, code, message));
    }
  }

  async #publish(streamId: number, streamName: string): Promise<void> {
    try {
      const admitted = await this.#admit(streamName);
      if (admitted === undefined) return;
      this.#gone = new AbortController();
      const publishing = await Publishing.begin(streamId, admitted, this.#gateway, this.#gone.signal, (code, reason) =>
        this.#publicationEnded(streamId, code, reason),
      );
      if (publishing === undefined) return;
      this.#takePlace(publishing, 'NetStream.Publish.Failed');
      this.#transport.admitMedia();
      this.#state = publishing;
      this.#transport.send(publishAccepted(streamId));
      this.#log('info', 'publish', { param: admitted.request.param });
      if (this.#gateway.asksToReconnect) this.askToReconnect();
    } catch (error) {
      const { code, message } = toRefusal(error, 'NetStream.Publish.Failed');
      this.#refuse({ code, reason: message }, publishRefused(streamId, code, message));
    }
  }

  /** The stream that the client may play or publish. Undefined when it may ask for none now, or has gone meanwhile. */
  async #admit(streamName: string): Promise<Admitted | undefined> {
    if (this.#state.kind !== 'connected') return undefined;
    const admitted = await this.#admission.admit(this.#state.connected, streamName);
    if (admitted !== undefined) this.#state = { kind: 'connected', connected: admitted.connected };
    return admitted;
  }

  /** Whoever plays or publishes never has to make room for others. Throws a Refusal when there is no room left. */
  #takePlace(begun: Playing | Publishing, code: string): void {
    if (this.#place.admit()) return;
    begun.leave();
    throw new Refusal(code, 'this edge has all clients it may have', 503);
  }

  #publicationEnded(streamId: number, code: string, reason: string): void {
    if (this.#isGone()) return;
    this.#failed = true;
    this.#log('warn', 'publication ended', { code, reason });
    this.#transport.send(publishRefused(streamId, code, reason));
    this.#hangUp();
  }

  #refuse(fields: object, farewell: readonly RtmpMessage[]): void {
    if (this.#isGone()) return;
    this.#failed = true;
    this.#log('info', 'client refused', fields);
    this.#transport.send(farewell);
    this.#hangUp();
  }

  /** Stops playing or publishing; the client may play or publish again on the same connection. */
  #stop(): void {
    const state = this.#state;
    if (state.kind !== 'playing' && state.kind !== 'publishing') return;
    state.leave();
    this.#place.dismiss();
    this.#state = { kind: 'connected', connected: state.admitted.connected };
    this.#nextStep.beginAgain(this.#gateway.config.edge.clientTimeoutMs);
  }

  closed(error: Error | undefined): void {
    const state = this.#state;
    if (state.kind === 'closed') return;
    // A client that left without a word was a probe, of a load balancer or of an edge behind this one.
    const probe = state.kind === 'connecting' && error === undefined && !this.#failed;
    this.#log(probe ? 'debug' : 'info', 'client gone', {
      reason: error?.message,
      bytesSent: this.bytesSent,
      bytesReceived: this.bytesReceived,
      ...(this.#oddMessages > 0 && { oddMessages: this.#oddMessages }),
    });
    if (state.kind === 'playing' || state.kind === 'publishing') state.leave();
    this.#state = { kind: 'closed' };
    this.#nextStep.stop();
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

  /** Ends the connection after what was sent has gone. */
  #hangUp(): void {
    const state = this.#state;
    if (this.#isGone()) return;
    if (state.kind === 'playing' || state.kind === 'publishing') state.leave();
    this.#place.dismiss();
    this.#state = { kind: 'leaving', connected: connectedOf(state) };
    this.#nextStep.stop();
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

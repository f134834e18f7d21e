/**
 * One RTMP client, player or publisher, from its connect to its goodbye (RTMP 1.0 §7.2; Enhanced RTMP v2).
 */

import type { Socket } from 'node:net';
import type { Place } from '../../budget/connections.ts';
import { Cost } from '../../budget/work.ts';
import { parseClientCommand, reconnectRequest } from '../../rtmp/command.ts';
import { CapsEx } from '../../rtmp/enhanced.ts';
import { isMediaType } from '../../rtmp/media-messages.ts';
import { MessageType, type RtmpMessage } from '../../rtmp/message.ts';
import type { ClientProtocol, Refusal } from '../../stream/request.ts';
import { type Client, isFromEdge, isGoodbye, newClientId, streamOf } from '../clients.ts';
import { addressOf, placeOf } from '../gate.ts';
import type { Gateway } from '../gateway.ts';
import type { WriteWatch } from '../write-watch.ts';
import { NextStep } from './next-step.ts';
import { playEnded, playFailed, publishRefused } from './replies.ts';
import { type RequestingClient, Requests, type RtmpRefusal } from './requests.ts';
import { admittedOf, connectedOf, type State } from './state.ts';
import { RtmpTransport, type TransportOwner } from './transport.ts';

export class RtmpSession implements RequestingClient, TransportOwner {
  readonly id: string = newClientId();
  readonly protocol: ClientProtocol;
  readonly ip: string;
  readonly connectedAtMs: number = performance.now();
  readonly #place: Place;
  readonly #transport: RtmpTransport;
  readonly #gateway: Gateway;
  readonly #ended: (session: RtmpSession) => void;
  readonly #requests: Requests;
  state: State = { kind: 'connecting' };
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
    const { handshakeTimeoutMs, keepaliveMs } = gateway.config.edge;
    this.#transport = new RtmpTransport(socket, this, gateway.budget, this.#place, keepaliveMs);
    this.#requests = new Requests({
      client: this,
      gateway,
      transport: this.#transport,
      place: this.#place,
      nextStep: this.#nextStep,
    });
    gateway.clients.add(this);
    const { outbox } = this.#transport;
    watch.add(outbox, () => this.#writeTimeoutMs);
    socket.once('close', () => watch.remove(outbox));
    this.#nextStep.expectHandshake(handshakeTimeoutMs);
  }

  get role(): Client['role'] {
    return this.state.kind === 'playing' ? 'play' : this.state.kind === 'publishing' ? 'publish' : 'connecting';
  }

  get request(): Client['request'] {
    return admittedOf(this.state)?.request ?? connectedOf(this.state)?.request;
  }

  get isEdge(): boolean {
    const { request } = this;
    return request !== undefined && isFromEdge(request);
  }

  get bytesReceived(): number {
    return this.#transport.bytesReceived;
  }

  get bytesSent(): number {
    return this.#transport.bytesSent;
  }

  get droppedGops(): number {
    return this.state.kind === 'playing' ? this.state.droppedGops : 0;
  }

  get canReconnect(): boolean {
    const connected = admittedOf(this.state)?.connected;
    return connected !== undefined && (connected.capsEx & CapsEx.reconnect) !== 0;
  }

  askToReconnect(why: string): void {
    this.#transport.send([reconnectRequest({ description: why })]);
    this.log('info', 'client asked to reconnect', { reason: why });
  }

  leaveAtKeyframe(reason: string): void {
    if (this.state.kind === 'playing') this.state.atKeyframe(() => this.disconnect(reason));
    else this.disconnect(reason);
  }

  get pendingBytes(): number {
    return this.#transport.outbox.pendingBytes;
  }

  /** The shared bytes of a slice. */
  write(bytes: Buffer): boolean {
    return this.#transport.write(bytes);
  }

  writeParts(parts: readonly Buffer[]): boolean {
    return this.#transport.writeParts(parts);
  }

  end(reason: string, refusal?: Refusal): void {
    this.#failed = true;
    if (refusal === undefined || this.state.kind !== 'playing') return this.disconnect(reason);
    this.refuse({ code: refusal.code, reason }, playFailed(this.state.streamId, refusal.code, reason));
  }

  disconnect(reason: string): void {
    if (this.isGone) return;
    this.log('info', 'client disconnected', { reason });
    if (this.state.kind === 'playing') this.#transport.send(playEnded(this.state.streamId, reason));
    if (this.state.kind === 'publishing')
      this.#transport.send(publishRefused(this.state.streamId, 'NetStream.Publish.Failed', reason));
    this.#hangUp();
  }

  /** Called about once a second: ends clients that do not get on. @param nowMs of `awakeNow` */
  tick(nowMs: number): void {
    const state = this.state;
    if (state.kind !== 'publishing') return;
    const overdue = state.overdue(nowMs);
    if (overdue !== undefined) return this.#timedOut(overdue);
    const unwanted = state.unwanted(this.bytesReceived, nowMs);
    if (unwanted !== undefined) this.publicationEnded(state.streamId, 'NetStream.Publish.Rejected', unwanted);
  }

  #timedOut(reason: string): void {
    this.#failed = true;
    this.log('info', 'client timed out', { reason });
    this.#gateway.budget.connections.count('timeout');
    this.#transport.destroy();
  }

  shaken(): void {
    this.#place.progressed();
    this.#nextStep.expectRequest(this.#gateway.config.edge.clientTimeoutMs);
  }

  get #writeTimeoutMs(): number {
    return admittedOf(this.state)?.vhost.edge.writeTimeoutMs ?? this.#gateway.config.edge.clientTimeoutMs;
  }

  readEnd(): void {
    const state = this.state;
    if (state.kind !== 'publishing') return;
    state.flush();
    if (state.readRestMs > 0) this.#transport.rest(state.readRestMs);
  }

  drained(): void {
    if (this.state.kind === 'playing') this.state.drained();
  }

  broken(error: unknown): void {
    this.#failed = true;
    this.log('info', 'client sent what is no RTMP', { err: error });
    this.#transport.destroy();
  }

  received(message: RtmpMessage): void {
    const state = this.state;
    if (state.kind === 'leaving') return;
    if (message.type === MessageType.commandAmf0 || message.type === MessageType.commandAmf3) {
      return this.#requests.handle(parseClientCommand(message));
    }
    this.media(message);
  }

  media(message: RtmpMessage): void {
    const state = this.state;
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
    this.log('info', 'message passed over: it cannot be used (later ones of this client are counted only)', {
      reason,
    });
  }

  failed(error: unknown): void {
    this.#failed = true;
    this.log('error', 'client command failed', { err: error });
    this.#transport.destroy();
  }

  publicationEnded(streamId: number, code: string, reason: string): void {
    if (this.isGone) return;
    this.#failed = true;
    this.log('warn', 'publication ended', { code, reason });
    this.#transport.send(publishRefused(streamId, code, reason));
    this.#hangUp();
  }

  refuse(refusal: RtmpRefusal, farewell: readonly RtmpMessage[], stream?: string): void {
    if (this.isGone) return;
    this.#failed = true;
    const name = streamOf(this);
    const { reason } = refusal;
    this.#gateway.clients.refuse({ ip: this.ip, name: { ...name, stream: stream ?? name.stream }, reason });
    this.log('info', 'client refused', refusal);
    this.#transport.send(farewell);
    this.#hangUp();
  }

  closed(error: Error | undefined): void {
    const state = this.state;
    if (state.kind === 'closed') return;
    // A client that left without a word was a probe, of a load balancer or of an edge behind this one.
    const probe = state.kind === 'connecting' && error === undefined && !this.#failed;
    this.log(probe ? 'debug' : 'info', 'client gone', {
      reason: error?.message,
      bytesSent: this.bytesSent,
      bytesReceived: this.bytesReceived,
      ...(this.#oddMessages > 0 && { oddMessages: this.#oddMessages }),
    });
    if (state.kind === 'playing' || state.kind === 'publishing') state.leave();
    // While it can still be told what it played.
    const failed = this.#failed || (error !== undefined && !isGoodbye(error));
    this.#gateway.clients.remove(this, failed);
    this.state = { kind: 'closed' };
    this.#nextStep.stop();
    this.#requests.end();
    this.#ended(this);
  }

  /** The state may have changed while an answer was awaited. */
  get isGone(): boolean {
    return this.state.kind === 'closed' || this.state.kind === 'leaving';
  }

  /** Ends the connection after what was sent has gone. */
  #hangUp(): void {
    const state = this.state;
    if (this.isGone) return;
    if (state.kind === 'playing' || state.kind === 'publishing') state.leave();
    this.#place.dismiss();
    this.state = { kind: 'leaving', connected: connectedOf(state) };
    this.#nextStep.stop();
    this.#requests.abandon();
    this.#transport.hangUp();
  }

  log(level: 'debug' | 'info' | 'warn' | 'error', event: string, fields: object = {}): void {
    const { request } = this;
    const parts = request === undefined ? [] : [request.vhost, request.app, request.stream];
    const name = request === undefined ? {} : { stream: parts.filter((part) => part !== undefined).join('/') };
    this.#gateway.log[level]({ client: this.id, ...name, ...fields }, event);
  }
}

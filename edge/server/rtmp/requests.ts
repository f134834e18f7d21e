/**
 * What a client asks for, command by command: connect, createStream, play, publish, and the end of each. While the answer
 * to one is being found (callbacks, origins), what comes behind it is kept back.
 */

import { withoutTokens } from '../../access/tokens.ts';
import type { Place } from '../../budget/connections.ts';
import { type ClientCommand, type ConnectCommand, errorResult, type PlayingCommand } from '../../rtmp/command.ts';
import { identityOf } from '../../rtmp/identity.ts';
import type { RtmpMessage } from '../../rtmp/message.ts';
import type { PlayerSink } from '../../stream/player-sink.ts';
import type { PublicationEvents } from '../../stream/publication.ts';
import { Refusal } from '../../stream/request.ts';
import { firstStreamId, streamIdOf } from '../../stream/rtmp-stream-ids.ts';
import type { Client } from '../clients.ts';
import type { Gateway } from '../gateway.ts';
import { Admission, type Admitted, toRefusal } from './admission.ts';
import { type BeginCommand, MessageStreams, readRequest } from './message-streams.ts';
import type { NextStep } from './next-step.ts';
import { Playing } from './playing.ts';
import { Publishing } from './publishing.ts';
import {
  acknowledged,
  adjusted,
  connectAccepted,
  playFailed,
  playStarted,
  publishAccepted,
  publishRefused,
  replyToAside,
  streamCreated,
  unpublishAccepted,
} from './replies.ts';
import type { State } from './state.ts';
import type { RtmpTransport } from './transport.ts';

/** Characters of a URL in a log line; of its parameters there may be thousands. */
const loggedUrlMaxLength = 512;

/** What is logged of a refusal. */
export interface RtmpRefusal {
  readonly code: string;
  readonly reason: string;
  readonly ip?: string;
  readonly tcUrl?: string;
}

/** The client, as its requests see it. */
export interface RequestingClient extends Client, PlayerSink {
  state: State;
  /** It has left, or was told goodbye: the answer to a request may come later. */
  readonly isGone: boolean;
  /** Audio, video or data that came as a command. */
  media(message: RtmpMessage): void;
  /** A message that could not be used. */
  odd(reason: string): void;
  /** The client must go, and is told why. @param stream what it wanted, without parameters, if that is known */
  refuse(refusal: RtmpRefusal, farewell: readonly RtmpMessage[], stream?: string): void;
  /** Its publication has ended for a reason beyond the client. */
  publicationEnded(streamId: number, code: string, reason: string): void;
  /** A fault of ours. */
  failed(error: unknown): void;
  log(level: 'info', event: string, fields: object): void;
}

export interface RequestsOptions {
  readonly client: RequestingClient;
  readonly gateway: Gateway;
  readonly transport: RtmpTransport;
  readonly place: Place;
  readonly nextStep: NextStep;
}

export class Requests {
  readonly #client: RequestingClient;
  readonly #gateway: Gateway;
  readonly #transport: RtmpTransport;
  readonly #place: Place;
  readonly #nextStep: NextStep;
  readonly #admission: Admission;
  readonly #streams = new MessageStreams();
  /** Of a publisher that waits for an origin. */
  #gone: AbortController | undefined;

  constructor({ client, gateway, transport, place, nextStep }: RequestsOptions) {
    this.#client = client;
    this.#gateway = gateway;
    this.#transport = transport;
    this.#place = place;
    this.#nextStep = nextStep;
    this.#admission = new Admission(gateway, client, () => client.isGone);
  }

  /** The client is gone, or on its way: nobody waits for an answer any more. */
  abandon(): void {
    this.#gone?.abort();
  }

  /** The client is gone. */
  end(): void {
    this.abandon();
    this.#admission.end();
  }

  /** Does what the client asks for, or refuses it. */
  handle(command: ClientCommand): void {
    switch (command.kind) {
      case 'connect':
        return this.#await(this.#connect(command));
      case 'createStream':
        return this.#transport.send(streamCreated(command.transactionId, this.#streams.create()));
      case 'play':
      case 'publish':
        return this.#begin(command);
      case 'pause':
      case 'receiveAudio':
      case 'receiveVideo':
        return this.#adjust(command);
      case 'FCUnpublish':
        return this.#unpublish(command);
      case 'deleteStream':
        return this.#close(command.deletedStreamId);
      case 'closeStream':
        return this.#close(command.streamId);
      case 'data':
        return this.#client.media(command.message);
      case 'unusable':
        return this.#client.odd(command.reason);
      default:
        return this.#transport.send(replyToAside(command));
    }
  }

  /** Plays or publishes; a second stream beside the first is refused, and the first goes on. */
  #begin(command: BeginCommand): void {
    const { kind, streamName } = command;
    const isSame = (admitted: Admitted): boolean => this.#admission.isSame(admitted, streamName);
    const request = readRequest(command, this.#client.state, isSame);
    switch (request.kind) {
      case 'early':
        return this.#client.odd(`${kind} before connect`);
      case 'new': {
        const { streamId } = request;
        return this.#await(kind === 'play' ? this.#play(streamId, streamName) : this.#publish(streamId, streamName));
      }
      case 'again':
        return this.#transport.send(
          kind === 'play' ? playStarted(request.streamId, request.asked) : publishAccepted(request.streamId),
        );
      case 'refused': {
        const { streamId, reason } = request;
        this.#client.log('info', 'second stream refused', { kind, reason });
        return this.#transport.send(
          kind === 'play'
            ? playFailed(streamId, 'NetStream.Play.Failed', reason)
            : publishRefused(streamId, 'NetStream.Publish.Failed', reason),
        );
      }
    }
  }

  /** The client is told before the stream goes on. Who plays nothing must not take the answer for that to `play`. */
  #adjust(command: PlayingCommand): void {
    const { state } = this.#client;
    const isPlaying = state.kind === 'playing' && state.streamId === streamIdOf(command.streamId);
    const isAnswered = isPlaying || command.kind === 'pause';
    this.#transport.send(isAnswered ? adjusted(command) : acknowledged(command.transactionId));
    if (isPlaying) state.adjust(command);
  }

  #unpublish({ transactionId, streamName }: { readonly transactionId: number; readonly streamName: string }): void {
    const state = this.#client.state;
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
    const state = this.#client.state;
    if (state.kind !== 'playing' && state.kind !== 'publishing') return;
    if (streamId === 0 || streamId === state.streamId) this.#stop();
  }

  /** Keeps back what comes behind a command until its answer has been found; the time does not count against it. */
  #await(answer: Promise<void>): void {
    const goOn = this.#nextStep.pause();
    this.#place.progressed();
    this.#transport.hold();
    answer
      .catch((error: unknown) => this.#client.failed(error))
      .finally(() => {
        goOn();
        const { kind } = this.#client.state;
        const { clientTimeoutMs } = this.#gateway.config.edge;
        if (kind === 'connecting' || kind === 'connected') this.#nextStep.expectRequest(clientTimeoutMs);
        this.#transport.release();
      });
  }

  async #connect(command: ConnectCommand): Promise<void> {
    if (this.#client.state.kind !== 'connecting') return this.#client.odd('a second connect');
    const { args } = command;
    const tcUrl = withoutTokens(command.tcUrl.slice(0, loggedUrlMaxLength));
    try {
      const connected = await this.#admission.connect(command);
      if (connected === undefined) return;
      const { vhost } = connected;
      if (vhost.inAckSize > 0) this.#transport.ackWindowBytes = vhost.inAckSize;
      this.#client.state = { kind: 'connected', connected };
      this.#place.progressed();
      this.#transport.send(connectAccepted(command, vhost, this.#gateway.serverId, this.#client.id));
      this.#transport.chunkSize = vhost.chunkSize;
      this.#client.log('info', 'client connected', { ip: this.#client.ip, tcUrl, upnode: identityOf(args[0]) });
    } catch (error) {
      const { code, message } = toRefusal(error, 'NetConnection.Connect.Rejected');
      this.#client.refuse({ ip: this.#client.ip, tcUrl, code, reason: message }, [
        errorResult(command.transactionId, code, message),
      ]);
    }
  }

  async #play(streamId: number, streamName: string): Promise<void> {
    try {
      const admitted = await this.#admit(streamName);
      if (admitted === undefined) return;
      const isGone = (): boolean => this.#client.isGone;
      const playing = await Playing.begin(streamId, admitted, this.#gateway, this.#transport, this.#client, isGone);
      if (playing === undefined) return;
      this.#takePlace(playing, 'NetStream.Play.Failed');
      const { vhost, request } = admitted;
      this.#client.state = playing;
      this.#client.log('info', 'play', { param: withoutTokens(request.param) });
      playing.attach();
      // From here on bytes come in slices: only who asked for low latency must not wait for full segments.
      this.#transport.noDelay = vhost.tcpNodelay || vhost.minLatency;
    } catch (error) {
      const { code, message } = toRefusal(error, 'NetStream.Play.Failed');
      this.#client.refuse({ code, reason: message }, playFailed(streamId, code, message), streamName.split('?')[0]);
    }
  }

  async #publish(streamId: number, streamName: string): Promise<void> {
    try {
      const admitted = await this.#admit(streamName);
      if (admitted === undefined) return;
      this.#gone = new AbortController();
      const bytesReceived = (): number => this.#client.bytesReceived;
      const events: PublicationEvents = {
        gone: this.#gone.signal,
        ended: (code, reason) => this.#client.publicationEnded(streamId, code, reason),
        silentMs: () => this.#silentMs,
      };
      const publishing = await Publishing.begin(streamId, admitted, this.#gateway, bytesReceived, events);
      if (publishing === undefined) return;
      this.#takePlace(publishing, 'NetStream.Publish.Failed');
      this.#transport.admitMedia();
      this.#client.state = publishing;
      this.#transport.send(publishAccepted(streamId));
      this.#client.log('info', 'publish', { param: withoutTokens(admitted.request.param) });
    } catch (error) {
      const { code, message } = toRefusal(error, 'NetStream.Publish.Failed');
      this.#client.refuse({ code, reason: message }, publishRefused(streamId, code, message), streamName.split('?')[0]);
    }
  }

  /** For how long a publisher has sent no media; it is not silent while it waits for us. */
  get #silentMs(): number {
    const { state } = this.#client;
    return state.kind === 'publishing' ? state.silentMs(this.#transport.heardMs) : 0;
  }

  /** The stream that the client may play or publish. Undefined when it may ask for none now, or has gone meanwhile. */
  async #admit(streamName: string): Promise<Admitted | undefined> {
    if (this.#client.state.kind !== 'connected') return undefined;
    return await this.#admission.admit(this.#client.state.connected, streamName);
  }

  /** Whoever plays or publishes never has to make room for others. Throws a Refusal when there is no room left. */
  #takePlace(begun: Playing | Publishing, code: string): void {
    if (this.#place.admit()) return;
    begun.leave();
    throw new Refusal(code, 'this edge has all clients it may have', 503);
  }

  /** Stops playing or publishing; the client may play or publish again on the same connection. */
  #stop(): void {
    const state = this.#client.state;
    if (state.kind !== 'playing' && state.kind !== 'publishing') return;
    state.leave();
    this.#place.dismiss();
    this.#client.state = { kind: 'connected', connected: state.admitted.connected };
    this.#nextStep.beginAgain(this.#gateway.config.edge.clientTimeoutMs);
  }
}

/**
 * The client side of RTMP (RTMP 1.0 §5.2, §7.2): one connection to an origin, to play or to publish one stream.
 */

import type { Socket } from 'node:net';
import { Outbox } from '../budget/outbox.ts';
import { type PausedReaders, ReadGate, Wait } from '../budget/readers.ts';
import type { OriginAddress } from '../conf/model.ts';
import { AckWindow } from '../rtmp/acknowledgement.ts';
import { type AmfObject, type AmfValue, isAmfObject } from '../rtmp/amf0.ts';
import { ChunkReader } from '../rtmp/chunk-reader.ts';
import { ChunkStreamId, encodeMessage } from '../rtmp/chunk-writer.ts';
import { buildCommand, parseServerCommand, redirectOf, type ServerCommand, statusOf } from '../rtmp/command.ts';
import {
  acknowledgement,
  type ControlMessage,
  parseControl,
  pingRequest,
  pingResponse,
  setBufferLength,
  setChunkSize,
  windowAckSize,
} from '../rtmp/control.ts';
import { ClientHandshake } from '../rtmp/handshake.ts';
import { identityOf, type ServerIdentity } from '../rtmp/identity.ts';
import { eachMediaMessage } from '../rtmp/media-messages.ts';
import { MessageType, type RtmpMessage } from '../rtmp/message.ts';
import { awakeNow } from '../time/awake.ts';
import { Deadline } from '../time/deadline.ts';
import { originName } from './address.ts';
import { toUpstreamError, UpstreamError } from './errors.ts';
import { openSocket, type SocketOptions } from './socket.ts';

/** What is asked of the origin. */
export interface UpstreamRequest {
  readonly app: string;
  readonly tcUrl: string;
  /** Stream name with parameters. */
  readonly stream: string;
  readonly pageUrl: string;
  readonly swfUrl: string;
  /** Properties that go into the connect object beside the usual ones. */
  readonly extra: AmfObject;
  /** Further arguments of connect: SRS's debug information, or what the client sent. */
  readonly args: readonly AmfValue[];
}

export interface ClientOptions extends SocketOptions {
  /** Handshake and commands together. */
  readonly requestTimeoutMs: number;
  /** Chunk size that we send with. */
  readonly chunkSize: number;
  /** Told of each message that could not be used. */
  readonly odd: (origin: string, reason: string, isFirst: boolean) => void;
  /** Counts origins that are not read, because they do not read our answers. */
  readonly paused: PausedReaders;
}

export interface ClientHandlers {
  /** Audio, video and data of the stream. */
  media(message: RtmpMessage): void;
  /** All messages of one read have been given. */
  readEnd(): void;
  /** The origin says something about the stream, e.g. `NetStream.Play.UnpublishNotify`. */
  status(code: string, description: string): void;
  /** The connection is over; called once, and not for `destroy()`. */
  closed(error: UpstreamError): void;
}

const windowBytes = 2_500_000;
/** What players tell a server to buffer: servers with a queue of their own read it. */
const playBufferMs = 3_000;
const commandStreamId = 0;
/** The message stream that origins give first, as a rule: for those that do not say which. */
const usualStreamId = 1;
/** Answers to pings that the origin has not read; with more it is not read any further. */
const unreadAnswersMaxBytes = 4 * 1024;

type Reply = { readonly ok: true; readonly values: AmfValue[] } | { readonly ok: false; readonly error: UpstreamError };

export class RtmpClient {
  readonly origin: string;
  /** What an SRS origin tells of itself with the connect result. */
  serverIdentity: ServerIdentity | undefined;
  /** Whether it has ever answered a ping of ours: then silence means something. */
  answersPings = false;
  /** Local monotonic time of the last byte received. */
  lastReceivedMs: number = performance.now();
  /** The same on the clock of `awakeNow`. */
  heardMs: number = awakeNow();
  /** The message stream that the origin gave us. */
  streamId = 0;
  readonly #socket: Socket;
  readonly #options: ClientOptions;
  readonly #handlers: ClientHandlers;
  readonly #handshake = new ClientHandshake();
  readonly #reader = new ChunkReader();
  readonly #ack = new AckWindow();
  readonly #replies = new Map<number, (reply: Reply) => void>();
  #shaken: ((reply: Reply) => void) | undefined;
  #onStatus: ((reply: Reply, code: string) => void) | undefined;
  #handshakeDone = false;
  /** Replies that somebody waits for: all fail when the connection does. */
  readonly #waiting = new Set<(reply: Reply) => void>();
  #failure: UpstreamError | undefined;
  #transactionId = 0;
  /** Messages that could not be used. */
  #oddMessages = 0;
  #outChunkSize = 128;
  readonly #gate: ReadGate;
  readonly #outbox: Outbox;
  #unreadAnswerBytes = 0;
  /** To the pings of the present read. */
  readonly #answers: Buffer[] = [];
  #over = false;
  #cause: Error | undefined;

  private constructor(origin: string, socket: Socket, options: ClientOptions, handlers: ClientHandlers) {
    this.origin = origin;
    this.#socket = socket;
    this.#options = options;
    this.#handlers = handlers;
    this.#gate = new ReadGate(socket, options.paused);
    this.#outbox = new Outbox(socket, () => this.#drained());
    socket.on('data', (bytes: Buffer) => this.#received(bytes));
    socket.on('error', (error) => {
      this.#cause = error;
    });
    socket.on('close', () => {
      const cause = this.#cause;
      if (cause === undefined) this.#end(new UpstreamError('broken', 'closed the connection', { origin }));
      else this.#end(toUpstreamError(cause, 'broken', origin));
    });
  }

  /** Connects and shakes hands: what a probe of an origin's health needs, too. */
  static async open(
    address: OriginAddress,
    options: ClientOptions,
    handlers: ClientHandlers,
    signal: AbortSignal,
  ): Promise<RtmpClient> {
    const socket = await openSocket(address, options, signal);
    const client = new RtmpClient(originName(address), socket, options, handlers);
    await client.#within(signal, async () => {
      client.write(client.#handshake.start());
      await client.#reply((done) => {
        client.#shaken = done;
      });
    });
    return client;
  }

  /** Sends `connect`. Throws `rejected` or `redirected` with the origin's words. */
  async connect(request: UpstreamRequest, signal: AbortSignal): Promise<void> {
    await this.#within(signal, async () => {
      const { app, tcUrl, pageUrl, swfUrl } = request;
      const reply = this.#call('connect', [
        {
          app,
          flashVer: 'LNX 10,0,32,18',
          swfUrl,
          tcUrl,
          fpad: false,
          capabilities: 239,
          audioCodecs: 3575,
          videoCodecs: 252,
          videoFunction: 1,
          pageUrl,
          objectEncoding: 0,
          ...request.extra,
        },
        ...request.args,
      ]);
      this.#send(windowAckSize(windowBytes));
      this.#send(setChunkSize(this.#options.chunkSize));
      this.#outChunkSize = this.#options.chunkSize;
      const [, info] = await reply;
      this.serverIdentity = isAmfObject(info) ? identityOf(info.data) : undefined;
      // Learns whether silence of this origin will mean anything.
      this.ping();
    });
  }

  /** Asks for the stream; media follows at once or whenever somebody publishes it. */
  async play(stream: string, signal: AbortSignal): Promise<void> {
    await this.#within(signal, async () => {
      await this.#createStream();
      // Not awaited: some servers send media without a word, others wait for the publisher with theirs.
      this.#command('play', [null, stream, -2000]);
      this.#send(setBufferLength(this.streamId, playBufferMs));
    });
  }

  /** Publishes the stream; returns when the origin has accepted. */
  async publish(stream: string, signal: AbortSignal): Promise<void> {
    await this.#within(signal, async () => {
      this.#command('releaseStream', [null, stream], ++this.#transactionId, commandStreamId);
      this.#command('FCPublish', [null, stream], ++this.#transactionId, commandStreamId);
      await this.#createStream();
      const accepted = this.#reply((done) => {
        this.#onStatus = (reply, code) => {
          if (!reply.ok || code === 'NetStream.Publish.Start') done(reply);
        };
      });
      this.#command('publish', [null, stream, 'live']);
      await accepted;
      this.#onStatus = undefined;
    });
  }

  /** Says goodbye to a published stream, so that the origin frees its name at once, and closes. */
  unpublish(stream: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#command('FCUnpublish', [null, stream], ++this.#transactionId, commandStreamId);
    this.#command('deleteStream', [null, this.streamId], ++this.#transactionId, commandStreamId);
    this.#outbox.end();
    // The origin may not read on: the socket must not stay.
    setTimeout(() => this.#socket.destroy(), 1_000).unref();
  }

  /** Asks for a sign of life. */
  ping(): void {
    this.#send(pingRequest(Math.trunc(performance.now()) >>> 0));
  }

  /** Writes whole chunks, made with the chunk size of the options. */
  write(bytes: Buffer): void {
    this.#outbox.write(bytes);
  }

  /** Bytes written and not yet taken by the kernel. */
  get pendingBytes(): number {
    return this.#outbox.pendingBytes;
  }

  /** Bytes the kernel has taken. */
  get takenBytes(): number {
    return this.#outbox.takenBytes;
  }

  /** Ends the connection without telling the handlers. */
  destroy(): void {
    this.#over = true;
    this.#socket.destroy();
  }

  async #createStream(): Promise<void> {
    const [, id] = await this.#call('createStream', [null]);
    const isStreamId = typeof id === 'number' && Number.isInteger(id) && id > 0 && id <= 0xffffffff;
    this.streamId = isStreamId ? id : usualStreamId;
  }

  /** Runs one exchange under `requestTimeoutMs`; whatever fails ends the connection. */
  async #within(signal: AbortSignal, exchange: () => Promise<void>): Promise<void> {
    const { origin } = this;
    const { requestTimeoutMs } = this.#options;
    const onAbort = (): void => this.#fail(new UpstreamError('cancelled', 'cancelled', { origin }));
    const deadline = new Deadline(() => {
      const message = `no answer within request_timeout ${requestTimeoutMs} ms`;
      this.#fail(new UpstreamError('unanswered', message, { origin }));
    });
    deadline.start(requestTimeoutMs);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      if (signal.aborted) onAbort();
      await exchange();
    } catch (error) {
      this.destroy();
      throw toUpstreamError(error, 'protocol', origin);
    } finally {
      deadline.stop();
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** Waits for one reply of the origin. */
  #reply(arm: (done: (reply: Reply) => void) => void): Promise<AmfValue[]> {
    return new Promise((resolve, reject) => {
      const failed = this.#failure;
      if (failed !== undefined) return reject(failed);
      const settle = (reply: Reply): void => {
        this.#waiting.delete(settle);
        if (reply.ok) resolve(reply.values);
        else reject(reply.error);
      };
      this.#waiting.add(settle);
      arm(settle);
    });
  }

  #call(name: string, args: AmfValue[]): Promise<AmfValue[]> {
    const id = ++this.#transactionId;
    return this.#reply((done) => {
      this.#replies.set(id, done);
      this.#command(name, args, id, commandStreamId);
    });
  }

  #command(name: string, args: AmfValue[], transactionId = 0, streamId: number = this.streamId): void {
    const message = buildCommand(name, transactionId, args, streamId);
    this.write(encodeMessage(message, ChunkStreamId.command, this.#outChunkSize));
  }

  #send(message: RtmpMessage): void {
    this.write(encodeMessage(message, ChunkStreamId.control, this.#outChunkSize));
  }

  /** Answers the pings of one read in one write: an origin may send thousands of them at once. */
  #answerPings(): void {
    if (this.#answers.length === 0) return;
    const bytes = Buffer.concat(this.#answers);
    this.#answers.length = 0;
    this.#unreadAnswerBytes = this.#outbox.write(bytes) ? 0 : this.#unreadAnswerBytes + bytes.length;
    if (this.#unreadAnswerBytes > unreadAnswersMaxBytes) this.#gate.wait(Wait.answers);
  }

  #drained(): void {
    this.#unreadAnswerBytes = 0;
    this.#gate.done(Wait.answers);
  }

  #received(bytes: Buffer): void {
    this.lastReceivedMs = performance.now();
    this.heardMs = awakeNow();
    try {
      let chunks: Buffer | undefined = bytes;
      if (!this.#handshakeDone) {
        const { reply, rest, done } = this.#handshake.push(bytes);
        if (reply !== undefined) this.write(reply);
        if (!done) return;
        this.#handshakeDone = true;
        this.#shaken?.({ ok: true, values: [] });
        chunks = rest;
      }
      if (chunks === undefined || chunks.length === 0) return;
      this.#reader.push(chunks, this.#onMessage);
      this.#answerPings();
      const due = this.#ack.received(chunks.length);
      if (due !== undefined) this.#send(acknowledgement(due));
    } catch (error) {
      this.#fail(toUpstreamError(error, 'protocol', this.origin));
      return;
    }
    if (!this.#over) this.#handlers.readEnd();
  }

  readonly #onMessage = (message: RtmpMessage): void => {
    if (this.#over) return;
    const { type } = message;
    if (type === MessageType.commandAmf0 || type === MessageType.commandAmf3) {
      return this.#commanded(parseServerCommand(message));
    }
    if (type <= MessageType.setPeerBandwidth) return this.#controlled(parseControl(message));
    const fault = eachMediaMessage(message, this.#handlers.media);
    if (fault !== undefined) this.#odd(fault);
  };

  /** An origin that sends one odd message among good ones is none to leave: the message is passed over. */
  #odd(reason: string): void {
    this.#options.odd(this.origin, reason, this.#oddMessages++ === 0);
  }

  #controlled(control: ControlMessage): void {
    switch (control.kind) {
      case 'windowAckSize':
        this.#ack.windowBytes = control.windowBytes;
        break;
      case 'pingRequest':
        this.#answers.push(encodeMessage(pingResponse(control.timestamp), ChunkStreamId.control, this.#outChunkSize));
        break;
      case 'pingResponse':
        this.answersPings = true;
        break;
      case 'streamEof':
        this.#handlers.status('NetStream.Play.StreamEof', 'end of stream');
        break;
      case 'unusable':
        return this.#odd(control.reason);
      case 'other':
        return this.#odd(`a message of type ${control.type}`);
      default:
    }
  }

  #commanded(command: ServerCommand): void {
    switch (command.kind) {
      case 'result':
        return this.#answer(command.transactionId, { ok: true, values: [command.object, command.info] });
      case 'error':
        return this.#answer(command.transactionId, { ok: false, error: this.#refusal(command.info) });
      case 'onStatus': {
        const refused = command.level === 'error';
        const reply: Reply = refused
          ? { ok: false, error: this.#refusal(command.info) }
          : { ok: true, values: [command.info] };
        if (this.#onStatus !== undefined) this.#onStatus(reply, command.code);
        else if (!reply.ok) this.#fail(reply.error);
        if (reply.ok) this.#handlers.status(command.code, command.description);
        return;
      }
      case 'data':
        return this.#handlers.media(command.message);
      case 'unusable':
        return this.#odd(command.reason);
      default:
    }
  }

  #answer(transactionId: number, reply: Reply): void {
    // Without an id that can be read it is the answer to what was asked first: origins answer in order.
    const id = transactionId === 0 ? this.#replies.keys().next().value : transactionId;
    const done = id === undefined ? undefined : this.#replies.get(id);
    if (id !== undefined) this.#replies.delete(id);
    done?.(reply);
  }

  /** A refusal in the origin's own words; RTMP 302 as Adobe's and SRS's servers send it (`ex.redirect2`). */
  #refusal(info: AmfValue): UpstreamError {
    const { origin } = this;
    const status = statusOf(info);
    const code = status.code || 'NetConnection.Connect.Rejected';
    const location = redirectOf(info);
    if (location === undefined) return new UpstreamError('rejected', status.description || code, { origin, code });
    return new UpstreamError('redirected', `redirects to ${location}`, { origin, code, location });
  }

  #fail(error: UpstreamError): void {
    this.#end(error);
    this.#socket.destroy();
  }

  #end(error: UpstreamError): void {
    this.#failure ??= error;
    const waiting = [...this.#waiting];
    for (const settle of waiting) settle({ ok: false, error });
    if (this.#over) return;
    this.#over = true;
    // Who waits for a reply is told by it; else the handlers are.
    if (waiting.length === 0) this.#handlers.closed(error);
  }
}

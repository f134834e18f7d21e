/**
 * The client side of RTMP (RTMP 1.0 §5.2, §7.2): one connection to an origin, to play or to publish one stream.
 */

import type { Socket } from 'node:net';
import type { OriginAddress } from '../../conf/model.ts';
import { isAmfObject } from '../../rtmp/amf0.ts';
import { parseServerCommand, type ServerCommand } from '../../rtmp/command.ts';
import { setBufferLength, windowAckSize } from '../../rtmp/control.ts';
import { identityOf, type ServerIdentity } from '../../rtmp/identity.ts';
import { eachMediaMessage } from '../../rtmp/media-messages.ts';
import { MessageType, type RtmpMessage } from '../../rtmp/message.ts';
import { toUntimedFrame } from '../../stream/frame.ts';
import { awakeNow } from '../../time/awake.ts';
import { originName } from './address.ts';
import type { ClientOptions } from './client-options.ts';
import { Conversation } from './conversation.ts';
import { refusalOf, toUpstreamError, UpstreamError } from './errors.ts';
import type { PullClient, PullHandlers } from './pull-client.ts';
import type { Reply } from './replies.ts';
import type { UpstreamRequest } from './request.ts';
import { SharedReads } from './shared-reads.ts';
import { openSocket } from './socket.ts';
import type { Wire } from './wire.ts';

const windowBytes = 2_500_000;
/** What players tell a server to buffer: servers with a queue of their own read it. */
const playBufferMs = 3_000;
/** The message stream that origins give first, as a rule: for those that do not say which. */
const usualStreamId = 1;

export class RtmpClient implements PullClient {
  readonly origin: string;
  readonly hasAnswered = true;
  /** What an SRS origin tells of itself with the connect result. */
  serverIdentity: ServerIdentity | undefined;
  /** The message stream that the origin gave us. */
  streamId = 0;
  readonly #options: ClientOptions;
  readonly #handlers: PullHandlers;
  readonly #talk: Conversation;
  readonly #wire: Wire;
  /** Asked for and not answered yet: by media where it is `play`, as some say Play.Start before they ask. */
  #asked: { readonly what: 'connect' | 'play' | 'publish'; readonly sinceMs: number } | undefined;
  #onStatus: ((reply: Reply, code: string) => void) | undefined;
  /** Messages that could not be used. */
  #oddMessages = 0;

  private constructor(
    origin: string,
    socket: Socket,
    reads: SharedReads,
    options: ClientOptions,
    handlers: PullHandlers,
  ) {
    this.origin = origin;
    this.#options = options;
    this.#handlers = handlers;
    this.#talk = new Conversation(origin, socket, reads, options, {
      received: (message) => this.#received(message),
      readEnd: () => handlers.readEnd(),
      streamEof: () => handlers.status('NetStream.Play.StreamEof', 'end of stream'),
      odd: (reason) => this.#odd(reason),
      whyLate: (when) => this.#whyLate(when),
      whyClosed: (error) => this.#whyClosed(error),
      failed: (error) => handlers.closed(error),
    });
    this.#wire = this.#talk.wire;
  }

  /** Whether the origin has ever answered a ping of ours: then silence means something. */
  get answersPings(): boolean {
    return this.#wire.answersPings;
  }

  /** How long it took to answer the ping that it answered last, milliseconds. */
  get answerMs(): number {
    return this.#wire.answerMs;
  }

  /** Local monotonic time of the last byte received. */
  get lastReceivedMs(): number {
    return this.#wire.lastReceivedMs;
  }

  /** The same on the clock of `awakeNow`. */
  get heardMs(): number {
    return this.#wire.heardMs;
  }

  /** Connects and shakes hands: what a probe of an origin's health needs, too. */
  static async open(
    address: OriginAddress,
    options: ClientOptions,
    handlers: PullHandlers,
    signal: AbortSignal,
  ): Promise<RtmpClient> {
    const reads = new SharedReads();
    const socket = await openSocket(address, options, signal, { onread: reads.onread });
    const client = new RtmpClient(originName(address), socket, reads, options, handlers);
    await client.#talk.within(signal, () => client.#talk.shakeHands());
    return client;
  }

  /** Sends `connect`. Throws `rejected` or `redirected` with the origin's words. */
  async connect(request: UpstreamRequest, signal: AbortSignal): Promise<void> {
    await this.#talk.within(signal, async () => {
      const { app, tcUrl, pageUrl, swfUrl } = request;
      const reply = this.#talk.call('connect', [
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
      this.#asked = { what: 'connect', sinceMs: awakeNow() };
      this.#wire.sendControl(windowAckSize(windowBytes));
      this.#wire.announceChunkSize(this.#options.chunkSize);
      const [, info] = await reply;
      this.#asked = undefined;
      this.serverIdentity = isAmfObject(info) ? identityOf(info.data) : undefined;
      // Learns whether silence of this origin will mean anything.
      this.ping();
    });
  }

  async ask(request: UpstreamRequest, signal: AbortSignal): Promise<void> {
    await this.connect(request, signal);
    await this.play(request.stream, signal);
  }

  /** Asks for the stream; media follows at once or whenever somebody publishes it. */
  async play(stream: string, signal: AbortSignal): Promise<void> {
    await this.#talk.within(signal, async () => {
      await this.#createStream();
      // Not awaited: some servers send media without a word, others wait for the publisher with theirs.
      // Without a start, which would be "live" anyway: nginx-rtmp reads a negative one as a time far ahead.
      this.#talk.command('play', [null, stream], this.streamId);
      this.#asked = { what: 'play', sinceMs: awakeNow() };
      this.#wire.sendControl(setBufferLength(this.streamId, playBufferMs));
    });
    this.#talk.isAsked();
  }

  /**
   * Publishes the stream; returns when the origin has accepted. Nothing that names the stream goes before `publish`: SRS
   * makes a source at FCPublish, may sweep it away before `publish` comes, and delivers what is published to nobody.
   */
  async publish(stream: string, signal: AbortSignal): Promise<void> {
    await this.#talk.within(signal, async () => {
      await this.#createStream();
      const accepted = this.#talk.wait((settle) => {
        this.#onStatus = (reply, code) => {
          if (!reply.ok || code === 'NetStream.Publish.Start') settle(reply);
        };
      });
      this.#talk.command('publish', [null, stream, 'live'], this.streamId);
      this.#asked = { what: 'publish', sinceMs: awakeNow() };
      await accepted;
      this.#asked = undefined;
      this.#onStatus = undefined;
    });
    this.#talk.isAsked();
  }

  /** Says goodbye to a published stream, so that the origin frees its name at once, and closes. */
  unpublish(stream: string): void {
    if (this.#talk.isOver) return;
    this.#talk.tell('FCUnpublish', [null, stream]);
    this.#talk.tell('deleteStream', [null, this.streamId]);
    this.#talk.leave();
  }

  /** Asks for a sign of life. */
  ping(): void {
    this.#wire.ping();
  }

  /** Writes whole chunks, made with the chunk size of the options. */
  write(bytes: Buffer): void {
    this.#wire.write(bytes);
  }

  /** Bytes written and not yet taken by the kernel. */
  get pendingBytes(): number {
    return this.#wire.pendingBytes;
  }

  /** Bytes the kernel has taken. */
  get takenBytes(): number {
    return this.#wire.takenBytes;
  }

  /** Ends the connection without telling the handlers. */
  destroy(): void {
    this.#talk.destroy();
  }

  async #createStream(): Promise<void> {
    const [, id] = await this.#talk.call('createStream', [null]);
    const isStreamId = typeof id === 'number' && Number.isInteger(id) && id > 0 && id <= 0xffffffff;
    this.streamId = isStreamId ? id : usualStreamId;
  }

  #received(message: RtmpMessage): void {
    const { type } = message;
    if (type === MessageType.commandAmf0 || type === MessageType.commandAmf3) {
      return this.#commanded(parseServerCommand(message));
    }
    if (this.#asked !== undefined && toUntimedFrame(message) !== undefined) this.#asked = undefined;
    const fault = eachMediaMessage(message, this.#handlers.media);
    if (fault !== undefined) this.#odd(fault);
  }

  /** An origin that sends one odd message among good ones is none to leave: the message is passed over. */
  #odd(reason: string): void {
    if (this.#talk.isOver) return;
    this.#options.odd(this.origin, reason, this.#oddMessages++ === 0);
  }

  #commanded(command: ServerCommand): void {
    switch (command.kind) {
      case 'result':
        return this.#talk.replied(command.transactionId, { ok: true, values: [command.object, command.info] });
      case 'error':
        return this.#talk.replied(command.transactionId, { ok: false, error: refusalOf(command.info, this.origin) });
      case 'onStatus': {
        const refused = command.level === 'error';
        const reply: Reply = refused
          ? { ok: false, error: refusalOf(command.info, this.origin) }
          : { ok: true, values: [command.info] };
        if (this.#onStatus !== undefined) this.#onStatus(reply, command.code);
        else if (!reply.ok) this.#talk.fail(reply.error);
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

  /** Who has answered all that was asked before is well, whatever it thinks of the stream. */
  #whyLate(when: string): UpstreamError {
    const { origin } = this;
    const what = this.#asked?.what;
    if (what !== 'publish') return new UpstreamError('unanswered', `no answer ${when}`, { origin });
    return new UpstreamError('undecided', `no answer to ${what} ${when}`, { origin });
  }

  #whyClosed(error: Error | undefined): UpstreamError {
    const { origin } = this;
    const asked = this.#asked;
    if (asked !== undefined && awakeNow() - asked.sinceMs <= this.#options.requestTimeoutMs) {
      const message = `closed the connection behind ${asked.what}, without a word`;
      return new UpstreamError('declined', message, { origin, cause: error });
    }
    return toUpstreamError(error ?? new UpstreamError('broken', 'closed the connection', { origin }), 'broken', origin);
  }
}

/**
 * The client side of HTTP-FLV: one request to an origin, whose answer is the stream.
 */

import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { ReadShare } from '../../budget/read-turns.ts';
import type { OriginAddress } from '../../conf/model.ts';
import { FlvError, FlvReader, type FlvTag } from '../../flv/reader.ts';
import { reconnectRequestCode } from '../../rtmp/command.ts';
import { eachMediaMessage, isMediaType } from '../../rtmp/media-messages.ts';
import { isReconnectRequest, reconnectKeyHeader } from '../../rtmp/reconnect-data.ts';
import { awakeNow } from '../../time/awake.ts';
import { addressName, originName } from './address.ts';
import type { PullOptions } from './client-options.ts';
import { toUpstreamError, UpstreamError } from './errors.ts';
import { faultOf, folderOf } from './flv-answer.ts';
import { httpWords, sendGet } from './http-request.ts';
import type { PullClient, PullHandlers } from './pull-client.ts';
import type { UpstreamRequest } from './request.ts';
import { openSocket } from './socket.ts';

/** As for an origin that answers no pings: so many times its longest pause, or `stall_timeout`, is too long. */
const silenceFactor = 4;

export class FlvClient implements PullClient {
  readonly origin: string;
  readonly serverIdentity = undefined;
  /** A server that is well answers HTTP. That it sends nothing of the stream says little: SRS waits for a publisher. */
  readonly answersPings = true;
  readonly answerMs = 0;
  readonly hasAnswered = false;
  /** Behind the request nothing is sent. */
  readonly pendingBytes = 0;
  readonly takenBytes = 0;
  lastReceivedMs: number = performance.now();
  heardMs: number = awakeNow();
  readonly #address: OriginAddress;
  readonly #socket: Socket;
  readonly #options: PullOptions;
  readonly #handlers: PullHandlers;
  /** By which we know that it is the origin who asks us to leave, and no publisher. */
  readonly #reconnectKey = randomBytes(12).toString('base64url');
  readonly #reader = new FlvReader();
  readonly #sinceMs: number = awakeNow();
  #state: 'asked' | 'answered' | 'flowing' | 'over' = 'asked';
  /** Of the stream itself, on the clock of `awakeNow`. */
  #dataMs: number = awakeNow();
  #longestPauseMs = 0;
  #oddMessages = 0;
  /** Of what was asked for. */
  #folder = '/';

  private constructor(address: OriginAddress, socket: Socket, options: PullOptions, handlers: PullHandlers) {
    this.origin = originName(address);
    this.#address = address;
    this.#socket = socket;
    this.#options = options;
    this.#handlers = handlers;
    socket.on('error', (error) => this.#broken(error));
    socket.on('close', () => this.#broken(new UpstreamError('broken', 'closed the connection', this)));
  }

  static async open(
    address: OriginAddress,
    options: PullOptions,
    handlers: PullHandlers,
    signal: AbortSignal,
  ): Promise<FlvClient> {
    return new FlvClient(address, await openSocket(address, options, signal), options, handlers);
  }

  /** Returns when the request is sent: many servers answer when the stream begins, and not before. */
  async ask({ httpPath }: UpstreamRequest): Promise<void> {
    if (this.#state === 'over') return;
    this.#folder = folderOf(httpPath);
    const request = sendGet(this.#socket, this.#address, httpPath, {
      [reconnectKeyHeader]: this.#reconnectKey,
    });
    request.on('error', (error) => this.#broken(error));
    request.on('response', (answer) => {
      const url = `${this.#address.scheme}://${addressName({ ...this.#address, scheme: 'rtmp' })}${httpPath}`;
      this.#answered(answer, url);
    });
  }

  /** Asks the server for a sign of life. One that has it while the stream has none for long has lost our connection. */
  ping(): void {
    this.#options.answers(this.#address).then((answers) => {
      if (!answers || this.#state === 'over') return;
      this.heardMs = awakeNow();
      const silentMs = this.heardMs - this.#dataMs;
      if (silentMs < silenceFactor * Math.max(this.#longestPauseMs, this.#options.stallTimeoutMs())) return;
      const message = `sends nothing of the stream for ${Math.round(silentMs)} ms`;
      if (this.#state === 'flowing') this.#end(new UpstreamError('broken', message, this));
      else this.#end(new UpstreamError('rejected', message, { origin: this.origin, code: notFound }));
    });
  }

  destroy(): void {
    this.#state = 'over';
    this.#socket.destroy();
  }

  #answered(answer: IncomingMessage, url: string): void {
    if (this.#state === 'over') return;
    const fault = faultOf(answer, url, this.origin);
    if (fault !== undefined) return this.#end(fault);
    this.#state = 'answered';
    const share = new ReadShare(
      () => answer.pause(),
      () => answer.resume(),
    );
    answer.on('data', (bytes: Buffer) => {
      share.read(bytes.length);
      this.#received(bytes);
    });
    answer.on('error', (error) => this.#broken(error));
    answer.on('end', () => this.#ended());
  }

  #received(bytes: Buffer): void {
    if (this.#state === 'over') return;
    const nowMs = awakeNow();
    this.lastReceivedMs = performance.now();
    this.heardMs = nowMs;
    this.#longestPauseMs = Math.max(this.#longestPauseMs, this.#state === 'flowing' ? nowMs - this.#dataMs : 0);
    this.#dataMs = nowMs;
    try {
      this.#reader.push(bytes, this.#onTag);
    } catch (error) {
      if (!(error instanceof FlvError)) throw error;
      // An answer that is no FLV at all is a page, as a rule. It says nothing of other streams.
      return this.#end(new UpstreamError('broken', error.message, { origin: this.origin, cause: error }));
    }
    if (!this.#isOver) this.#handlers.readEnd();
  }

  readonly #onTag = (tag: FlvTag): void => {
    const { type, timestamp, payload } = tag;
    if (this.#isOver) return;
    this.#state = 'flowing';
    if (isReconnectRequest(tag, this.#reconnectKey)) {
      return this.#handlers.status(reconnectRequestCode, 'the origin asks to connect elsewhere');
    }
    const fault = isMediaType(type)
      ? eachMediaMessage({ type, timestamp, streamId: 0, payload }, this.#handlers.media)
      : `a tag of type ${type}`;
    if (fault !== undefined) this.#options.odd(this.origin, fault, this.#oddMessages++ === 0);
  };

  get #isOver(): boolean {
    return this.#state === 'over';
  }

  /** The answer is complete: the origin has no more of the stream. */
  #ended(): void {
    this.#end(new UpstreamError('rejected', 'ended the stream', { origin: this.origin, code: unpublished }));
  }

  /** Who closes at once, without an answer, may be refusing (SRS does). */
  #broken(error: Error): void {
    const { origin } = this;
    if (this.#state === 'asked' && awakeNow() - this.#sinceMs <= this.#options.requestTimeoutMs && isClosing(error)) {
      const message = 'closed the connection behind the request, without an answer';
      return this.#end(new UpstreamError('declined', message, { origin, folder: this.#folder, cause: error }));
    }
    if (error instanceof UpstreamError) return this.#end(error);
    this.#end(new UpstreamError('broken', httpWords(error), { origin, cause: error }));
  }

  #end(error: UpstreamError): void {
    if (this.#isOver) return;
    this.destroy();
    this.#handlers.closed(toUpstreamError(error, 'broken', this.origin));
  }
}

const notFound = 'NetStream.Play.StreamNotFound';
const unpublished = 'NetStream.Play.UnpublishNotify';

function isClosing(error: Error): boolean {
  return error instanceof UpstreamError || (error as NodeJS.ErrnoException).code === 'ECONNRESET';
}

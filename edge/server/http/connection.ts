/**
 * One connection of an HTTP client. Requests are served one after the other, so that answers never mix, whatever a
 * client pipelines (a stream among its requests, too); while some wait, nothing more is read. A client has one
 * deadline for everything that it must bring before it is served: the first byte, the header, the body, and the next
 * request on a connection that is kept alive. An answer that it does not read ends the connection, too.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Place } from '../../budget/connections.ts';
import { Deadline } from '../../time/deadline.ts';
import { sendText } from './reply.ts';

/** Requests that may wait for the answers before theirs. Each holds some KB; browsers send none ahead. */
const waitingMax = 64;

/** No request needs a body. The edge reads a small one and drops it. */
const bodyMaxBytes = 16 * 1024;

export interface HttpLimits {
  /** For a request to come whole; asked when the time begins to run. */
  requestTimeoutMs(): number;
  /** A client that takes nothing of its answer for so long, up to twice that, is disconnected. */
  readonly answerTimeoutMs: number;
}

type State =
  /** A request is awaited, or is on its way. */
  | { readonly kind: 'idle' }
  /** The body of a request is on its way. */
  | { readonly kind: 'body'; readonly response: ServerResponse }
  | { readonly kind: 'answering'; readonly response: ServerResponse }
  /** An answer is complete; the next request is served when others have had their turn. */
  | { readonly kind: 'yielding' }
  /** The connection is a stream's, which has rules of its own. */
  | { readonly kind: 'handed over' }
  /** The last answer is on its way. */
  | { readonly kind: 'ending' };

const idle: State = { kind: 'idle' };

export class HttpConnection {
  readonly #socket: Socket;
  readonly #place: Place;
  readonly #limits: HttpLimits;
  readonly #deadline = new Deadline(() => this.#expired());
  readonly #waiting: (() => void)[] = [];
  #state: State = idle;
  /** How much had come when the last request was complete. */
  #bytesRead = 0;
  /** Bytes of answers that the client had taken when somebody looked. */
  #takenBytes = 0;
  /** What followed the last request was no request. */
  #broken: Fault | undefined;

  constructor(socket: Socket, place: Place, limits: HttpLimits) {
    this.#socket = socket;
    this.#place = place;
    this.#limits = limits;
    this.#deadline.start(limits.requestTimeoutMs());
    socket.on('close', () => {
      this.#deadline.stop();
      this.#waiting.length = 0;
    });
  }

  /** Calls `serve` when the answers before are complete and the request has come whole. */
  request(request: IncomingMessage, response: ServerResponse, serve: () => void): void {
    this.#takeTurn(() => {
      response.once('close', () => this.#answered());
      if (hasBody(request)) this.#passBody(request, response, serve);
      else this.#answer(response, serve);
    });
  }

  /** What is served now is a stream: nothing that follows it on the connection is answered. */
  handOver(): void {
    this.#deadline.stop();
    this.#state = { kind: 'handed over' };
  }

  /** Calls `serve` when the answers before are complete; the socket is its own from then on. */
  upgrade(serve: () => void): void {
    this.#socket.on('error', () => {});
    // Node no longer tells the answers before that the socket has room again.
    this.#socket.on('drain', () => {
      if (this.#state.kind === 'answering') this.#state.response.emit('drain');
    });
    this.#takeTurn(() => {
      this.handOver();
      serve();
    });
  }

  /** What has come is no request, or the connection has failed. */
  broken(error: NodeJS.ErrnoException): void {
    // Nothing behind this can be understood.
    this.#socket.pause();
    this.#broken ??= error.code === 'HPE_HEADER_OVERFLOW' ? 'header too large' : 'bad request';
    if (error.code === 'ECONNRESET' || error.code === 'EPIPE') this.#socket.destroy();
    else if (this.#state.kind === 'idle') this.#end(this.#broken);
    else if (this.#state.kind === 'body') this.#socket.destroy();
  }

  #takeTurn(begin: () => void): void {
    if (this.#state.kind === 'idle') return begin();
    if (this.#waiting.length >= waitingMax) return void this.#socket.destroy();
    this.#waiting.push(begin);
    this.#socket.pause();
  }

  #passBody(request: IncomingMessage, response: ServerResponse, serve: () => void): void {
    this.#state = { kind: 'body', response };
    this.#deadline.start(this.#limits.requestTimeoutMs());
    let left = bodyMaxBytes;
    request.on('data', (bytes: Buffer) => {
      left -= bytes.length;
      if (left < 0 && this.#state.kind === 'body')
        this.#refuse(response, 413, `no request has a body over ${bodyMaxBytes} bytes`);
    });
    request.on('end', () => {
      if (this.#state.kind === 'body') this.#answer(response, serve);
    });
    // The connection has ended, and has reported why.
    request.on('error', () => {});
  }

  #answer(response: ServerResponse, serve: () => void): void {
    this.#deadline.start(this.#limits.answerTimeoutMs);
    this.#state = { kind: 'answering', response };
    serve();
  }

  #answered(): void {
    // The connection ends with an answer that says so.
    if (!this.#socket.writable || this.#state.kind === 'handed over') return;
    const next = this.#waiting.shift();
    if (next !== undefined) return this.#yieldTo(next);
    this.#state = idle;
    if (this.#broken !== undefined) return this.#end(this.#broken);
    this.#bytesRead = this.#socket.bytesRead;
    this.#deadline.start(this.#limits.requestTimeoutMs());
    // While bytes wait, Node has paused the socket itself, and must be the one to end that.
    if (this.#socket.writableNeedDrain) this.#socket.once('drain', () => this.#readOn());
    else this.#readOn();
  }

  /** One client's pipelined requests must not hold up the sockets of others. */
  #yieldTo(next: () => void): void {
    this.#state = { kind: 'yielding' };
    setImmediate(() => {
      if (!this.#socket.writable) return;
      this.#state = idle;
      next();
    });
  }

  #readOn(): void {
    if (this.#waiting.length === 0 && !this.#socket.destroyed) this.#socket.resume();
  }

  #expired(): void {
    const { kind } = this.#state;
    if (kind === 'answering' || kind === 'yielding') return this.#endIfStuck();
    // The body of a request has not come.
    if (kind === 'body') return this.#refuse(this.#state.response, 408, 'the body of the request is late');
    // It does not take its last answer.
    if (kind === 'ending') return void this.#socket.destroy();
    const { bytesRead } = this.#socket;
    if (bytesRead > this.#bytesRead) return this.#end('timeout');
    // A connection that has served closes without an answer: the client may send its next request just now, and
    // would take what we say for the answer to it.
    if (bytesRead > 0) this.#socket.destroy();
    else this.#place.turnAway('timeout');
  }

  /** Ends a connection that has taken nothing of its answer since the last look. */
  #endIfStuck(): void {
    const { writableLength, bytesWritten } = this.#socket;
    const takenBytes = bytesWritten - writableLength;
    if (writableLength > 0 && takenBytes === this.#takenBytes) return void this.#socket.destroy();
    this.#takenBytes = takenBytes;
    this.#deadline.start(this.#limits.answerTimeoutMs);
  }

  #refuse(response: ServerResponse, status: number, reason: string): void {
    this.#answer(response, () => sendText(response, status, reason, { Connection: 'close' }));
  }

  /** Closes the connection with an answer to what was no request. */
  #end(fault: Fault): void {
    this.#state = { kind: 'ending' };
    if (this.#socket.writable) {
      this.#socket.write(`HTTP/1.1 ${faults[fault]}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
    }
    if (fault === 'timeout') this.#socket.once('finish', () => this.#place.turnAway('timeout'));
    this.#socket.destroySoon();
    // A client that does not read even this gets no more time.
    this.#deadline.start(this.#limits.requestTimeoutMs());
  }
}

const faults = {
  'bad request': '400 Bad Request',
  timeout: '408 Request Timeout',
  'header too large': '431 Request Header Fields Too Large',
} as const;

type Fault = keyof typeof faults;

function hasBody({ headers }: IncomingMessage): boolean {
  const { 'content-length': length = '0', 'transfer-encoding': coding } = headers;
  return coding !== undefined || length !== '0';
}

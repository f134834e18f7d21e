/**
 * The two ways an FLV stream leaves by HTTP: as the body of a response, and as WebSocket messages. Both hold their
 * answer back until the stream is known to be live, and then hand the socket over to media that is framed once for all players.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { ReadShare } from '../../budget/read-turns.ts';
import type { FlvFraming } from '../../stream/flv-format.ts';
import { sendText, serverHeader } from './reply.ts';
import {
  acceptValue,
  CloseCode,
  closeFrame,
  pingFrame,
  pongFrame,
  subprotocol,
  WebSocketError,
  WebSocketReader,
} from './websocket.ts';

export interface FlvTransport {
  readonly socket: Socket;
  readonly framing: FlvFraming;
  /** Answers that the stream follows. */
  begin(): void;
  /** Answers, instead of the stream, why there is none. */
  refuse(status: number, reason: string): void;
  /** Sends bytes that mean nothing, between two slices or before the answer. If the client has gone, this shows it. */
  probe(): void;
  /** Ends a stream that was begun. */
  finish(reason: string): void;
}

/** The headers of a stream. No cache may store it. */
export const streamHeaders = {
  'Content-Type': 'video/x-flv',
  'Cache-Control': 'no-store',
  Connection: 'close',
} as const;

/** A response of unknown length: in chunks, or for HTTP/1.0 until the connection closes (RFC 9112 §6.3, §7.1). */
export class HttpTransport implements FlvTransport {
  readonly socket: Socket;
  readonly framing: FlvFraming;
  readonly #response: ServerResponse;

  constructor(request: IncomingMessage, response: ServerResponse) {
    this.socket = request.socket;
    this.framing = request.httpVersionMajor === 1 && request.httpVersionMinor === 0 ? 'bare' : 'chunked';
    this.#response = response;
  }

  begin(): void {
    this.#response.writeHead(200, { ...streamHeaders, ...(this.framing === 'chunked' ? chunked : {}) });
    // From here on the body is written to the socket itself: the response would put a frame around each piece.
    this.#response.flushHeaders();
  }

  refuse(status: number, reason: string): void {
    sendText(this.#response, status, reason, { Connection: 'close' });
  }

  probe(): void {
    // HTTP/1.0 has nothing that means nothing.
    if (this.framing !== 'chunked') return;
    // The size of the next chunk may begin with zeros.
    if (this.#response.headersSent) this.socket.write('0');
    else this.#response.writeContinue();
  }

  finish(): void {
    if (this.framing === 'chunked') this.socket.write('0\r\n\r\n');
    this.socket.destroySoon();
  }
}

/** An answer before the real one, which every client of HTTP/1.1 must expect (RFC 9110 §15.2). */
const interimAnswer = 'HTTP/1.1 100 Continue\r\n\r\n';

const chunked = { 'Transfer-Encoding': 'chunked' } as const;

/** Binary messages, one for each slice (RFC 6455). */
export class WebSocketTransport implements FlvTransport {
  readonly socket: Socket;
  readonly framing = 'websocket';
  readonly #key: string;
  readonly #protocol: string | undefined;
  readonly #reader = new WebSocketReader();
  readonly #share = new ReadShare(
    () => this.socket.pause(),
    () => this.socket.resume(),
  );
  #begun = false;

  constructor(request: IncomingMessage, socket: Socket, head: Buffer) {
    this.socket = socket;
    this.#key = request.headers['sec-websocket-key'] ?? '';
    this.#protocol = subprotocol(request);
    socket.on('data', (bytes: Buffer) => this.#received(bytes));
    if (head.length > 0) this.#received(head);
  }

  begin(): void {
    this.#begun = true;
    const head = ['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade'];
    head.push(`Sec-WebSocket-Accept: ${acceptValue(this.#key)}`, `Server: ${serverHeader}`);
    if (this.#protocol !== undefined) head.push(`Sec-WebSocket-Protocol: ${this.#protocol}`);
    head.push('', '');
    this.socket.write(head.join('\r\n'));
  }

  refuse(status: number, reason: string): void {
    refuseUpgrade(this.socket, status, reason);
  }

  probe(): void {
    this.socket.write(this.#begun ? pingFrame() : interimAnswer);
  }

  finish(reason: string): void {
    this.socket.write(closeFrame(CloseCode.normal, reason));
    this.socket.destroySoon();
  }

  #close(code: number, reason: string): void {
    // A client that has not read what it was sent may be in the middle of a message: no frame can stand there.
    if (this.socket.writableNeedDrain) this.socket.destroySoon();
    else {
      this.socket.write(closeFrame(code, reason));
      this.socket.destroySoon();
    }
  }

  #received(bytes: Buffer): void {
    this.#share.read(bytes.length);
    if (!this.socket.writable) return;
    try {
      if (!this.#begun) throw new WebSocketError(CloseCode.protocolError, 'a client waits for the handshake');
      this.#reader.push(bytes, (frame) => {
        if (frame.kind === 'close') this.#close(CloseCode.normal, '');
        // A client that does not read gets no pongs: they would pile up, and could stand inside a message.
        else if (!this.socket.writableNeedDrain && this.socket.writable) this.socket.write(pongFrame(frame.payload));
      });
    } catch (error) {
      if (!(error instanceof WebSocketError)) throw error;
      if (this.#begun) this.#close(error.code, error.message);
      else this.socket.destroy();
    }
  }
}

const statusTexts: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  403: 'Forbidden',
  404: 'Not Found',
  426: 'Upgrade Required',
};

/** Answers an upgrade with a plain response instead. @param headers further lines */
export function refuseUpgrade(socket: Socket, status: number, reason: string, headers: readonly string[] = []): void {
  const body = Buffer.from(`${reason}\n`);
  const head = [
    `HTTP/1.1 ${status} ${statusTexts[status] ?? 'Unavailable'}`,
    'Content-Type: text/plain; charset=utf-8',
  ];
  const hasUpgrade = headers.some((line) => line.startsWith('Upgrade:'));
  head.push(`Content-Length: ${body.length}`, `Connection: ${hasUpgrade ? 'close, Upgrade' : 'close'}`, ...headers);
  head.push(`Server: ${serverHeader}`, '', '');
  socket.write(Buffer.concat([Buffer.from(head.join('\r\n')), body]));
  socket.destroySoon();
}

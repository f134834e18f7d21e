/**
 * The server's side of WebSocket as far as a stream needs it (RFC 6455): the handshake and control frames. It reads
 * other messages of clients and drops them. Media is framed once for all players in `stream/flv-format.ts`.
 */

import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

const Opcode = { close: 0x8, ping: 0x9, pong: 0xa } as const;

export const CloseCode = { normal: 1000, goingAway: 1001, protocolError: 1002, tooBig: 1009 } as const;

/** Clients have nothing to send that is longer. */
const payloadMax = 64 * 1024;
const controlPayloadMax = 125;

export class WebSocketError extends Error {
  override readonly name = 'WebSocketError';
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** Whether a request asks for WebSocket. An offer of any other protocol (h2c, say) is ignored. */
export function isWebSocket({ headers }: IncomingMessage): boolean {
  return headers.upgrade?.toLowerCase() === 'websocket';
}

/** How a request that is no handshake is answered. */
export interface HandshakeFault {
  readonly status: number;
  readonly reason: string;
  /** Header lines beside those of each refusal. */
  readonly headers: readonly string[];
}

/** Why a request is no handshake that we can accept (§4.2.1), or undefined when it is one. */
export function handshakeFault(request: IncomingMessage): HandshakeFault | undefined {
  const { 'sec-websocket-key': key, 'sec-websocket-version': version } = request.headers;
  if (!isWebSocket(request)) return badRequest('WebSocket is the only protocol to upgrade to');
  if (request.method !== 'GET') return badRequest('a WebSocket begins with GET');
  if (version !== '13') {
    // The client may come again with a version of the list (§4.4).
    const headers = ['Upgrade: websocket', 'Sec-WebSocket-Version: 13'];
    return { status: 426, reason: 'this server speaks version 13 of WebSocket', headers };
  }
  if (key === undefined || !/^[A-Za-z0-9+/]{22}==$/.test(key)) {
    return badRequest('Sec-WebSocket-Key is missing or malformed');
  }
  return undefined;
}

function badRequest(reason: string): HandshakeFault {
  return { status: 400, reason, headers: [] };
}

/**
 * The subprotocol to answer with (§4.2.2): the first that the client offers, because the edge sends FLV by any
 * name. A browser that offers some and gets none ends the connection. Undefined when the client offers none.
 */
export function subprotocol({ headers }: IncomingMessage): string | undefined {
  const offered = headers['sec-websocket-protocol']?.split(',').map((name) => name.trim());
  return offered?.find((name) => /^[!#$%&'*+\-.^_`|~\w]+$/.test(name));
}

/** The value of Sec-WebSocket-Accept (§4.2.2). */
export function acceptValue(key: string): string {
  return createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
}

export function closeFrame(code: number, reason: string): Buffer {
  let text = Buffer.from(reason);
  // Cut between characters: a reason must be whole UTF-8.
  for (let end = reason.length; text.length > controlPayloadMax - 2; ) text = Buffer.from(reason.slice(0, --end));
  const payload = Buffer.alloc(2 + text.length);
  payload.writeUInt16BE(code);
  text.copy(payload, 2);
  return controlFrame(Opcode.close, payload);
}

export function pingFrame(): Buffer {
  return controlFrame(Opcode.ping, Buffer.alloc(0));
}

export function pongFrame(payload: Buffer): Buffer {
  return controlFrame(Opcode.pong, payload);
}

function controlFrame(opcode: number, payload: Buffer): Buffer {
  return Buffer.concat([Buffer.from([0x80 | opcode, payload.length]), payload]);
}

export type ClientFrame = { readonly kind: 'ping'; readonly payload: Buffer } | { readonly kind: 'close' };

/** Reads what a client sends, in pieces of any size. It reports control frames and drops all other payloads. */
export class WebSocketReader {
  #pending: Buffer = Buffer.alloc(0);
  #skip = 0;

  /** @throws WebSocketError with the code to close with */
  push(bytes: Buffer, onFrame: (frame: ClientFrame) => void): void {
    let rest = this.#pending.length === 0 ? bytes : Buffer.concat([this.#pending, bytes]);
    for (;;) {
      const skipped = Math.min(this.#skip, rest.length);
      this.#skip -= skipped;
      rest = rest.subarray(skipped);
      const taken = this.#skip > 0 ? 0 : this.#readFrame(rest, onFrame);
      if (taken === 0) break;
      rest = rest.subarray(taken);
    }
    // At most one frame's header and control payload: copied, so that it holds no larger buffer.
    this.#pending = Buffer.from(rest);
  }

  /** Reads the frame at the beginning; returns the bytes it took, 0 when it is not whole yet. */
  #readFrame(bytes: Buffer, onFrame: (frame: ClientFrame) => void): number {
    const [first, second] = bytes;
    if (first === undefined || second === undefined) return 0;
    if ((second & 0x80) === 0) throw new WebSocketError(CloseCode.protocolError, 'a client masks its frames');
    if ((first & 0x70) !== 0) throw new WebSocketError(CloseCode.protocolError, 'no extension was agreed upon');
    const short = second & 0x7f;
    const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
    const header = 2 + lengthBytes + 4;
    if (bytes.length < header) return 0;
    const length =
      lengthBytes === 0 ? short : lengthBytes === 2 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
    const opcode = first & 0x0f;
    if (opcode < Opcode.close) {
      if (length > payloadMax) throw new WebSocketError(CloseCode.tooBig, `no message over ${payloadMax} bytes`);
      this.#skip = length;
      return header;
    }
    if (length > controlPayloadMax || (first & 0x80) === 0) {
      throw new WebSocketError(CloseCode.protocolError, 'control frames are short and whole');
    }
    if (bytes.length < header + length) return 0;
    if (opcode === Opcode.close) onFrame({ kind: 'close' });
    else if (opcode === Opcode.ping) onFrame({ kind: 'ping', payload: unmasked(bytes, header, length) });
    return header + length;
  }
}

/** The payload at `at`, behind its four bytes of mask. */
function unmasked(bytes: Buffer, at: number, length: number): Buffer {
  const payload = Buffer.from(bytes.subarray(at, at + length));
  for (let i = 0; i < length; i++) payload[i] = (payload[i] ?? 0) ^ (bytes[at - 4 + (i & 3)] ?? 0);
  return payload;
}

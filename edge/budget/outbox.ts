/**
 * What waits until a peer reads it. The socket is given large writes in pieces: it tells that a write is done, but not
 * how far it has got, so that a slow peer would look like one that accepts nothing.
 */

import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { Fifo } from './fifo.ts';

const pieceBytes = 64 * 1024;

/**
 * What is written over TLS in pieces (what a new player gets at once) is in pieces of this size, each when the one
 * before has been taken. Node and OpenSSL keep buffers as large as what they ever encrypted at once.
 */
const tlsPieceBytes = 16 * 1024;

/**
 * Of what waits, so much is written in one turn of the event loop. A kernel takes megabytes at once: hundreds of players
 * who are given a long GOP in the same moment would hold up all others for as long as that takes.
 */
const turnBytes = 256 * 1024;

export class Outbox {
  readonly #socket: Socket;
  readonly #drained: () => void;
  readonly #pieceBytes: number;
  /** A piece is on its way through TLS. */
  #isEncrypting = false;
  /** It is the turn of others. */
  #nextTurn: NodeJS.Immediate | undefined;
  /** What the socket has not been given yet. */
  readonly #pieces = new Fifo<Buffer>();
  #waitingBytes = 0;

  /** @param drained called when the socket has taken all that was written, after `write` had returned false */
  constructor(socket: Socket, drained: () => void) {
    this.#socket = socket;
    this.#drained = drained;
    this.#pieceBytes = socket instanceof TLSSocket ? tlsPieceBytes : pieceBytes;
    socket.on('drain', () => this.#pump());
  }

  /** Takes the bytes in any case. False: the peer is slow, no more should come until `drained`. */
  write(bytes: Buffer): boolean {
    const socket = this.#socket;
    if (this.#pieces.isEmpty && bytes.length <= pieceBytes && !this.#mustWait) {
      // A socket with a small mark asks for a pause after each write, also where the kernel has taken all at once.
      return socket.write(bytes) || socket.writableLength === 0;
    }
    const size = this.#pieceBytes;
    for (let at = 0; at < bytes.length; at += size) this.#pieces.push(bytes.subarray(at, at + size));
    this.#waitingBytes += bytes.length;
    return this.#send();
  }

  /** The same for several pieces that follow each other. */
  writeParts(parts: readonly Buffer[]): boolean {
    let taken = true;
    for (const part of parts) taken = this.write(part);
    return taken;
  }

  /** Bytes written that the kernel has not taken yet. */
  get pendingBytes(): number {
    return this.#socket.writableLength + this.#waitingBytes;
  }

  /** Bytes that the kernel has taken. */
  get takenBytes(): number {
    return this.#socket.bytesWritten - this.#socket.writableLength;
  }

  /** Gives the socket all that waits: more can then be written to the socket itself, or it can be ended. */
  handOver(): void {
    clearImmediate(this.#nextTurn);
    this.#nextTurn = undefined;
    for (let piece = this.#pieces.shift(); piece !== undefined; piece = this.#pieces.shift()) this.#socket.write(piece);
    this.#waitingBytes = 0;
  }

  /** Ends the connection behind what was written. */
  end(): void {
    this.handOver();
    this.#socket.end();
  }

  /** Ends the connection at once, for this reason. */
  destroy(reason: Error): void {
    this.#socket.destroy(reason);
  }

  #pump(): void {
    if (this.#send()) this.#drained();
  }

  get #mustWait(): boolean {
    return this.#socket.writableNeedDrain || this.#isEncrypting || this.#nextTurn !== undefined;
  }

  /** Whether all has been given to the socket, and taken. */
  #send(): boolean {
    let writtenBytes = 0;
    while (!this.#mustWait) {
      const bytes = this.#next();
      if (bytes === undefined) return true;
      this.#waitingBytes -= bytes.length;
      if (this.#socket instanceof TLSSocket) this.#encrypt(bytes);
      else this.#socket.write(bytes);
      writtenBytes += bytes.length;
      if (writtenBytes >= turnBytes) this.#letOthers();
    }
    return false;
  }

  #letOthers(): void {
    this.#nextTurn = setImmediate(() => {
      this.#nextTurn = undefined;
      if (!this.#socket.destroyed) this.#pump();
    });
  }

  #encrypt(bytes: Buffer): void {
    this.#isEncrypting = true;
    this.#socket.write(bytes, (error) => {
      this.#isEncrypting = false;
      if (!error) this.#pump();
    });
  }

  /** What to write next: one large piece, or several small ones together. */
  #next(): Buffer | undefined {
    const first = this.#pieces.shift();
    if (first === undefined) return undefined;
    const together = [first];
    let size = first.length;
    for (;;) {
      const piece = this.#pieces.peek();
      if (piece === undefined || size + piece.length > this.#pieceBytes) break;
      together.push(piece);
      size += piece.length;
      this.#pieces.shift();
    }
    return together.length === 1 ? first : Buffer.concat(together, size);
  }
}

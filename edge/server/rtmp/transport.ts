/**
 * The wire to one RTMP client: handshake, chunks, acknowledgements and pings (RTMP 1.0 §5). Bytes in, messages to the
 * session; messages and shared bytes out.
 */

import type { Socket } from 'node:net';
import { AckWindow } from '../../rtmp/acknowledgement.ts';
import { ChunkReader } from '../../rtmp/chunk-reader.ts';
import { ChunkStreamId, encodeMessage } from '../../rtmp/chunk-writer.ts';
import { acknowledgement, parseControl, pingResponse } from '../../rtmp/control.ts';
import { ServerHandshake } from '../../rtmp/handshake.ts';
import { MessageType, type RtmpMessage } from '../../rtmp/message.ts';
import { MergedRead } from './merged-read.ts';

/** What stands behind the wire. */
export interface TransportOwner {
  /** A message other than control; what it throws ends the client. */
  received(message: RtmpMessage): void;
  /** A control message that could not be used. */
  odd(reason: string): void;
  /** All messages of one read have been given. */
  readEnd(): void;
  /** All that was written has been taken by the kernel. */
  drained(): void;
  /** The client broke the protocol, and is being disconnected. */
  broken(error: unknown): void;
  /** The connection is over; an error if it was cut. */
  closed(error: Error | undefined): void;
}

/** Chunk size of our side before `SetChunkSize` (RTMP 1.0 §5.4.1). */
const initialChunkSize = 128;

/** How long a client that was told goodbye may take to read it. */
const farewellMs = 1_000;

export class RtmpTransport {
  readonly #socket: Socket;
  readonly #owner: TransportOwner;
  #handshake: ServerHandshake | undefined = new ServerHandshake();
  readonly #reader = new ChunkReader();
  readonly #ack = new AckWindow();
  readonly #mergedRead: MergedRead;
  #chunkSize = initialChunkSize;
  #error: Error | undefined;
  #leaving = false;

  constructor(socket: Socket, owner: TransportOwner, keepaliveMs: number) {
    this.#socket = socket;
    this.#owner = owner;
    this.#mergedRead = new MergedRead(socket);
    socket.setKeepAlive(keepaliveMs > 0, keepaliveMs);
    // Questions and answers are small: each must leave at once.
    socket.setNoDelay(true);
    socket.on('data', (bytes: Buffer) => this.#received(bytes));
    socket.on('drain', () => owner.drained());
    socket.on('error', (error) => {
      this.#error = error;
    });
    socket.on('close', () => owner.closed(this.#error));
  }

  get bytesReceived(): number {
    return this.#socket.bytesRead;
  }

  get bytesSent(): number {
    return this.#socket.bytesWritten;
  }

  /** The chunk size that what is sent from now on has; the client must have been told. */
  get chunkSize(): number {
    return this.#chunkSize;
  }

  set chunkSize(bytes: number) {
    this.#chunkSize = bytes;
  }

  /** How often to acknowledge, for clients that do not say (`in_ack_size`). */
  set ackWindowBytes(bytes: number) {
    this.#ack.windowBytes = bytes;
  }

  set noDelay(on: boolean) {
    this.#socket.setNoDelay(on);
  }

  /** Bytes in chunks already. False: they wait for the client, until `drained`. */
  write(bytes: Buffer): boolean {
    return this.#socket.write(bytes);
  }

  /** The same for pieces that leave in one go. */
  writeParts(parts: readonly Buffer[]): boolean {
    const socket = this.#socket;
    let taken = true;
    socket.cork();
    for (const part of parts) taken = socket.write(part);
    socket.uncork();
    return taken;
  }

  /** Several messages leave in one write. */
  send(messages: readonly RtmpMessage[]): void {
    if (messages.length === 0 || this.#socket.destroyed || this.#leaving) return;
    const encoded = messages.map((message) => {
      const command = message.type === MessageType.commandAmf0;
      return encodeMessage(message, command ? ChunkStreamId.command : ChunkStreamId.control, this.#chunkSize);
    });
    this.#socket.write(Buffer.concat(encoded));
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Merged read: once all is read that is here, nothing is for this long at most. */
  rest(restMs: number): void {
    this.#mergedRead.rest(restMs);
  }

  /** Ends the connection at once. */
  destroy(): void {
    this.#socket.destroy();
  }

  /**
   * Ends the connection after what was sent has gone. What the client still sends is read and thrown away: were the
   * socket closed on top of it, TCP would reset the connection and the client might never read the goodbye.
   */
  hangUp(): void {
    this.#leaving = true;
    this.#socket.end();
    this.#socket.resume();
    const timer = setTimeout(() => this.#socket.destroy(), farewellMs);
    this.#socket.once('close', () => clearTimeout(timer));
  }

  #received(bytes: Buffer): void {
    if (this.#leaving) return;
    try {
      const chunks = this.#handshake === undefined ? bytes : this.#shakeHands(this.#handshake, bytes);
      if (chunks === undefined || chunks.length === 0) return;
      this.#reader.push(chunks, this.#onMessage);
      const due = this.#ack.received(chunks.length);
      if (due !== undefined) this.send([acknowledgement(due)]);
    } catch (error) {
      this.#owner.broken(error);
      this.#socket.destroy();
      return;
    }
    this.#owner.readEnd();
  }

  /** Returns what came behind the handshake. */
  #shakeHands(handshake: ServerHandshake, bytes: Buffer): Buffer | undefined {
    const { reply, rest, done } = handshake.push(bytes);
    if (reply !== undefined) this.#socket.write(reply);
    if (done) this.#handshake = undefined;
    return rest;
  }

  readonly #onMessage = (message: RtmpMessage): void => {
    if (this.#leaving) return;
    // Control messages have the smallest types.
    if (message.type > MessageType.setPeerBandwidth) return this.#owner.received(message);
    const control = parseControl(message);
    if (control.kind === 'windowAckSize') this.#ack.windowBytes = control.windowBytes;
    else if (control.kind === 'pingRequest') this.send([pingResponse(control.timestamp)]);
    else if (control.kind === 'unusable') this.#owner.odd(control.reason);
    else if (control.kind === 'other') this.#owner.odd(`a message of type ${control.type}`);
  };
}

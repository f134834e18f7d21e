/**
 * The wire to one RTMP client: handshake, acknowledgements and pings (RTMP 1.0 §5). Messages to the session; answers
 * and shared bytes out. A client that does not read what we answer is not read further.
 */

import type { Socket } from 'node:net';
import type { Budget } from '../../budget/budget.ts';
import { Outbox } from '../../budget/outbox.ts';
import { ReadGate, Wait } from '../../budget/readers.ts';
import type { Holder } from '../../budget/unfinished.ts';
import { Cost } from '../../budget/work.ts';
import { AckWindow } from '../../rtmp/acknowledgement.ts';
import { ChunkStreamId, encodeMessage } from '../../rtmp/chunk-writer.ts';
import { acknowledgement, parseControl, pingResponse } from '../../rtmp/control.ts';
import { ServerHandshake } from '../../rtmp/handshake.ts';
import { MessageType, type RtmpMessage } from '../../rtmp/message.ts';
import { awakeNow } from '../../time/awake.ts';
import { takeReads } from './accepted-reads.ts';
import { Inbox, type InboxOwner } from './inbox.ts';
import { MergedRead } from './merged-read.ts';

/** What stands behind the wire; its `received` gets messages other than control. */
export interface TransportOwner extends InboxOwner {
  /** A control message that could not be used. */
  odd(reason: string): void;
  /** The handshake is done. */
  shaken(): void;
  /** All that was written has been taken by the kernel. */
  drained(): void;
  /** The connection is over; an error if it was cut. */
  closed(error: Error | undefined): void;
}

/** Chunk size of our side before `SetChunkSize` (RTMP 1.0 §5.4.1). */
const initialChunkSize = 128;

/** Answers that the client has not read; with more it is not read any further. */
const unreadAnswersMaxBytes = 4 * 1024;

/** How long a client that was told goodbye may take to read it. */
const farewellMs = 1_000;

export class RtmpTransport implements InboxOwner {
  /** What waits until the client reads it. */
  readonly outbox: Outbox;
  readonly #socket: Socket;
  readonly #owner: TransportOwner;
  #handshake: ServerHandshake | undefined = new ServerHandshake();
  readonly #gate: ReadGate;
  readonly #inbox: Inbox;
  readonly #ack = new AckWindow();
  readonly #mergedRead: MergedRead;
  #chunkSize = initialChunkSize;
  #unreadAnswerBytes = 0;
  #error: Error | undefined;
  #leaving = false;
  /** When bytes came last, on the clock of `awakeNow`. */
  #heardMs: number = awakeNow();

  /** @param holder whose place in the budget it is */
  constructor(socket: Socket, owner: TransportOwner, budget: Budget, holder: Holder, keepaliveMs: number) {
    this.#socket = socket;
    this.#owner = owner;
    this.#gate = new ReadGate(socket, budget.paused);
    this.#inbox = new Inbox(this, this.#gate, budget, holder);
    this.#mergedRead = new MergedRead(socket, this.#gate);
    this.outbox = new Outbox(socket, () => this.#drained());
    socket.setKeepAlive(keepaliveMs > 0, keepaliveMs);
    // Questions and answers are small: each must leave at once.
    socket.setNoDelay(true);
    takeReads(socket, (bytes) => this.#received(bytes));
    socket.on('error', (error) => {
      this.#error = error;
    });
    socket.on('close', () => {
      this.#inbox.close();
      owner.closed(this.#error);
    });
  }

  get bytesReceived(): number {
    return this.#socket.bytesRead;
  }

  get bytesSent(): number {
    return this.#socket.bytesWritten;
  }

  /** When bytes came last that may be media, on the clock of `awakeNow`: now while it is kept from being read. */
  get heardMs(): number | undefined {
    if (this.#gate.isPaused) return awakeNow();
    // Between messages there may be pings and their like, which say nothing about media.
    return this.#inbox.isMidMessage ? this.#heardMs : undefined;
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

  /** The client publishes: from now on its messages may be as large as media is. */
  admitMedia(): void {
    this.#inbox.admitMedia();
  }

  /** Bytes in chunks already. False: they wait for the client, until `drained`. */
  write(bytes: Buffer): boolean {
    return this.outbox.write(bytes);
  }

  /** The same for pieces that leave in one go. */
  writeParts(parts: readonly Buffer[]): boolean {
    return this.outbox.writeParts(parts);
  }

  /** Answers a client, or tells it something. Several messages leave in one write. */
  send(messages: readonly RtmpMessage[]): void {
    if (messages.length === 0 || this.#socket.destroyed || this.#leaving) return;
    const encoded = messages.map((message) => {
      const isControl = message.type <= MessageType.setPeerBandwidth;
      return encodeMessage(message, isControl ? ChunkStreamId.control : ChunkStreamId.command, this.#chunkSize);
    });
    const bytes = Buffer.concat(encoded);
    this.#unreadAnswerBytes = this.outbox.write(bytes) ? 0 : this.#unreadAnswerBytes + bytes.length;
    if (this.#unreadAnswerBytes > unreadAnswersMaxBytes) this.#gate.wait(Wait.answers);
    this.#inbox.spend(messages.length * Cost.answer);
  }

  /** Counts work that the client has caused beside sending messages. */
  spend(units: number): void {
    this.#inbox.spend(units);
  }

  /** Keeps back what the client sends behind this command, which waits for an answer, until `release`. */
  hold(): void {
    this.#inbox.spend(Cost.request);
    this.#inbox.hold();
  }

  release(): void {
    this.#inbox.release();
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
    this.#inbox.close();
    this.outbox.end();
    this.#gate.open();
    const timer = setTimeout(() => this.#socket.destroy(), farewellMs);
    this.#socket.once('close', () => clearTimeout(timer));
  }

  received(message: RtmpMessage): void {
    // Control messages have the smallest types.
    if (message.type > MessageType.setPeerBandwidth) return this.#owner.received(message);
    const control = parseControl(message);
    if (control.kind === 'windowAckSize') this.#ack.windowBytes = control.windowBytes;
    else if (control.kind === 'pingRequest') this.send([pingResponse(control.timestamp)]);
    else if (control.kind === 'unusable') this.#owner.odd(control.reason);
    else if (control.kind === 'other') this.#owner.odd(`a message of type ${control.type}`);
  }

  readEnd(): void {
    this.#owner.readEnd();
  }

  broken(error: unknown): void {
    this.#owner.broken(error);
  }

  #received(bytes: Buffer): void {
    this.#gate.hasRead(bytes.length);
    if (this.#leaving) return;
    this.#heardMs = awakeNow();
    const chunks = this.#handshake === undefined ? bytes : this.#shakeHands(this.#handshake, bytes);
    if (chunks === undefined || chunks.length === 0) return;
    this.#inbox.push(chunks);
    const due = this.#ack.received(chunks.length);
    if (due !== undefined) this.send([acknowledgement(due)]);
  }

  /** Returns what came behind the handshake. */
  #shakeHands(handshake: ServerHandshake, bytes: Buffer): Buffer | undefined {
    try {
      const { reply, rest, done } = handshake.push(bytes);
      if (reply !== undefined) this.outbox.write(reply);
      if (done) {
        this.#handshake = undefined;
        this.#owner.shaken();
      }
      return rest;
    } catch (error) {
      this.#owner.broken(error);
      return undefined;
    }
  }

  #drained(): void {
    this.#unreadAnswerBytes = 0;
    this.#gate.done(Wait.answers);
    this.#owner.drained();
  }
}

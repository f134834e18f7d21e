/**
 * The wire to one origin: handshake, acknowledgements and pings (RTMP 1.0 §5). Messages to the client's side of RTMP;
 * commands and media out. An origin that does not read our answers is not read further.
 */

import type { Socket } from 'node:net';
import { Outbox } from '../../budget/outbox.ts';
import { type PausedReaders, ReadGate, Wait } from '../../budget/readers.ts';
import { AckWindow } from '../../rtmp/acknowledgement.ts';
import { ChunkReader } from '../../rtmp/chunk-reader.ts';
import { ChunkStreamId, encodeMessage } from '../../rtmp/chunk-writer.ts';
import { acknowledgement, parseControl, pingRequest, pingResponse, setChunkSize } from '../../rtmp/control.ts';
import { ClientHandshake } from '../../rtmp/handshake.ts';
import { MessageType, type RtmpMessage } from '../../rtmp/message.ts';
import { awakeNow } from '../../time/awake.ts';
import type { SharedReads } from './shared-reads.ts';

/** What stands behind the wire. */
export interface WireOwner {
  /** The handshake is done. */
  shaken(): void;
  /** A message other than control. Its payload is good until this returns: who keeps it keeps a copy. */
  received(message: RtmpMessage): void;
  /** All messages of one read have been given. */
  readEnd(): void;
  /** The origin says that the stream has ended (RTMP 1.0 §7.1.7). */
  streamEof(): void;
  /** A control message that could not be used. */
  odd(reason: string): void;
  /** The origin broke the protocol. */
  broken(error: unknown): void;
  /** The connection is over; an error if it was cut. */
  closed(error: Error | undefined): void;
}

/** An answer that seems to be later than this is to no ping of ours: not all servers send our time back. */
const answerMaxMs = 600_000;

/** Answers to pings that the origin has not read; with more it is not read any further. */
const unreadAnswersMaxBytes = 4 * 1024;

export class Wire {
  /** Whether the origin has ever answered a ping of ours: then silence means something. */
  answersPings = false;
  /** How long it took to answer the ping that it answered last, milliseconds. */
  answerMs = 0;
  /** Local monotonic time of the last byte received. */
  lastReceivedMs: number = performance.now();
  readonly #socket: Socket;
  readonly #owner: WireOwner;
  #handshake: ClientHandshake | undefined = new ClientHandshake();
  readonly #reader = new ChunkReader();
  readonly #ack = new AckWindow();
  readonly #gate: ReadGate;
  readonly #outbox: Outbox;
  #chunkSize = 128;
  #heardMs: number = awakeNow();
  #unreadAnswerBytes = 0;
  /** To the pings of the present read. */
  readonly #answers: Buffer[] = [];
  #error: Error | undefined;

  /** @param reads those of the socket */
  constructor(socket: Socket, reads: SharedReads, owner: WireOwner, paused: PausedReaders) {
    this.#socket = socket;
    this.#owner = owner;
    this.#gate = new ReadGate(socket, paused);
    this.#outbox = new Outbox(socket, () => this.#drained());
    socket.on('error', (error) => {
      this.#error = error;
    });
    socket.on('close', () => owner.closed(this.#error));
    reads.to((bytes) => this.#received(bytes));
  }

  /** The same on the clock of `awakeNow`: now while more is there and waits for its turn. */
  get heardMs(): number {
    return this.#gate.isWaiting(Wait.turn) ? awakeNow() : this.#heardMs;
  }

  shakeHands(): void {
    if (this.#handshake !== undefined) this.write(this.#handshake.start());
  }

  /** What we send from now on is in chunks of this size. */
  announceChunkSize(bytes: number): void {
    this.sendControl(setChunkSize(bytes));
    this.#chunkSize = bytes;
  }

  sendCommand(message: RtmpMessage): void {
    this.write(encodeMessage(message, ChunkStreamId.command, this.#chunkSize));
  }

  sendControl(message: RtmpMessage): void {
    this.write(encodeMessage(message, ChunkStreamId.control, this.#chunkSize));
  }

  /** Asks for a sign of life. */
  ping(): void {
    this.sendControl(pingRequest(Math.trunc(performance.now()) >>> 0));
  }

  /** Writes whole chunks, made with the chunk size that was announced. */
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

  /** Ends the connection behind what was written. */
  end(): void {
    this.#outbox.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #received(bytes: Buffer): void {
    this.lastReceivedMs = performance.now();
    this.#heardMs = awakeNow();
    this.#gate.hasRead(bytes.length);
    try {
      const chunks = this.#handshake === undefined ? bytes : this.#goOnShaking(this.#handshake, bytes);
      if (chunks === undefined || chunks.length === 0) return;
      this.#reader.push(chunks, this.#onMessage);
      this.#answerPings();
      const due = this.#ack.received(chunks.length);
      if (due !== undefined) this.sendControl(acknowledgement(due));
    } catch (error) {
      return this.#owner.broken(error);
    }
    this.#owner.readEnd();
  }

  /** Returns what came behind the handshake. */
  #goOnShaking(handshake: ClientHandshake, bytes: Buffer): Buffer | undefined {
    const { reply, rest, done } = handshake.push(bytes);
    if (reply !== undefined) this.write(reply);
    if (!done) return undefined;
    this.#handshake = undefined;
    this.#owner.shaken();
    return rest;
  }

  readonly #onMessage = (message: RtmpMessage): void => {
    // Control messages have the smallest types.
    if (message.type > MessageType.setPeerBandwidth) this.#owner.received(message);
    else this.#controlled(message);
  };

  #controlled(message: RtmpMessage): void {
    const control = parseControl(message);
    switch (control.kind) {
      case 'windowAckSize':
        this.#ack.windowBytes = control.windowBytes;
        break;
      case 'pingRequest':
        this.#answers.push(encodeMessage(pingResponse(control.timestamp), ChunkStreamId.control, this.#chunkSize));
        break;
      case 'pingResponse':
        this.answersPings = true;
        this.answerMs = answerMs(control.timestamp) ?? this.answerMs;
        break;
      case 'streamEof':
        return this.#owner.streamEof();
      case 'unusable':
        return this.#owner.odd(control.reason);
      case 'other':
        return this.#owner.odd(`a message of type ${control.type}`);
      default:
    }
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
}

/** By the time that came back with the answer, which is that of the ping. */
function answerMs(pingedAt: number): number | undefined {
  const ms = ((Math.trunc(performance.now()) >>> 0) - pingedAt) >>> 0;
  return ms <= answerMaxMs ? ms : undefined;
}

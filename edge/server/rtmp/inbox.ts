/**
 * What one client sends, behind the handshake: bytes into messages, in their order and no faster than they may come.
 * While a command waits for an answer from elsewhere (a callback, an origin), and while a client rests that makes us
 * work too fast, what it sends on stays as it came: bytes that nobody has looked at.
 */

import type { Budget } from '../../budget/budget.ts';
import { Fifo } from '../../budget/fifo.ts';
import { type ReadGate, Wait } from '../../budget/readers.ts';
import type { Holder, Holding } from '../../budget/unfinished.ts';
import { Cost, Work } from '../../budget/work.ts';
import { ChunkReader } from '../../rtmp/chunk-reader.ts';
import type { RtmpMessage } from '../../rtmp/message.ts';

export interface InboxOwner {
  /** The next message; what it throws goes to `broken`. */
  received(message: RtmpMessage): void;
  /** All messages of one read have been given. */
  readEnd(): void;
  /** The client broke the protocol. */
  broken(error: unknown): void;
}

/** Commands are small; larger messages are media, and come from clients that may publish. */
const commandMaxBytes = 16 * 1024;
const mediaMaxBytes = 0xffffff;

/** What may be kept back, before reading pauses. A client that leaves while it waits is noticed until then. */
const keptMaxBytes = 64 * 1024;

/** What a piece of what is kept back costs beside its bytes. */
const pieceOverheadBytes = 256;

export class Inbox {
  readonly #owner: InboxOwner;
  readonly #gate: ReadGate;
  readonly #holding: Holding;
  readonly #reader = new ChunkReader({ maxMessageBytes: commandMaxBytes });
  readonly #work = new Work();
  /** Not looked at yet: what is left of the piece at hand, then whole pieces. */
  #rest: Buffer | undefined;
  readonly #pieces = new Fifo<Buffer>();
  #keptBytes = 0;
  /** Why no message is given to the owner now. */
  #stops = 0;
  #workTimer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(owner: InboxOwner, gate: ReadGate, budget: Budget, holder: Holder) {
    this.#owner = owner;
    this.#gate = gate;
    this.#holding = budget.unfinished.open(holder);
  }

  /** The client publishes: from now on its messages may be as large as media is. */
  admitMedia(): void {
    this.#reader.maxMessageBytes = mediaMaxBytes;
  }

  /** @param bytes good until this returns: of what has to wait, a copy is kept */
  push(bytes: Buffer): void {
    if (this.#closed) return;
    if (this.#stops === 0) return this.#readOn(bytes);
    this.#pieces.push(Buffer.from(bytes));
    this.#keptBytes += bytes.length + pieceOverheadBytes;
    this.#settle();
  }

  /** Whether a message has begun to come and is not whole yet. */
  get isMidMessage(): boolean {
    return this.#reader.unfinishedBytes > 0;
  }

  /** Keeps back what comes behind the present message until `release`: its command waits for an answer. */
  hold(): void {
    this.#stop(Wait.command);
  }

  release(): void {
    this.#go(Wait.command);
  }

  /** Counts work that the client has caused beside sending messages. */
  spend(units: number): void {
    if (this.#work.spend(units) || this.#workTimer !== undefined || this.#closed) return;
    this.#stop(Wait.work);
    this.#gate.wait(Wait.work);
    this.#workTimer = setTimeout(() => {
      this.#workTimer = undefined;
      this.#go(Wait.work);
    }, this.#work.restMs);
  }

  /** Nothing is given to the owner any more, and nothing is held. */
  close(): void {
    this.#closed = true;
    this.#reader.close();
    clearTimeout(this.#workTimer);
    while (this.#next() !== undefined);
    this.#holding.close();
  }

  #stop(reason: Wait): void {
    this.#stops |= reason;
    this.#reader.stop();
  }

  #go(reason: Wait): void {
    this.#stops &= ~reason;
    if (this.#closed) return;
    this.#readOn();
  }

  /** @param fresh has come just now, and is good until this returns */
  #readOn(fresh?: Buffer): void {
    if (this.#stops === 0) {
      try {
        this.#read(fresh);
      } catch (error) {
        // What came before the fault is still to be passed on.
        if (!this.#closed) this.#owner.readEnd();
        return this.#owner.broken(error);
      }
      if (this.#closed) return;
      this.#owner.readEnd();
    }
    this.#settle();
  }

  #read(fresh: Buffer | undefined): void {
    for (let bytes = fresh ?? this.#next(); bytes !== undefined; bytes = this.#next()) {
      const rest = this.#reader.push(bytes, this.#onMessage);
      if (this.#closed) return;
      if (rest !== undefined) {
        this.#rest = bytes === fresh ? Buffer.from(rest) : rest;
        this.#keptBytes += rest.length;
      }
      if (this.#stops !== 0) return;
    }
  }

  #next(): Buffer | undefined {
    const rest = this.#rest;
    if (rest !== undefined) {
      this.#rest = undefined;
      this.#keptBytes -= rest.length;
      return rest;
    }
    const piece = this.#pieces.shift();
    if (piece !== undefined) this.#keptBytes -= piece.length + pieceOverheadBytes;
    return piece;
  }

  /** Tells the budget what is held now, and whether there is room for more. */
  #settle(): void {
    if (this.#closed) return;
    this.#holding.set(this.#keptBytes + this.#reader.unfinishedBytes);
    if (this.#closed) return;
    if (this.#holding.mustWait && !this.#gate.isWaiting(Wait.memory)) {
      this.#gate.wait(Wait.memory);
      this.#holding.awaitRoom(() => this.#gate.done(Wait.memory));
    }
    if (this.#keptBytes > keptMaxBytes) this.#gate.wait(Wait.command);
    else this.#gate.done(Wait.command);
    if ((this.#stops & Wait.work) === 0) this.#gate.done(Wait.work);
  }

  readonly #onMessage = (message: RtmpMessage): void => {
    if (this.#closed) return;
    this.spend(Cost.message);
    this.#owner.received(message);
  };
}

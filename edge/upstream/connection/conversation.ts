/**
 * A conversation with one origin by RTMP: the handshake, commands, and their answers in time. Whatever fails ends the
 * connection, and one hears of it: who waits for an answer, or else the owner.
 */

import type { Socket } from 'node:net';
import type { PausedReaders } from '../../budget/readers.ts';
import type { AmfValue } from '../../rtmp/amf0.ts';
import { buildCommand } from '../../rtmp/command.ts';
import type { RtmpMessage } from '../../rtmp/message.ts';
import { Deadline } from '../../time/deadline.ts';
import { toUpstreamError, UpstreamError } from './errors.ts';
import { Replies, type Reply } from './replies.ts';
import type { SharedReads } from './shared-reads.ts';
import { Wire } from './wire.ts';

/** The message stream of commands that concern the connection. */
const commandStreamId = 0;

/** Whose conversation it is. Told of nothing once it is over. */
export interface ConversationOwner {
  /** A message other than control. Its payload is good until this returns. */
  received(message: RtmpMessage): void;
  /** All messages of one read have been given. */
  readEnd(): void;
  /** The origin says that the stream has ended. */
  streamEof(): void;
  /** A message that could not be used. */
  odd(reason: string): void;
  /** No answer has come in time. Returns what that means. @param when how long was waited, in words */
  whyLate(when: string): UpstreamError;
  /** The connection is over, cut by this error if there is one. Returns what that means. */
  whyClosed(error: Error | undefined): UpstreamError;
  /** The conversation has failed, and nobody waited for an answer. */
  failed(error: UpstreamError): void;
}

export interface ConversationOptions {
  /** Handshake and commands together. */
  readonly requestTimeoutMs: number;
  /** Counts origins that are not read for now. */
  readonly paused: PausedReaders;
}

export class Conversation {
  readonly wire: Wire;
  readonly #origin: string;
  readonly #owner: ConversationOwner;
  readonly #replies = new Replies();
  #shaken: ((reply: Reply) => void) | undefined;
  /** Of the handshake and all commands together. */
  readonly #deadline: Deadline;
  #over = false;

  /**
   * @param origin its name
   * @param reads those of the socket
   */
  constructor(
    origin: string,
    socket: Socket,
    reads: SharedReads,
    options: ConversationOptions,
    owner: ConversationOwner,
  ) {
    const { requestTimeoutMs, paused } = options;
    this.#origin = origin;
    this.#owner = owner;
    this.#deadline = new Deadline(() => {
      this.fail(owner.whyLate(`within request_timeout ${requestTimeoutMs} ms`));
    });
    const wireOwner = {
      shaken: () => this.#shaken?.({ ok: true, values: [] }),
      received: (message: RtmpMessage) => {
        if (!this.#over) owner.received(message);
      },
      readEnd: () => {
        if (!this.#over) owner.readEnd();
      },
      streamEof: () => {
        if (!this.#over) owner.streamEof();
      },
      odd: (reason: string) => {
        if (!this.#over) owner.odd(reason);
      },
      broken: (error: unknown) => this.fail(toUpstreamError(error, 'protocol', origin)),
      closed: (error: Error | undefined) => this.#end(owner.whyClosed(error)),
    };
    this.wire = new Wire(socket, reads, wireOwner, paused);
    this.#deadline.start(requestTimeoutMs);
  }

  get isOver(): boolean {
    return this.#over;
  }

  async shakeHands(): Promise<void> {
    this.wire.shakeHands();
    await this.#replies.wait((settle) => {
      this.#shaken = settle;
    });
  }

  /** All that was to be asked is asked: from here on no answer is due. */
  isAsked(): void {
    this.#deadline.stop();
  }

  /** Runs one exchange; whatever fails ends the connection. Throws an UpstreamError, `cancelled` by the signal. */
  async within(signal: AbortSignal, exchange: () => Promise<void>): Promise<void> {
    const origin = this.#origin;
    const onAbort = (): void => this.fail(new UpstreamError('cancelled', 'cancelled', { origin }));
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      if (signal.aborted) onAbort();
      await exchange();
    } catch (error) {
      this.destroy();
      throw toUpstreamError(error, 'protocol', origin);
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** Sends a command that concerns the connection, and waits for its answer; throws the origin's error. */
  call(name: string, args: AmfValue[]): Promise<AmfValue[]> {
    return this.#replies.call((id) => this.command(name, args, commandStreamId, id));
  }

  /** The same where nobody waits for the answer. */
  tell(name: string, args: AmfValue[]): void {
    this.command(name, args, commandStreamId, this.#replies.nextId());
  }

  command(name: string, args: AmfValue[], streamId: number, transactionId = 0): void {
    this.wire.sendCommand(buildCommand(name, transactionId, args, streamId));
  }

  /** Waits for an answer that has no number. @param arm is given what the answer is to be handed to */
  wait(arm: (settle: (reply: Reply) => void) => void): Promise<AmfValue[]> {
    return this.#replies.wait(arm);
  }

  /** The origin has answered a command. */
  replied(transactionId: number, reply: Reply): void {
    this.#replies.replied(transactionId, reply);
  }

  fail(error: UpstreamError): void {
    this.#end(error);
    this.wire.destroy();
  }

  /** Ends it behind what was written. */
  leave(): void {
    this.#over = true;
    this.#deadline.stop();
    this.wire.end();
    // The origin may not read on: the socket must not stay.
    setTimeout(() => this.wire.destroy(), 1_000).unref();
  }

  /** Ends it without telling anybody. */
  destroy(): void {
    this.#over = true;
    this.#deadline.stop();
    this.wire.destroy();
  }

  #end(error: UpstreamError): void {
    const isKnown = this.#replies.fail(error);
    if (this.#over) return;
    this.#over = true;
    this.#deadline.stop();
    if (!isKnown) this.#owner.failed(error);
  }
}

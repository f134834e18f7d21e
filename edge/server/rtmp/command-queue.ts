/**
 * One client's messages in their order: while a command waits for an answer from elsewhere (a callback, an origin),
 * what comes behind it is kept back.
 */

import type { RtmpMessage } from '../../rtmp/message.ts';

/** Bytes of messages that are kept back; then reading pauses. */
const maxBytes = 1024 * 1024;

export interface CommandQueueOwner {
  /** The next message; what it throws goes to `broken`. */
  handle(message: RtmpMessage): void;
  /** A message that was kept back could not be used. */
  broken(error: unknown): void;
  /** A command's answer failed: a fault of ours. */
  failed(error: unknown): void;
  /** So much is kept back that no more must be read, until `caughtUp`. */
  full(): void;
  /** Nothing is kept back any more. */
  caughtUp(): void;
}

export class CommandQueue {
  readonly #owner: CommandQueueOwner;
  #messages: RtmpMessage[] = [];
  #bytes = 0;
  #waiting = false;

  constructor(owner: CommandQueueOwner) {
    this.#owner = owner;
  }

  /** Whether a command waits for its answer. */
  get waiting(): boolean {
    return this.#waiting;
  }

  /** Takes the next message that the client has sent; what `handle` throws is thrown here. */
  push(message: RtmpMessage): void {
    if (!this.#waiting) return this.#owner.handle(message);
    this.#messages.push(message);
    this.#bytes += message.payload.length;
    // Reading goes on as a rule: a client that leaves while it waits would not be noticed otherwise.
    if (this.#bytes > maxBytes) this.#owner.full();
  }

  /** Keeps back what comes next until `answer` has settled. */
  await(answer: Promise<void>): void {
    this.#waiting = true;
    answer
      .catch((error: unknown) => this.#owner.failed(error))
      .finally(() => {
        this.#waiting = false;
        this.#catchUp();
      });
  }

  #catchUp(): void {
    try {
      while (!this.#waiting) {
        const message = this.#messages.shift();
        if (message === undefined) break;
        this.#bytes -= message.payload.length;
        this.#owner.handle(message);
      }
    } catch (error) {
      return this.#owner.broken(error);
    }
    if (!this.#waiting) this.#owner.caughtUp();
  }
}

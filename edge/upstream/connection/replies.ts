/**
 * Replies of an origin that somebody waits for: to a command by its transaction id, or to what has none.
 */

import type { AmfValue } from '../../rtmp/amf0.ts';
import type { UpstreamError } from './errors.ts';

export type Reply =
  | { readonly ok: true; readonly values: AmfValue[] }
  | { readonly ok: false; readonly error: UpstreamError };

type Settle = (reply: Reply) => void;

export class Replies {
  readonly #byId = new Map<number, Settle>();
  /** All of them fail when the connection does. */
  readonly #waiting = new Set<Settle>();
  #failure: UpstreamError | undefined;
  #lastId = 0;

  /** A transaction id for a command whose reply nobody waits for. */
  nextId(): number {
    return ++this.#lastId;
  }

  /**
   * Waits for one reply; throws its error, or that of the connection.
   * @param arm is given what the reply is to be handed to
   */
  wait(arm: (settle: Settle) => void): Promise<AmfValue[]> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) return reject(this.#failure);
      const settle = (reply: Reply): void => {
        this.#waiting.delete(settle);
        if (reply.ok) resolve(reply.values);
        else reject(reply.error);
      };
      this.#waiting.add(settle);
      arm(settle);
    });
  }

  /** Waits for the reply to a command. @param send is given the transaction id to send it with */
  call(send: (id: number) => void): Promise<AmfValue[]> {
    const id = this.nextId();
    return this.wait((settle) => {
      this.#byId.set(id, settle);
      send(id);
    });
  }

  /** The origin has replied. Without an id that can be read, it is to what was asked first: origins answer in order. */
  replied(transactionId: number, reply: Reply): void {
    const id = transactionId === 0 ? this.#byId.keys().next().value : transactionId;
    if (id === undefined) return;
    const settle = this.#byId.get(id);
    this.#byId.delete(id);
    settle?.(reply);
  }

  /** There will be no more. Returns whether somebody waited, and so knows. */
  fail(error: UpstreamError): boolean {
    this.#failure ??= error;
    const waiting = [...this.#waiting];
    for (const settle of waiting) settle({ ok: false, error });
    return waiting.length > 0;
  }
}

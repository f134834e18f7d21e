/**
 * Notices on their way to callbacks: those of one client in their order, those of many clients side by side, and no
 * more of either than a bound. A server of callbacks that answers slowly, or not at all, costs notices and nothing else.
 */

type Send = () => Promise<void>;

export interface NoticeLimits {
  /** Clients whose notices are being sent at a time. */
  readonly sendingMax: number;
  /** Notices that wait or are being sent, of all clients. */
  readonly noticesMax: number;
}

export class Notices {
  readonly #limits: NoticeLimits;
  /** Notices not yet sent, by client; clients in the order in which they came. */
  readonly #waiting = new Map<string, Send[]>();
  readonly #sending = new Set<string>();
  #count = 0;
  #settled: (() => void)[] = [];

  constructor(limits: NoticeLimits) {
    this.#limits = limits;
  }

  /** Sends it when its turn comes. False: too many wait, and it is dropped. @param send must not reject */
  push(client: string, send: Send): boolean {
    if (this.#count >= this.#limits.noticesMax) return false;
    this.#count++;
    const before = this.#waiting.get(client);
    if (before === undefined) this.#waiting.set(client, [send]);
    else before.push(send);
    this.#next();
    return true;
  }

  /** Drops all that wait; those being sent go on. */
  clear(): void {
    for (const notices of this.#waiting.values()) this.#count -= notices.length;
    this.#waiting.clear();
    this.#tellSettled();
  }

  /** Resolves when nothing waits and nothing is being sent. */
  async settled(): Promise<void> {
    if (this.#count === 0) return;
    await new Promise<void>((resolve) => this.#settled.push(resolve));
  }

  #next(): void {
    for (const [client, notices] of this.#waiting) {
      if (this.#sending.size >= this.#limits.sendingMax) return;
      if (this.#sending.has(client)) continue;
      this.#waiting.delete(client);
      this.#sending.add(client);
      this.#send(client, notices);
    }
  }

  async #send(client: string, notices: readonly Send[]): Promise<void> {
    for (const send of notices) {
      await send();
      this.#count--;
    }
    this.#sending.delete(client);
    this.#tellSettled();
    this.#next();
  }

  #tellSettled(): void {
    if (this.#count > 0) return;
    for (const resolve of this.#settled.splice(0)) resolve();
  }
}

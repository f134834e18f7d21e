/**
 * Clients that this edge moves to other edges: who was asked to reconnect, who has done so, and who was ended because
 * the edge stops. A client is never told another address: it comes back to the one that it came by.
 */

import type { Client, Clients } from '../clients.ts';

/** Clients since the start. */
export interface MoveCounts {
  readonly asked: number;
  /** Asked, and gone before the edge ended them. */
  readonly moved: number;
  readonly ended: number;
}

export class Moves {
  readonly #asked = new Set<Client>();
  readonly #ended = new Set<Client>();
  #counts = { asked: 0, moved: 0, ended: 0 };

  constructor(clients: Clients) {
    clients.onLeft((client) => {
      if (this.#asked.delete(client) && !this.#ended.has(client)) this.#counts.moved++;
      this.#ended.delete(client);
    });
  }

  get counts(): MoveCounts {
    return this.#counts;
  }

  /** Whether asking it now may move it: it can reconnect, and has not been asked before. */
  canAsk(client: Client): boolean {
    return client.canReconnect && !this.#asked.has(client) && !this.#ended.has(client);
  }

  /** Asks a client to reconnect. Nobody is asked twice. */
  ask(client: Client, why: string): void {
    if (!this.canAsk(client)) return;
    this.#asked.add(client);
    this.#counts.asked++;
    client.askToReconnect(why);
  }

  /** Ends a client, a player at the next key frame of its stream. */
  end(client: Client, why: string): void {
    if (this.#ended.has(client)) return;
    this.#ended.add(client);
    this.#counts.ended++;
    client.leaveAtKeyframe(why);
  }
}

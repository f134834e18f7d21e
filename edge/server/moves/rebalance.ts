/**
 * Asks some players to reconnect, because other edges have more room: whoever knows all edges says how many, and over
 * which time. Publishers stay where they are; edges below, too: they choose among the edges of this tier by themselves,
 * and would take the request for an edge that stops. Whoever has just come is left alone: it may have been asked elsewhere.
 */

import type { Client, Clients } from '../clients.ts';
import type { Moves } from './moves.ts';
import { Pace, pick } from './pace.ts';

export interface RebalanceOrder {
  readonly clients: number;
  readonly withinMs: number;
  /** Only players that have been here for so long. */
  readonly olderThanMs: number;
}

const stepEveryMs = 100;
const why = 'other edges have more room';

export class Rebalance {
  readonly #clients: Clients;
  readonly #moves: Moves;
  #timer: NodeJS.Timeout | undefined;

  constructor(clients: Clients, moves: Moves) {
    this.#clients = clients;
    this.#moves = moves;
  }

  /** Players that could be asked. */
  able(olderThanMs = 0): Client[] {
    const latestMs = performance.now() - olderThanMs;
    return [...this.#clients.values()].filter(
      (client) =>
        client.role === 'play' && !client.isEdge && client.connectedAtMs <= latestMs && this.#moves.canAsk(client),
    );
  }

  /** Takes the place of an order that is under way. Returns how many players are going to be asked. */
  begin({ clients, withinMs, olderThanMs }: RebalanceOrder): number {
    this.stop();
    const able = this.able(olderThanMs);
    let left = Math.min(clients, able.length);
    if (left === 0) return 0;
    const asking = left;
    const startMs = performance.now();
    const pace = new Pace(startMs, startMs + withinMs);
    this.#timer = setInterval(() => {
      const due = pace.due(left, performance.now());
      left -= due;
      for (const client of pick(this.able(olderThanMs), due, Math.random)) this.#moves.ask(client, why);
      if (left === 0) this.stop();
    }, stepEveryMs);
    return asking;
  }

  /** Asks nobody any more. */
  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

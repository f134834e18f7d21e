/**
 * Which edges are overfull beside the others, and how many of their players are asked to connect again, so that edges
 * that have just come get their share (`spec.rebalance`). Pure.
 *
 * Kubernetes spreads connections when they are made, and they last for hours. Whoever is asked connects to the same
 * Service again and lands at any edge, perhaps at the same one. So rounds follow each other until all is about even, and
 * end where they do not help: with session affinity, for instance, all come back.
 */

import type { Fleet, Member } from './fleet.ts';
import { lastReport } from './report.ts';

/** Players to be asked now. */
export interface MoveOrder {
  readonly member: Member;
  readonly clients: number;
}

export interface RebalanceStep {
  readonly orders: readonly MoveOrder[];
  /** Milliseconds until the next look; undefined: when something changes. */
  readonly dueInMs: number | undefined;
  /** Rounds did not help, and none follows until other edges are there. Said once. */
  readonly givenUp: boolean;
}

/** Each round has this time, and the budget of a minute. */
export const roundMs = 60_000;
/** After edges have come or gone, clients and figures need so long to settle. */
const settleMs = 30_000;
/** Whoever came so lately is not asked: nobody is sent around. */
export const youngestMs = 120_000;
/** An edge with this many times the mean is overfull, if that is some players more; once at it, down to the second. */
const [beginAt, endAt] = [1.25, 1.1] as const;
const [beginMore, endMore] = [10, 5] as const;
/** A round that asked many and took less than a quarter of them away did not help. */
const vainAsked = 8;
const vainRoundsMax = 3;

const nothing: RebalanceStep = { orders: [], dueInMs: undefined, givenUp: false };

interface Round {
  /** Players beyond the mean, of all edges together, before it. */
  readonly beyond: number;
  readonly asked: number;
}

/** What is remembered of one EdgeCluster. It may be lost: a round comes later then. */
export class RebalanceMemory {
  /** Which edges are ready, as text to compare. */
  #edges = '';
  /** Monotonic. */
  #nextMs = 0;
  #isMoving = false;
  #round: Round | undefined;
  #vainRounds = 0;

  /** @param perMinute 0: never. @param settled whether no roll-out is under way. @param nowMs monotonic */
  step(fleet: Fleet, perMinute: number, settled: boolean, nowMs: number): RebalanceStep {
    const edges = fleet.ready.map(({ pod }) => pod.metadata.uid).join();
    // While pods end, their clients are on their way.
    if (perMinute === 0 || !settled || fleet.ending.length > 0 || fleet.ready.length < fleet.active.length) {
      this.#edges = '';
      return nothing;
    }
    if (edges !== this.#edges) this.#begin(edges, nowMs);
    if (fleet.ready.length < 2 || this.#vainRounds >= vainRoundsMax) return nothing;
    if (nowMs < this.#nextMs) return { ...nothing, dueInMs: this.#nextMs - nowMs };
    return this.#next(fleet.ready, perMinute, nowMs);
  }

  /** How many the edges really ask. */
  asked(count: number): void {
    if (this.#round !== undefined) this.#round = { ...this.#round, asked: count };
  }

  #begin(edges: string, nowMs: number): void {
    this.#edges = edges;
    this.#nextMs = nowMs + settleMs;
    this.#isMoving = false;
    this.#round = undefined;
    this.#vainRounds = 0;
  }

  #next(ready: readonly Member[], perMinute: number, nowMs: number): RebalanceStep {
    const mean = ready.reduce((sum, member) => sum + playersOf(member), 0) / ready.length;
    // An edge that says nothing has an unknown share.
    if (Number.isNaN(mean)) return nothing;
    const beyond = ready.reduce((sum, member) => sum + Math.max(0, playersOf(member) - mean), 0);
    if (this.#wasInVain(beyond)) return { ...nothing, givenUp: true };
    const [times, more] = this.#isMoving ? [endAt, endMore] : [beginAt, beginMore];
    const overfull = ready.filter((member) => playersOf(member) > Math.max(mean * times, mean + more));
    const orders = ordersOf(overfull, mean, perMinute);
    this.#isMoving = orders.length > 0;
    this.#round = undefined;
    if (orders.length === 0) return nothing;
    this.#round = { beyond, asked: orders.reduce((sum, { clients }) => sum + clients, 0) };
    this.#nextMs = nowMs + roundMs;
    return { orders, dueInMs: roundMs, givenUp: false };
  }

  #wasInVain(beyond: number): boolean {
    const round = this.#round;
    if (round === undefined || round.asked < vainAsked) return false;
    const helped = round.beyond - beyond >= round.asked / 4;
    this.#vainRounds = helped ? 0 : this.#vainRounds + 1;
    return this.#vainRounds >= vainRoundsMax;
  }
}

/** Those beyond the mean, as far as they can be asked and the budget goes. */
function ordersOf(overfull: readonly Member[], mean: number, perMinute: number): MoveOrder[] {
  const wishes = overfull.map((member) => ({
    member,
    clients: Math.min(Math.floor(playersOf(member) - mean), ableOf(member)),
  }));
  const wished = wishes.reduce((sum, { clients }) => sum + clients, 0);
  const share = Math.min(1, perMinute / wished);
  let left = perMinute;
  // The fullest first: of a small budget others may get nothing.
  return wishes
    .toSorted((a, b) => b.clients - a.clients)
    .map(({ member, clients }) => {
      const asked = Math.min(left, Math.ceil(clients * share));
      left -= asked;
      return { member, clients: asked };
    })
    .filter(({ clients }) => clients > 0);
}

/** NaN: it does not say now. */
function playersOf({ edge }: Member): number {
  return edge.state === 'answering' ? edge.report.figures.players : Number.NaN;
}

/** Players that could be asked; an older edge can ask none. */
function ableOf({ edge }: Member): number {
  return lastReport(edge)?.movablePlayers ?? 0;
}

/**
 * Who is asked to reconnect, ended and cut when, while an edge drains. Pure: it is given the time and the clients, and
 * says what to do now.
 *
 *     0            ask spread            timeout − end spread            timeout
 *     |  ask those who can  |  wait for clients to leave  |  end the rest  |
 *
 * Both spreads are at most half of the timeout, and shorter where there are few clients. Clients that say that they can
 * reconnect only after the first spread are asked at once. Those who neither play nor publish are ended first,
 * publishers last: with a publisher all its viewers stop.
 */

import { Pace, pick } from './pace.ts';

/** What the plan needs to know of a client. */
export interface DrainClient {
  readonly role: 'connecting' | 'play' | 'publish';
}

export interface DrainPlanOptions<C extends DrainClient> {
  /** How long this client may stay, from the start of the drain. This and the spreads may change meanwhile. */
  readonly timeoutMsOf: (client: C) => number;
  readonly askSpreadMs: number;
  readonly endSpreadMs: number;
  /** Whether asking it may move it. */
  readonly canAsk: (client: C) => boolean;
  /** 0 ≤ x < 1: who comes first. */
  readonly random: () => number;
}

export interface DrainStep<C> {
  readonly ask: readonly C[];
  /** To be ended, players at a key frame. */
  readonly end: readonly C[];
  /** Were to be ended before, and are still there. */
  readonly cut: readonly C[];
}

/** A few clients are not spread further than this: it harms no other edge. */
const eachAtMostMs = 100;
/** How long a player that is to be ended may wait for a key frame. */
export const keyframeWaitMs = 2_000;

/** Clients that may stay for the same time. */
interface Leg {
  readonly timeoutMs: number;
  ask: Pace | undefined;
  end: Pace | undefined;
}

export class DrainPlan<C extends DrainClient> {
  readonly #options: DrainPlanOptions<C>;
  readonly #startMs: number;
  readonly #legs = new Map<number, Leg>();
  /** Those who are to be ended, and when they are cut. */
  readonly #ending = new Map<C, number>();

  constructor(startMs: number, options: DrainPlanOptions<C>) {
    this.#startMs = startMs;
    this.#options = options;
  }

  /** What to do now. @param clients all who are there */
  step(clients: Iterable<C>, nowMs: number): DrainStep<C> {
    const groups = new Map<Leg, C[]>();
    const cut: C[] = [];
    for (const client of clients) {
      const cutAtMs = this.#ending.get(client);
      if (cutAtMs === undefined) this.#groupOf(groups, client).push(client);
      else if (nowMs >= cutAtMs) cut.push(client);
    }
    const ask: C[] = [];
    const end: C[] = [];
    for (const [leg, group] of groups) {
      ask.push(...this.#ask(leg, group, nowMs));
      end.push(...this.#end(leg, group, nowMs));
    }
    return { ask, end, cut };
  }

  #groupOf(groups: Map<Leg, C[]>, client: C): C[] {
    const leg = this.#legOf(client);
    const group = groups.get(leg) ?? [];
    groups.set(leg, group);
    return group;
  }

  #legOf(client: C): Leg {
    const timeoutMs = this.#options.timeoutMsOf(client);
    const leg = this.#legs.get(timeoutMs) ?? { timeoutMs, ask: undefined, end: undefined };
    this.#legs.set(timeoutMs, leg);
    return leg;
  }

  #ask(leg: Leg, group: readonly C[], nowMs: number): C[] {
    const { canAsk, askSpreadMs, random } = this.#options;
    const able = group.filter(canAsk);
    leg.ask ??= new Pace(this.#startMs, this.#startMs + spread(askSpreadMs, leg, able.length));
    return pick(able, leg.ask.due(able.length, nowMs), random);
  }

  #end(leg: Leg, group: readonly C[], nowMs: number): C[] {
    const { endSpreadMs, random } = this.#options;
    const endMs = this.#startMs + leg.timeoutMs;
    const beginMs = endMs - spread(endSpreadMs, leg, group.length);
    if (leg.end === undefined && nowMs < beginMs) return [];
    leg.end ??= new Pace(nowMs, endMs);
    let due = leg.end.due(group.length, nowMs);
    const chosen: C[] = [];
    for (const role of ['connecting', 'play', 'publish'] as const) {
      if (due === 0) break;
      const picked = pick(
        group.filter((client) => client.role === role),
        due,
        random,
      );
      due -= picked.length;
      chosen.push(...picked);
    }
    for (const client of chosen) this.#ending.set(client, Math.min(nowMs + keyframeWaitMs, endMs));
    return chosen;
  }
}

function spread(atMostMs: number, { timeoutMs }: Leg, count: number): number {
  return Math.min(atMostMs, timeoutMs / 2, count * eachAtMostMs);
}

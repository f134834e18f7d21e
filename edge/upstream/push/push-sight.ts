/**
 * Whether an origin should have what it is sent, and when to push it again if it has not. A wrong alarm would cut the
 * stream for all who play it there, so the proof must be good: something that a player can begin with was sent while a
 * player waited for it, and long enough ago.
 */

import { awakeNow } from '../../time/awake.ts';
import type { Lack } from '../origins/pushed-streams.ts';

/** Moments in which a player could have begun: the newest ones, apart by the margin at least. */
const entriesMax = 4;

/** From the second time on a push is made again after this at the earliest; it doubles each time. */
const againMinMs = 5_000;
const againMaxMs = 300_000;

export class PushSight {
  readonly #marginMs: () => number;
  #entriesMs: number[] = [];
  /** Pushed again so often, and nobody has seen it. */
  #times = 0;
  #againMs = Number.NEGATIVE_INFINITY;

  /** @param marginMs what was sent by so long ago must have reached a player */
  constructor(marginMs: () => number) {
    this.#marginMs = marginMs;
  }

  /** Times in a row that it was pushed again, and not seen. */
  get times(): number {
    return this.#times;
  }

  /** Another origin has it, or the same one anew. */
  begin(): void {
    this.#entriesMs = [];
  }

  /** A keyframe is sent, or whatever a player can begin with. */
  entry(): void {
    const nowMs = awakeNow();
    if (nowMs - (this.#entriesMs.at(-1) ?? Number.NEGATIVE_INFINITY) < this.#marginMs()) return;
    this.#entriesMs.push(nowMs);
    if (this.#entriesMs.length > entriesMax) this.#entriesMs.shift();
  }

  /** A player has it. */
  seen(): void {
    this.#times = 0;
  }

  /** Whether it is to be pushed again now. */
  isDue(lack: Lack): boolean {
    const nowMs = awakeNow();
    const sinceMs = lack.kind === 'said' ? Number.NEGATIVE_INFINITY : lack.sinceMs;
    const latestMs = nowMs - this.#marginMs();
    if (!this.#entriesMs.some((atMs) => atMs > sinceMs && atMs <= latestMs)) return false;
    if (nowMs < this.#againMs) return false;
    this.#againMs = nowMs + Math.min(againMinMs * 2 ** this.#times, againMaxMs);
    this.#times++;
    return true;
  }
}

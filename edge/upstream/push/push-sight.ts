/**
 * Whether an origin should have what it is sent, and when to push it again if it has not. A wrong alarm would cut the
 * stream for all who play it there, so the proof must be good: something that a player can begin with was sent while a
 * player waited for it, and long enough ago.
 */

import { awakeNow } from '../../time/awake.ts';
import type { Lack } from '../origins/pushed-streams.ts';

/** Of what never was. */
const neverMs = Number.NEGATIVE_INFINITY;

/** From the second time on a push is made again after this at the earliest; it doubles each time. */
const againMinMs = 5_000;
const againMaxMs = 300_000;

export class PushSight {
  readonly #marginMs: () => number;
  readonly #now: () => number;
  /**
   * Moments in which a player could have begun, apart by the margin at least: the newest, and the one before. Where the
   * newest is too new to prove anything, the one before is old enough.
   */
  #entryMs = neverMs;
  #entryBeforeMs = neverMs;
  /** Pushed again so often, and nobody has seen it. */
  #times = 0;
  #againMs = neverMs;

  /** @param marginMs what was sent by so long ago must have reached a player */
  constructor(marginMs: () => number, now: () => number = awakeNow) {
    this.#marginMs = marginMs;
    this.#now = now;
  }

  /** Times in a row that it was pushed again, and not seen. */
  get times(): number {
    return this.#times;
  }

  /** Another origin has it, or the same one anew. */
  begin(): void {
    this.#entryMs = neverMs;
    this.#entryBeforeMs = neverMs;
  }

  /** A keyframe is sent, or whatever a player can begin with. */
  entry(): void {
    const nowMs = this.#now();
    if (nowMs - this.#entryMs < this.#marginMs()) return;
    this.#entryBeforeMs = this.#entryMs;
    this.#entryMs = nowMs;
  }

  /** A player has it. */
  seen(): void {
    this.#times = 0;
  }

  /** Whether it is to be pushed again now. */
  isDue(lack: Lack): boolean {
    const nowMs = this.#now();
    const sinceMs = lack.kind === 'said' ? neverMs : lack.sinceMs;
    const latestMs = nowMs - this.#marginMs();
    const isProof = (atMs: number): boolean => atMs > sinceMs && atMs <= latestMs;
    if (!isProof(this.#entryMs) && !isProof(this.#entryBeforeMs)) return false;
    if (nowMs < this.#againMs) return false;
    this.#againMs = nowMs + Math.min(againMinMs * 2 ** this.#times, againMaxMs);
    this.#times++;
    return true;
  }
}

/**
 * How often each origin is asked for names that nobody knows. A storm of made-up names must neither burden origins nor
 * delay others: each client address has its turn after the others, however many names it asks for.
 */

import { Fifo } from '../../budget/fifo.ts';
import { UpstreamError } from '../connection/errors.ts';

interface Waiter {
  readonly go: () => void;
  left: boolean;
}

interface OriginTurns {
  tokens: number;
  /** Local monotonic time at which `tokens` was right. */
  atMs: number;
  /** By client address; the first address is next. */
  readonly queues: Map<string, Fifo<Waiter>>;
  timer: NodeJS.Timeout | undefined;
}

/** More origins than this are asked only where answers of `locate_url` or redirections change all the time. */
const originsMax = 1_000;

export class Turns {
  readonly #perSecond: () => number;
  readonly #origins = new Map<string, OriginTurns>();

  /** @param perSecond the most requests to one origin in any second; 0 for no bound */
  constructor(perSecond: () => number) {
    this.#perSecond = perSecond;
  }

  /** Resolves when this client may have the origin asked for an unknown name: at once while few ask. */
  wait(origin: string, client: string, signal: AbortSignal): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      const leave = (): void => {
        waiter.left = true;
        reject(new UpstreamError('cancelled', 'cancelled', { origin }));
      };
      const waiter = {
        left: false,
        go: () => {
          signal.removeEventListener('abort', leave);
          resolve();
        },
      };
      if (signal.aborted) return leave();
      signal.addEventListener('abort', leave, { once: true });
      const turns = this.#of(origin);
      const queue = turns.queues.get(client) ?? new Fifo();
      turns.queues.set(client, queue);
      queue.push(waiter);
      this.#serve(turns);
    });
  }

  /** The origin had what it was asked for: the name was none of a storm, and has cost nothing. */
  giveBack(origin: string): void {
    const turns = this.#origins.get(origin);
    if (turns === undefined) return;
    turns.tokens++;
    this.#serve(turns);
  }

  close(): void {
    for (const { timer } of this.#origins.values()) clearTimeout(timer);
  }

  #of(origin: string): OriginTurns {
    let turns = this.#origins.get(origin);
    if (turns === undefined) {
      if (this.#origins.size >= originsMax) this.#forgetIdle();
      turns = { tokens: this.#burst, atMs: performance.now(), queues: new Map(), timer: undefined };
      this.#origins.set(origin, turns);
    }
    return turns;
  }

  #forgetIdle(): void {
    for (const [origin, { queues }] of this.#origins) if (queues.size === 0) this.#origins.delete(origin);
  }

  /** A fifth of a second's requests may go out at once, the others evenly: no second sees more than it may. */
  get #burst(): number {
    return Math.max(1, Math.floor(this.#perSecond() / 5));
  }

  get #refillPerSecond(): number {
    return Math.max(0.5, this.#perSecond() - this.#burst);
  }

  #refill(turns: OriginTurns): void {
    const nowMs = performance.now();
    const gained = ((nowMs - turns.atMs) / 1000) * this.#refillPerSecond;
    const isUnbounded = this.#perSecond() === 0;
    turns.tokens = isUnbounded ? Number.POSITIVE_INFINITY : Math.min(this.#burst, turns.tokens + gained);
    turns.atMs = nowMs;
  }

  #serve(turns: OriginTurns): void {
    clearTimeout(turns.timer);
    turns.timer = undefined;
    this.#refill(turns);
    for (const [client, queue] of turns.queues) {
      if (turns.tokens < 1) break;
      turns.queues.delete(client);
      const waiter = nextOf(queue);
      // Behind the other addresses.
      if (!queue.isEmpty) turns.queues.set(client, queue);
      if (waiter === undefined) continue;
      turns.tokens--;
      waiter.go();
    }
    if (turns.queues.size === 0) return;
    turns.timer = setTimeout(() => this.#serve(turns), Math.ceil(((1 - turns.tokens) / this.#refillPerSecond) * 1000));
  }
}

/** The first who still waits; those who left are gone from the queue. */
function nextOf(queue: Fifo<Waiter>): Waiter | undefined {
  for (let waiter = queue.shift(); waiter !== undefined; waiter = queue.shift()) if (!waiter.left) return waiter;
  return undefined;
}

/**
 * Which key is to be worked on, and when. A key is in work once at a time; however often it is added meanwhile, it is
 * worked on once more. Failures of a key are repeated with growing pauses and never hold up another key.
 */

import { aborted } from './aborted.ts';

/** What a piece of work wants next: to be run again later, or that it has failed and pauses grow. */
export type Requeue =
  | { readonly kind: 'after'; readonly ms: number }
  /** `atLeastMs`: what the server asked for. `atMostMs`: pauses grow up to that. */
  | { readonly kind: 'backOff'; readonly atLeastMs?: number; readonly atMostMs?: number };

/** Monotonic, in milliseconds. `after` returns what cancels it. */
export interface QueueClock {
  now(): number;
  after(ms: number, action: () => void): () => void;
}

export interface QueueOptions<K extends string> {
  /** Keys in work at once. */
  readonly workers: number;
  /** Nothing returned: settled until the key is added again. A rejection is a failure: back-off. */
  readonly work: (key: K) => Promise<Requeue | undefined>;
  /** Told when work on a key starts: how long it has waited for a worker. */
  readonly started?: (key: K, waitedMs: number) => void;
  readonly clock?: QueueClock;
  /** 0 to 1; for the jitter. */
  readonly random?: () => number;
}

/** The pause after the first failure of a key, and the greatest. */
export const backOffMs = { first: 100, greatest: 60_000 } as const;

const realClock: QueueClock = {
  now: () => performance.now(),
  after: (ms, action) => {
    const timer = setTimeout(action, ms);
    return () => clearTimeout(timer);
  },
};

interface Delayed {
  readonly dueMs: number;
  readonly cancel: () => void;
}

export class WorkQueue<K extends string> {
  readonly #options: QueueOptions<K>;
  readonly #clock: QueueClock;
  /** Ready for a worker, oldest first, with the time they were added. */
  readonly #ready = new Map<K, number>();
  /** In work; true when added again meanwhile. */
  readonly #working = new Map<K, boolean>();
  readonly #delayed = new Map<K, Delayed>();
  readonly #failures = new Map<K, number>();
  #running = false;
  #idle: (() => void) | undefined;

  constructor(options: QueueOptions<K>) {
    this.#options = options;
    this.#clock = options.clock ?? realClock;
  }

  /** Keys that wait for a worker. */
  get depth(): number {
    return this.#ready.size;
  }

  /** Keys that are in work or wait for a worker. */
  get busy(): number {
    return this.#ready.size + this.#working.size;
  }

  /** Keys of which anything is remembered: ready, in work, delayed or failed. */
  get size(): number {
    return new Set([...this.#ready.keys(), ...this.#working.keys(), ...this.#delayed.keys(), ...this.#failures.keys()])
      .size;
  }

  /** Works on the key as soon as a worker is free. */
  add(key: K): void {
    if (this.#working.has(key)) this.#working.set(key, true);
    else if (!this.#ready.has(key)) this.#ready.set(key, this.#clock.now());
    this.#dispatch();
  }

  /**
   * Works on the key in `ms` milliseconds, or sooner when it was to be sooner. It is forgotten when the key is worked
   * on before: that work says anew when it wants to be run again.
   */
  addAfter(key: K, ms: number): void {
    if (ms <= 0) {
      this.add(key);
      return;
    }
    const dueMs = this.#clock.now() + ms;
    const present = this.#delayed.get(key);
    if (present !== undefined) {
      if (present.dueMs <= dueMs) return;
      present.cancel();
    }
    const cancel = this.#clock.after(ms, () => {
      this.#delayed.delete(key);
      this.add(key);
    });
    this.#delayed.set(key, { dueMs, cancel });
  }

  /** Works until the signal; ends when what is in work then is finished. Keys that wait are forgotten. */
  async run(signal: AbortSignal): Promise<void> {
    this.#running = true;
    this.#dispatch();
    await aborted(signal);
    this.#running = false;
    for (const { cancel } of this.#delayed.values()) cancel();
    this.#delayed.clear();
    this.#ready.clear();
    this.#failures.clear();
    if (this.#working.size > 0) {
      await new Promise<void>((resolve) => {
        this.#idle = resolve;
      });
    }
    this.#ready.clear();
  }

  #dispatch(): void {
    if (!this.#running) return;
    for (const [key, addedMs] of this.#ready) {
      if (this.#working.size >= this.#options.workers) return;
      this.#ready.delete(key);
      this.#delayed.get(key)?.cancel();
      this.#delayed.delete(key);
      this.#working.set(key, false);
      this.#options.started?.(key, this.#clock.now() - addedMs);
      void this.#work(key);
    }
  }

  async #work(key: K): Promise<void> {
    let next: Requeue | undefined;
    try {
      next = await this.#options.work(key);
    } catch {
      next = { kind: 'backOff' };
    }
    const again = this.#working.get(key) === true;
    this.#working.delete(key);
    if (this.#running) this.#schedule(key, next, again);
    if (this.#working.size === 0) this.#idle?.();
    this.#dispatch();
  }

  #schedule(key: K, next: Requeue | undefined, again: boolean): void {
    if (next?.kind === 'backOff') {
      const before = this.#failures.get(key) ?? 0;
      // What explains no longer pause is not counted either: another failure after it goes on from there.
      const isCounted = fullPauseMs(before + 1) <= (next.atMostMs ?? backOffMs.greatest) || before === 0;
      const failures = isCounted ? before + 1 : before;
      this.#failures.set(key, failures);
      // What was added while the work failed waits, too: else a key that always changes would never pause.
      this.addAfter(key, Math.max(next.atLeastMs ?? 0, this.#pauseMs(failures)));
      return;
    }
    this.#failures.delete(key);
    if (again) this.add(key);
    else if (next !== undefined) this.addAfter(key, next.ms);
  }

  /** Between half of the full pause and all of it, by chance. */
  #pauseMs(failures: number): number {
    return fullPauseMs(failures) * (0.5 + 0.5 * (this.#options.random ?? Math.random)());
  }
}

/** 100 ms, doubled for each failure, at most 60 s. */
function fullPauseMs(failures: number): number {
  return Math.min(backOffMs.greatest, backOffMs.first * 2 ** Math.min(failures - 1, 20));
}

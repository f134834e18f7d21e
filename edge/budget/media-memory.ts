/**
 * The memory of the process that media may take: GOP caches, what waits for slow players, and what is kept for and
 * waits for origins. What several players wait for counts once.
 *
 * When there is more than the limit, holders give up, in this order, until a quarter of the limit is free:
 * 1. What waits for slow players; those that have been slow for longest first. They go on at a key frame.
 * 2. GOP caches of streams that nobody plays, the greatest first.
 * 3. Players that have taken nothing for seconds are disconnected, the longest first: what they were given before
 *    cannot be taken back otherwise.
 * 4. GOP caches of streams that are played, the greatest first. New players see from the next key frame on.
 * 5. What is kept for origins, the greatest first. An origin that takes over gets the next key frame.
 */

export type MediaKind = 'gop_cache' | 'backlog' | 'push';

/** A player that has not taken what it was given. */
export interface SlowPlayer {
  /** It has taken nothing for seconds. */
  readonly stalled: boolean;
  /** Returns whether anything waited for it. */
  giveUpBacklog(): boolean;
  disconnect(): void;
}

/** Somebody who keeps media for those who come later. */
export interface MediaKeeper {
  readonly keptBytes: number;
  /** Somebody profits from it now. */
  readonly isPlayed: boolean;
  giveUp(): void;
}

export interface GivenUp {
  backlogs: number;
  gopCaches: number;
  players: number;
  pushes: number;
}

/** Giving up begins at the limit and goes on to this part of it: then there is peace for a while. */
const reliefTo = 0.75;

export class MediaMemory {
  /** Without a limit. */
  static readonly unbounded: MediaMemory = new MediaMemory(() => Number.POSITIVE_INFINITY);

  readonly #maxBytes: () => number;
  readonly #bytes: Record<MediaKind, number> = { gop_cache: 0, backlog: 0, push: 0 };
  /** Of each kind that was given up, how often. */
  readonly givenUp: GivenUp = { backlogs: 0, gopCaches: 0, players: 0, pushes: 0 };
  /** In the order in which they became slow. */
  readonly slowPlayers: Set<SlowPlayer> = new Set();
  readonly gopCaches: Set<MediaKeeper> = new Set();
  readonly pushes: Set<MediaKeeper> = new Set();

  /** @param maxBytes called whenever it matters: a reload may change it */
  constructor(maxBytes: () => number) {
    this.#maxBytes = maxBytes;
  }

  get limit(): number {
    return this.#maxBytes();
  }

  get total(): number {
    return this.#bytes.gop_cache + this.#bytes.backlog + this.#bytes.push;
  }

  bytesOf(kind: MediaKind): number {
    return this.#bytes[kind];
  }

  /** Counts bytes that are held from now on, or no more (negative). */
  change(kind: MediaKind, bytes: number): void {
    this.#bytes[kind] += bytes;
  }

  /** Has holders give up when there is too much. To be called when something was added, and nobody is in the middle. */
  settle(): void {
    const maxBytes = this.#maxBytes();
    if (this.total <= maxBytes) return;
    const goal = maxBytes * reliefTo;
    for (const player of this.slowPlayers) {
      if (this.total <= goal) return;
      if (player.giveUpBacklog()) this.givenUp.backlogs++;
    }
    if (this.#giveUp(this.gopCaches, 'gopCaches', goal, ({ isPlayed }) => !isPlayed)) return;
    for (const player of this.slowPlayers) {
      if (this.total <= goal) return;
      if (!player.stalled) break;
      player.disconnect();
      this.givenUp.players++;
    }
    if (this.#giveUp(this.gopCaches, 'gopCaches', goal, ({ isPlayed }) => isPlayed)) return;
    this.#giveUp(this.pushes, 'pushes', goal, () => true);
  }

  /** Returns whether that was enough. */
  #giveUp(
    keepers: ReadonlySet<MediaKeeper>,
    kind: keyof GivenUp,
    goal: number,
    which: (keeper: MediaKeeper) => boolean,
  ): boolean {
    if (this.total <= goal) return true;
    const byBytes = [...keepers]
      .filter((keeper) => keeper.keptBytes > 0 && which(keeper))
      .map((keeper) => ({ keeper, bytes: keeper.keptBytes }))
      .sort((one, other) => other.bytes - one.bytes);
    for (const { keeper } of byBytes) {
      keeper.giveUp();
      this.givenUp[kind]++;
      if (this.total <= goal) return true;
    }
    return false;
  }
}

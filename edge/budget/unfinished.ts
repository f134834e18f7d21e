/**
 * Memory that clients take without having finished a message: parts of messages, and what they sent on while a command
 * of theirs waits for its answer. All of them together have a limit. When it is reached, one client is closed: the one
 * that has held the most for a whole second, or else the one that holds the most without being admitted. A publisher
 * whose messages arrive in time is not closed, whatever their size, until all together hold twice the limit: then the
 * client that holds the most is closed, whoever it is. Before that, clients that hold more than an equal share are read
 * more slowly.
 */

/** Whose memory it is. */
export interface Holder {
  /** It plays or publishes. */
  readonly admitted: boolean;
  turnAway(reason: 'unfinished_messages'): void;
}

/** Memory held for this long has not been used for a message that arrives as it should. */
const periodMs = 1_000;

/** An admitted client may hold this much for as long as it likes. */
const fairBytes = 64 * 1024;

/** At so many times the limit nobody is spared: many publishers can take much within the second that they have. */
const hardLimits = 2;

/** How often those that wait for room are looked at. */
const goOnEveryMs = 50;

/** When nobody deserves to be closed, this passes before the next look: it goes over all who hold something. */
const fruitlessMs = 100;

/** What one client holds. */
export class Holding {
  readonly holder: Holder;
  readonly #unfinished: UnfinishedBytes;
  #bytes = 0;
  /** The least it has held in this period, and in the one before. */
  #least = 0;
  #leastBefore = 0;
  #periodSinceMs: number = performance.now();

  constructor(unfinished: UnfinishedBytes, holder: Holder) {
    this.#unfinished = unfinished;
    this.holder = holder;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Says how much is held now. Called after each read. */
  set(bytes: number): void {
    if (bytes === this.#bytes && bytes === 0) return;
    this.#turn();
    const more = bytes - this.#bytes;
    this.#bytes = bytes;
    if (bytes < this.#least) this.#least = bytes;
    this.#unfinished.changed(this, more);
  }

  /** Whether it must not be read now: all together hold too much, and this one more than its share. */
  get mustWait(): boolean {
    return this.#unfinished.mustWait(this);
  }

  /** Calls `resume` when there may be room again. */
  awaitRoom(resume: () => void): void {
    this.#unfinished.awaitRoom(this, resume);
  }

  close(): void {
    this.set(0);
    this.#unfinished.waitsNoMore(this);
  }

  /** What it has held all the time for at least a period. */
  get lastingBytes(): number {
    this.#turn();
    return Math.min(this.#least, this.#leastBefore);
  }

  #turn(): void {
    const nowMs = performance.now();
    const passedMs = nowMs - this.#periodSinceMs;
    if (passedMs < periodMs) return;
    this.#leastBefore = passedMs < 2 * periodMs ? this.#least : this.#bytes;
    this.#least = this.#bytes;
    this.#periodSinceMs = nowMs;
  }
}

export class UnfinishedBytes {
  readonly #maxBytes: () => number;
  readonly #holdings = new Set<Holding>();
  /** Those that must wait, with what resumes them. */
  readonly #waiting = new Map<Holding, () => void>();
  #waitTimer: NodeJS.Timeout | undefined;
  #total = 0;
  #nextLookMs = 0;

  /** @param maxBytes asked with each change: a reload may change it */
  constructor(maxBytes: () => number) {
    this.#maxBytes = maxBytes;
  }

  get total(): number {
    return this.#total;
  }

  get limit(): number {
    return this.#maxBytes();
  }

  /** An account for a client; `Holding.close` ends it. */
  open(holder: Holder): Holding {
    return new Holding(this, holder);
  }

  changed(holding: Holding, moreBytes: number): void {
    this.#total += moreBytes;
    if (holding.bytes === 0) this.#holdings.delete(holding);
    else if (holding.bytes === moreBytes) this.#holdings.add(holding);
    if (moreBytes > 0 && this.#total > this.limit) this.#makeRoom();
  }

  mustWait(holding: Holding): boolean {
    // From half of the limit on: what is read at once comes on top.
    return this.#total > this.limit / 2 && holding.bytes > this.limit / this.#holdings.size;
  }

  awaitRoom(holding: Holding, resume: () => void): void {
    this.#waiting.set(holding, resume);
    this.#waitTimer ??= setInterval(() => this.#goOn(), goOnEveryMs);
  }

  waitsNoMore(holding: Holding): void {
    this.#waiting.delete(holding);
    if (this.#waiting.size > 0) return;
    clearInterval(this.#waitTimer);
    this.#waitTimer = undefined;
  }

  /** All go on when there is room; else one does, so that it may get done with its message. */
  #goOn(): void {
    if (this.#total > this.limit) this.#makeRoom();
    for (const [holding, resume] of [...this.#waiting]) {
      if (!this.#waiting.has(holding)) continue;
      this.waitsNoMore(holding);
      resume();
      if (this.#total > this.limit) break;
    }
  }

  #makeRoom(): void {
    const nowMs = performance.now();
    const isHard = this.#total > hardLimits * this.limit;
    if (nowMs < this.#nextLookMs && !isHard) return;
    let worst: Holding | undefined;
    let worstGuilt = 0;
    for (const holding of this.#holdings) {
      const guilt = guiltOf(holding, isHard);
      if (guilt <= worstGuilt) continue;
      worst = holding;
      worstGuilt = guilt;
    }
    if (worst === undefined) {
      this.#nextLookMs = nowMs + fruitlessMs;
      return;
    }
    const { holder } = worst;
    worst.close();
    holder.turnAway('unfinished_messages');
  }
}

/** The client with the greatest guilt is closed; one without any never is. @param isHard nobody is spared */
function guiltOf({ holder, bytes, lastingBytes }: Holding, isHard: boolean): number {
  if (lastingBytes >= fairBytes) return Number.MAX_SAFE_INTEGER / 2 + lastingBytes;
  return holder.admitted && !isHard ? 0 : bytes;
}

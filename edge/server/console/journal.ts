/**
 * The journal: what happened lately that an operator wants to know of. It is told by those to whom it happens, which is
 * seldom: a switch, a refusal, a reload; never a frame. Nothing is kept while there is no console.
 *
 * Its room: of each kind the last 100 entries, of switches the last 1,000 (each stream shows its own), with texts of 300
 * characters at most: half a megabyte when all is full. What clients cause has a kind of its own, so that a flood of
 * it pushes nothing else out; and what is the same within a minute is one entry that counts.
 */

import type { Happening, Kind } from './happenings.ts';

export interface Entry {
  readonly id: number;
  /** Milliseconds since the epoch; of the last time, if it happened more than once. */
  atMs: number;
  times: number;
  /** The last of them. */
  happening: Happening;
}

const entriesMax = 100;
const switchesMax = 1_000;
const textMax = 300;
const sameWithinMs = 60_000;

export class Journal {
  readonly #isWanted: () => boolean;
  readonly #nowMs: () => number;
  /** Oldest first. */
  readonly #byKind = new Map<Kind, Entry[]>();
  #nextId = 1;

  /** @param isWanted asked with each happening: a reload may change it */
  constructor(isWanted: () => boolean, nowMs: () => number = Date.now) {
    this.#isWanted = isWanted;
    this.#nowMs = nowMs;
  }

  /** @param times how often it has happened, if more than once */
  tell(happening: Happening, times = 1): void {
    if (!this.#isWanted()) return;
    const told = shortened(happening);
    const entries = this.#byKind.get(told.kind) ?? [];
    this.#byKind.set(told.kind, entries);
    const atMs = this.#nowMs();
    const same = this.#same(entries, told, atMs);
    if (same !== undefined) {
      Object.assign(same, { atMs, times: same.times + times, happening: told });
      return;
    }
    entries.push({ id: this.#nextId++, atMs, times, happening: told });
    if (entries.length > (told.kind === 'switch' ? switchesMax : entriesMax)) entries.shift();
  }

  /** All of it, the newest first. */
  entries(): Entry[] {
    return [...this.#byKind.values()].flat().sort((one, other) => other.atMs - one.atMs || other.id - one.id);
  }

  /** A stream's switches, oldest first. */
  switchesOf(stream: string): readonly (Entry & { readonly happening: { readonly kind: 'switch' } & Happening })[] {
    return (this.#byKind.get('switch') ?? []).filter(
      (entry): entry is Entry & { happening: Happening & { kind: 'switch' } } =>
        entry.happening.kind === 'switch' && entry.happening.stream === stream,
    );
  }

  #same(entries: readonly Entry[], happening: Happening, atMs: number): Entry | undefined {
    const key = repeatsAs(happening);
    if (key === undefined) return undefined;
    return entries.findLast((entry) => atMs - entry.atMs < sameWithinMs && repeatsAs(entry.happening) === key);
  }
}

/** What makes it the same as another one; undefined for what is never the same. */
function repeatsAs(happening: Happening): string | undefined {
  switch (happening.kind) {
    case 'refusal':
      return happening.reason;
    case 'limit':
      return `${happening.what} ${happening.reason}`;
    case 'reload failed':
      return happening.reason;
    default:
      return undefined;
  }
}

function shortened(happening: Happening): Happening {
  const entries = Object.entries(happening).map(([name, value]) => [
    name,
    typeof value === 'string' && value.length > textMax ? `${value.slice(0, textMax)} …` : value,
  ]);
  return Object.fromEntries(entries) as Happening;
}

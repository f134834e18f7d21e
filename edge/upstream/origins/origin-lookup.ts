/**
 * What DNS has for the names behind which there are origins. One look-up serves every stream that asks; it is made
 * again when its answer is old and somebody needs it, and again and again while somebody waits for an origin.
 */

import { isIP } from 'node:net';
import type { Logger } from 'pino';
import type { OriginAddress } from '../../conf/model.ts';
import { addressName, originName } from '../connection/address.ts';

/** An answer counts for so long before DNS is asked again. How long DNS servers keep theirs is their matter. */
const freshMs = 5_000;

/** While somebody waits: the time between the end of a look-up and the next one, first and greatest. */
const againMinMs = 500;
const againMaxMs = 2_000;

/** What is kept of an answer. */
export const addressesMax = 256;

/**
 * So often an address is asked that stands alone in an answer. It may be a Service's: each connection may meet another
 * of the origins behind it, of which one has the stream.
 */
const doorsMax = 4;

export interface LookupOptions {
  /** All addresses of a name, none when there is no such name; rejects when nobody could tell. */
  readonly resolve: (name: string, signal: AbortSignal) => Promise<readonly string[]>;
  /** The addresses of a name are others than before. */
  readonly changed: () => void;
  readonly log: Logger;
}

/** How look-ups ended, since the start. */
export interface LookupCounts {
  found: number;
  /** There is no such name, or it has no address. */
  empty: number;
  failed: number;
}

interface Entry {
  /** `host` is the name. */
  readonly name: OriginAddress;
  /** Of the last answer that had any: what DNS has lost sight of may still serve, and there is nothing better. */
  addresses: readonly OriginAddress[];
  /** Local monotonic time at which the last look-up ended, however it did. */
  endedMs: number;
  running: { readonly end: AbortController; readonly done: Promise<void> } | undefined;
  /** Look-ups in a row that brought nothing new. */
  idle: number;
  /** Streams that wait for an origin. */
  waiting: number;
  timer: NodeJS.Timeout | undefined;
  /** How the last one ended, so that only a change is logged. */
  outcome: keyof LookupCounts | undefined;
}

export class OriginLookups {
  readonly counts: LookupCounts = { found: 0, empty: 0, failed: 0 };
  readonly #options: LookupOptions;
  readonly #entries = new Map<string, Entry>();

  constructor(options: LookupOptions) {
    this.#options = options;
  }

  /** Makes known which names there are; others are forgotten. */
  retain(names: readonly OriginAddress[]): void {
    const kept = new Map(names.map((name) => [originName(name), name]));
    for (const [key, entry] of this.#entries) {
      if (kept.has(key)) continue;
      this.#stop(entry);
      this.#entries.delete(key);
    }
    for (const [key, name] of kept) {
      if (this.#entries.has(key)) continue;
      const endedMs = Number.NEGATIVE_INFINITY;
      this.#entries.set(key, {
        name,
        addresses: [],
        endedMs,
        running: undefined,
        idle: 0,
        waiting: 0,
        timer: undefined,
        outcome: undefined,
      });
    }
  }

  /** The addresses of the last answer of these names, each once, however old it is. */
  known(names: readonly OriginAddress[]): readonly OriginAddress[] {
    const found = this.#of(names).flatMap(({ addresses }) => addresses);
    return [...new Map(found.map((address) => [originName(address), address])).values()];
  }

  /** The same, as far as they are new; what is old is looked up, and `changed` tells of what comes of it. */
  current(names: readonly OriginAddress[]): readonly OriginAddress[] {
    const nowMs = performance.now();
    const fresh = this.#of(names).filter((entry) => {
      const isFresh = nowMs - entry.endedMs < freshMs;
      if (!isFresh) this.#look(entry);
      return isFresh;
    });
    return this.known(fresh.map(({ name }) => name));
  }

  /** Resolves when the look-ups that are under way have ended. */
  async settled(names: readonly OriginAddress[]): Promise<void> {
    await Promise.all(this.#of(names).map(({ running }) => running?.done));
  }

  /** Somebody waits for an origin: look-ups go on until the result is called. */
  await(names: readonly OriginAddress[]): () => void {
    const entries = this.#of(names);
    for (const entry of entries) {
      if (entry.waiting++ === 0) entry.idle = 0;
      this.#plan(entry);
    }
    return () => {
      for (const entry of entries) if (--entry.waiting === 0) clearTimeout(entry.timer);
    };
  }

  /** How many addresses are known. */
  get size(): number {
    const found = [...this.#entries.values()].flatMap(({ addresses }) => addresses);
    return new Set(found.map(addressName)).size;
  }

  close(): void {
    this.retain([]);
  }

  #of(names: readonly OriginAddress[]): Entry[] {
    return names.flatMap((name) => this.#entries.get(originName(name)) ?? []);
  }

  #stop(entry: Entry): void {
    clearTimeout(entry.timer);
    entry.running?.end.abort();
  }

  /** Takes the place of what was planned. Edges that lose the same origins do not ask in step. */
  #plan(entry: Entry): void {
    clearTimeout(entry.timer);
    const doublings = Math.max(0, entry.idle - 1);
    const againMs = Math.min(againMinMs * 2 ** doublings, againMaxMs) * (0.75 + Math.random() / 2);
    const sinceMs = performance.now() - entry.endedMs;
    entry.timer = setTimeout(() => this.#look(entry), Math.max(0, againMs - sinceMs));
  }

  #look(entry: Entry): void {
    if (entry.running !== undefined) return;
    const end = new AbortController();
    entry.running = { end, done: this.#lookUp(entry, end.signal) };
  }

  /** Never fails: what kept DNS from answering is logged. */
  async #lookUp(entry: Entry, signal: AbortSignal): Promise<void> {
    const { resolve, log } = this.#options;
    let outcome: keyof LookupCounts;
    let reason = '';
    let found: readonly string[] = [];
    try {
      found = await resolve(entry.name.host, signal);
      outcome = found.length > 0 ? 'found' : 'empty';
    } catch (error) {
      outcome = 'failed';
      reason = error instanceof Error ? error.message : String(error);
    }
    if (signal.aborted) return;
    entry.running = undefined;
    entry.endedMs = performance.now();
    this.counts[outcome]++;
    const isNew = outcome === 'found' && this.#take(entry, found);
    entry.idle = isNew ? 0 : entry.idle + 1;
    if (isNew || outcome !== entry.outcome) {
      const fields = {
        name: entry.name.host,
        outcome,
        addresses: new Set(entry.addresses.map(addressName)).size,
        ...(reason && { reason }),
      };
      log[outcome === 'found' ? 'info' : 'warn'](fields, 'origins looked up');
    }
    entry.outcome = outcome;
    // Whoever waits for the answer may go on, with the addresses that are known.
    this.#options.changed();
    if (entry.waiting > 0) this.#plan(entry);
  }

  /** Returns whether they are others than before. */
  #take(entry: Entry, found: readonly string[]): boolean {
    const { scheme, host, port } = entry.name;
    const tlsName = host.replace(/\.$/, '');
    const addresses = withDoors(found.slice(0, addressesMax)).map(
      ([address, door]): OriginAddress => ({
        scheme,
        host: address,
        port,
        tlsName,
        ...(door !== undefined && { door }),
      }),
    );
    const before = new Set(entry.addresses.map(originName));
    const isSame = before.size === addresses.length && addresses.every((address) => before.has(originName(address)));
    if (!isSame && found.length > addressesMax) {
      this.#options.log.warn({ name: host, addresses: found.length }, `only ${addressesMax} of the addresses are used`);
    }
    entry.addresses = addresses;
    return !isSame;
  }
}

/** Each address, and which connection to it: several to one that stands alone in its family. */
function withDoors(found: readonly string[]): (readonly [address: string, door: number | undefined])[] {
  const isAlone = (address: string): boolean =>
    found.every((other) => other === address || isIP(other) !== isIP(address));
  if (!found.every(isAlone)) return found.map((address) => [address, undefined]);
  return Array.from({ length: doorsMax }, (_, index) => found.map((address) => [address, index + 1] as const)).flat();
}

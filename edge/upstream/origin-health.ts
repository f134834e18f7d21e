/**
 * The health of origins. It belongs to the origin, not to a stream: one dead origin is found once, avoided by
 * all, tried again by one probe with back-off, and welcomed back.
 */

import { EventEmitter, once } from 'node:events';
import type { OriginAddress } from '../conf/model.ts';
import { originName } from './address.ts';
import type { UpstreamError } from './errors.ts';

export type OriginState = 'up' | 'suspect' | 'down';

/** What is known of an origin, for the API and metrics. */
export interface OriginReport {
  readonly name: string;
  readonly state: OriginState;
  /** Why it is not up, in words; empty when it is. */
  readonly reason: string;
  /** Milliseconds since the epoch of the last change of state. */
  readonly sinceMs: number;
  readonly failures: number;
  /** Connections that carry a stream to or from it. */
  readonly connections: number;
}

export interface HealthOptions {
  /** Tries the origin once; rejects with an UpstreamError when it is not well. */
  readonly probe: (address: OriginAddress, signal: AbortSignal) => Promise<void>;
  readonly probeMinMs: number;
  readonly probeMaxMs: number;
  /** Greatest delay between probes while a stream waits for the origin. */
  readonly retryMaxMs: number;
  readonly changed: (report: OriginReport) => void;
}

interface Entry {
  readonly address: OriginAddress;
  state: OriginState;
  reason: string;
  sinceMs: number;
  /** Failed probes in a row. */
  failures: number;
  connections: number;
  timer: NodeJS.Timeout | undefined;
  probing: AbortController | undefined;
}

export class OriginHealth {
  readonly #options: HealthOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #recovered = new EventEmitter();
  #waiting = 0;

  constructor(options: HealthOptions) {
    this.#options = options;
    this.#recovered.setMaxListeners(0);
  }

  state(address: OriginAddress): OriginState {
    return this.#entries.get(originName(address))?.state ?? 'up';
  }

  reports(): OriginReport[] {
    return [...this.#entries.values()].map(report);
  }

  /** Makes known which origins the configuration names; others are forgotten. */
  retain(addresses: readonly OriginAddress[]): void {
    const names = new Set(addresses.map(originName));
    for (const [name, entry] of this.#entries) {
      if (names.has(name) || entry.connections > 0) continue;
      this.#stopProbing(entry);
      this.#entries.delete(name);
    }
    for (const address of addresses) this.#entry(address);
  }

  /** The origin has answered as it should. */
  succeeded(address: OriginAddress): void {
    const entry = this.#entry(address);
    entry.failures = 0;
    this.#stopProbing(entry);
    this.#set(entry, 'up', '');
  }

  /** A connection failed. What speaks against the origin sets it aside; what may be an accident has it checked. */
  failed(address: OriginAddress, error: UpstreamError): void {
    const entry = this.#entry(address);
    if (error.blamesOrigin) this.#setAside(entry, error.message);
    else if (error.failure === 'broken' && entry.state === 'up') {
      this.#set(entry, 'suspect', error.message);
      this.#probe(entry);
    }
  }

  /** Counts a connection in use; call the result when it is over. */
  connected(address: OriginAddress): () => void {
    const entry = this.#entry(address);
    entry.connections++;
    let over = false;
    return () => {
      if (!over) entry.connections--;
      over = true;
    };
  }

  /** Resolves when one of these origins is not down. While anyone waits, probes come at least every `retryMaxMs`. */
  async available(addresses: readonly OriginAddress[], signal: AbortSignal): Promise<void> {
    this.#waiting++;
    try {
      for (const address of addresses) this.#hurry(this.#entry(address));
      while (addresses.every((address) => this.state(address) === 'down')) {
        await once(this.#recovered, 'up', { signal });
      }
    } finally {
      this.#waiting--;
    }
  }

  /** Stops all probes. */
  close(): void {
    for (const entry of this.#entries.values()) this.#stopProbing(entry);
    this.#entries.clear();
  }

  #entry(address: OriginAddress): Entry {
    const name = originName(address);
    let entry = this.#entries.get(name);
    if (entry === undefined) {
      entry = {
        address,
        state: 'up',
        reason: '',
        sinceMs: Date.now(),
        failures: 0,
        connections: 0,
        timer: undefined,
        probing: undefined,
      };
      this.#entries.set(name, entry);
    }
    return entry;
  }

  #set(entry: Entry, state: OriginState, reason: string): void {
    entry.reason = reason;
    if (entry.state === state) return;
    const wasDown = entry.state === 'down';
    entry.state = state;
    entry.sinceMs = Date.now();
    this.#options.changed(report(entry));
    if (wasDown) this.#recovered.emit('up');
  }

  #setAside(entry: Entry, reason: string): void {
    this.#set(entry, 'down', reason);
    if (entry.timer === undefined && entry.probing === undefined) this.#schedule(entry);
  }

  /** Exponential back-off with full jitter in its upper half, so that edges do not probe in step. */
  #schedule(entry: Entry): void {
    const { probeMinMs, probeMaxMs, retryMaxMs } = this.#options;
    const greatest = this.#waiting > 0 ? Math.min(probeMaxMs, retryMaxMs) : probeMaxMs;
    const delayMs = Math.min(probeMinMs * 2 ** Math.min(entry.failures, 20), greatest);
    entry.timer = setTimeout(() => this.#probe(entry), delayMs * (0.5 + Math.random() / 2));
  }

  /** A stream has begun to wait for this origin: the next probe must not be far. */
  #hurry(entry: Entry): void {
    if (entry.state !== 'down' || entry.timer === undefined) return;
    clearTimeout(entry.timer);
    entry.failures = 0;
    this.#schedule(entry);
  }

  #probe(entry: Entry): void {
    clearTimeout(entry.timer);
    entry.timer = undefined;
    const probing = new AbortController();
    entry.probing = probing;
    this.#options.probe(entry.address, probing.signal).then(
      () => {
        if (probing.signal.aborted) return;
        entry.probing = undefined;
        entry.failures = 0;
        this.#set(entry, 'up', '');
      },
      (error: Error) => {
        if (probing.signal.aborted) return;
        entry.probing = undefined;
        entry.failures++;
        this.#setAside(entry, error.message);
      },
    );
  }

  #stopProbing(entry: Entry): void {
    clearTimeout(entry.timer);
    entry.timer = undefined;
    entry.probing?.abort();
    entry.probing = undefined;
  }
}

function report(entry: Entry): OriginReport {
  const { state, reason, sinceMs, failures, connections } = entry;
  return { name: originName(entry.address), state, reason, sinceMs, failures, connections };
}

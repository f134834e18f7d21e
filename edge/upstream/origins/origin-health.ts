/**
 * The health of origins. It belongs to the origin, not to a stream: one dead origin is found once, avoided by
 * all, tried again by one probe with back-off, and welcomed back. One that nobody uses is probed now and then.
 */

import { EventEmitter, once } from 'node:events';
import type { OriginAddress } from '../../conf/model.ts';
import { originName } from '../connection/address.ts';
import { isExhausted, UpstreamError } from '../connection/errors.ts';

/** `untried`: nothing has been learned of it yet. It is chosen like one that is up. */
export type OriginState = 'untried' | 'up' | 'suspect' | 'down';

/** What is known of an origin, for the API and metrics. */
export interface OriginReport {
  readonly name: string;
  readonly state: OriginState;
  /** Why it is suspect or down, in words; else empty. */
  readonly reason: string;
  /** Milliseconds since the epoch of the last change of state. */
  readonly sinceMs: number;
  readonly failures: number;
  /** Connections that carry a stream to or from it. */
  readonly connections: number;
}

export interface ProbeTimes {
  /** Delay before an origin that failed is probed: first and greatest. */
  readonly probeMinMs: number;
  readonly probeMaxMs: number;
  /** The same while a stream waits for the origin. */
  readonly retryMinMs: number;
  readonly retryMaxMs: number;
  /** An origin of which nothing was heard for this long, and that nobody uses, is probed; 0: it never is. */
  readonly checkIntervalMs: number;
}

/** The first check of an origin comes within this time; edges that start together must not come together. */
const firstCheckMs = 3_000;

/** An origin that fails again within so many of the longest delays has not been well in between. */
const relapseFactor = 2;

export interface HealthOptions {
  /** Tries the origin once; rejects with an UpstreamError when it is not well. */
  readonly probe: (address: OriginAddress, signal: AbortSignal) => Promise<void>;
  /** Asked before each probe: they may change while running. */
  readonly times: () => ProbeTimes;
  readonly changed: (report: OriginReport) => void;
}

/** `listed` by the configuration, `found` by a look-up, or `passing`: where an origin has redirected to. */
type Standing = 'listed' | 'found' | 'passing';

interface Entry {
  readonly address: OriginAddress;
  state: OriginState;
  reason: string;
  /** Local monotonic time: the system's clock may jump. */
  sinceMs: number;
  standing: Standing;
  /** Failed probes in a row. */
  failures: number;
  /** Times in a row that it was set aside soon after it had been before: a probe that succeeds does not make it well. */
  relapses: number;
  /** Local monotonic time at which it was last set aside. */
  setAsideMs: number;
  connections: number;
  /** Streams that wait for it. */
  waiting: number;
  /** The next probe: a trial of one that is down, a check of another. */
  timer: NodeJS.Timeout | undefined;
  /** Local monotonic time at which the timer fires. */
  dueMs: number;
  probing: AbortController | undefined;
  /** It is asked whether it answers. */
  answering: Promise<boolean> | undefined;
}

export class OriginHealth {
  readonly #options: HealthOptions;
  readonly #entries = new Map<string, Entry>();
  /** `change`: an origin is no longer down, or others are named by the configuration. */
  readonly #events = new EventEmitter();
  /** Another number whenever an origin's state, or which origins the configuration names, has changed. */
  epoch = 0;
  readonly #closing = new AbortController();

  constructor(options: HealthOptions) {
    this.#options = options;
    this.#events.setMaxListeners(0);
  }

  state(address: OriginAddress): OriginState {
    return this.#entries.get(originName(address))?.state ?? 'untried';
  }

  /** Of the listed origins, and of others that carry a stream. */
  reports(): OriginReport[] {
    const entries = [...this.#entries.values()];
    return entries.filter(({ standing, connections }) => standing === 'listed' || connections > 0).map(report);
  }

  /**
   * Makes known which origins there are: those that the configuration lists, and those that were looked up. Others are
   * forgotten.
   */
  retain(listed: readonly OriginAddress[], found: readonly OriginAddress[] = []): void {
    if (this.#closing.signal.aborted) return;
    const standings = new Map<string, Standing>(found.map((address) => [originName(address), 'found']));
    for (const address of listed) standings.set(originName(address), 'listed');
    this.epoch++;
    for (const [name, entry] of this.#entries) {
      entry.standing = standings.get(name) ?? 'passing';
      this.#forgetUnused(entry);
    }
    for (const address of [...listed, ...found]) {
      const entry = this.#entry(address);
      entry.standing = standings.get(originName(address)) ?? 'passing';
      if (entry.state !== 'down' && entry.probing === undefined) this.#planCheck(entry);
    }
    this.#events.emit('change');
  }

  /** The origin has answered as it should. */
  succeeded(address: OriginAddress): void {
    const entry = this.#entries.get(originName(address));
    if (entry === undefined) return;
    this.#stopProbing(entry);
    this.#well(entry);
  }

  /**
   * A connection failed. What speaks against the origin sets it aside; what may be an accident has it checked. Where an
   * origin has redirected to is nobody's choice: failures there concern one stream.
   */
  failed(address: OriginAddress, error: UpstreamError): void {
    const entry = this.#entries.get(originName(address));
    if (entry === undefined || entry.standing === 'passing') return;
    if (error.blamesOrigin) this.#setAside(entry, error.reason);
    else if (error.failure === 'broken') this.#doubt(entry, error.reason);
  }

  /** A connection failed for a reason that may be its own, an origin's slowness say: the origin is checked. */
  doubted(address: OriginAddress, { reason }: UpstreamError): void {
    const entry = this.#entries.get(originName(address));
    if (entry !== undefined && entry.standing !== 'passing') this.#doubt(entry, reason);
  }

  /** Whether the origin shakes hands right now. It is asked once for all who want to know in the same moment. */
  answers(address: OriginAddress): Promise<boolean> {
    const entry = this.#entry(address);
    entry.answering ??= this.#answers(entry).finally(() => {
      entry.answering = undefined;
      this.#forgetUnused(entry);
    });
    return entry.answering;
  }

  /** Counts a connection in use; call the result when it has ended. */
  connected(address: OriginAddress): () => void {
    const entry = this.#entry(address);
    entry.connections++;
    let ended = false;
    return () => {
      if (ended) return;
      ended = true;
      entry.connections--;
      this.#forgetUnused(entry);
    };
  }

  /**
   * Resolves when one of these origins is not down. While anyone waits for an origin, it is probed sooner.
   * @param addresses asked again whenever the configuration has changed
   */
  async available(addresses: () => readonly OriginAddress[], signal: AbortSignal): Promise<void> {
    for (;;) {
      const entries = addresses().map((address) => this.#entry(address));
      if (entries.some(({ state }) => state !== 'down')) return;
      for (const entry of entries) this.#hurry(entry);
      try {
        await once(this.#events, 'change', { signal });
      } finally {
        for (const entry of entries) entry.waiting--;
      }
    }
  }

  /** Stops all probes, for good. */
  close(): void {
    this.#closing.abort();
    for (const entry of this.#entries.values()) this.#stopProbing(entry);
    this.#entries.clear();
  }

  async #answers({ address }: Entry): Promise<boolean> {
    try {
      await this.#options.probe(address, this.#closing.signal);
      return true;
    } catch {
      return false;
    }
  }

  #entry(address: OriginAddress): Entry {
    const name = originName(address);
    let entry = this.#entries.get(name);
    if (entry === undefined) {
      entry = {
        address,
        state: 'untried',
        reason: '',
        sinceMs: performance.now(),
        standing: 'passing',
        failures: 0,
        relapses: 0,
        setAsideMs: Number.NEGATIVE_INFINITY,
        connections: 0,
        waiting: 0,
        timer: undefined,
        dueMs: 0,
        probing: undefined,
        answering: undefined,
      };
      this.#entries.set(name, entry);
    }
    return entry;
  }

  #set(entry: Entry, state: OriginState, reason: string): void {
    entry.reason = reason;
    if (entry.state === state) return;
    this.epoch++;
    const wasDown = entry.state === 'down';
    entry.state = state;
    entry.sinceMs = performance.now();
    this.#options.changed(report(entry));
    if (wasDown) this.#events.emit('change');
  }

  #doubt(entry: Entry, reason: string): void {
    if (entry.state !== 'up' && entry.state !== 'untried') return;
    this.#set(entry, 'suspect', reason);
    this.#probe(entry);
  }

  #well(entry: Entry): void {
    entry.failures = 0;
    this.#set(entry, 'up', '');
    this.#planCheck(entry);
  }

  #setAside(entry: Entry, reason: string): void {
    // What is planned for one that is down is a trial already; for another it is a check, which is far off.
    const planned = entry.state === 'down' && entry.timer !== undefined;
    if (entry.state !== 'down') this.#countRelapse(entry);
    this.#set(entry, 'down', reason);
    if (!planned && entry.probing === undefined) this.#schedule(entry, this.#delayMs(entry));
  }

  #countRelapse(entry: Entry): void {
    const nowMs = performance.now();
    const isRelapse = nowMs - entry.setAsideMs < relapseFactor * this.#options.times().probeMaxMs;
    entry.relapses = isRelapse ? entry.relapses + 1 : 0;
    entry.setAsideMs = nowMs;
  }

  /** Plans the next look at an origin that is not down: an interval from now, or soon if nothing is known of it. */
  #planCheck(entry: Entry): void {
    const { checkIntervalMs } = this.#options.times();
    if (checkIntervalMs === 0 || entry.standing !== 'listed') return;
    const jitter = Math.random();
    const first = entry.state === 'untried';
    const delayMs = first ? Math.min(checkIntervalMs, firstCheckMs) * jitter : checkIntervalMs * (0.75 + jitter / 2);
    // Only ever sooner: configurations that change one after another must not put it off.
    if (entry.timer === undefined || performance.now() + delayMs < entry.dueMs) this.#schedule(entry, delayMs);
  }

  /** An origin in use is watched by those who use it. */
  #due(entry: Entry): void {
    entry.timer = undefined;
    if (entry.state === 'down' && entry.standing === 'found' && entry.waiting === 0) return this.#giveUp(entry);
    if (entry.state === 'down') return this.#probe(entry);
    if (this.#options.times().checkIntervalMs === 0) return;
    if (entry.connections === 0) this.#probe(entry);
    else this.#planCheck(entry);
  }

  /** Nobody needs what was looked up once, and the address may be somebody else's by now: who needs it tries it. */
  #giveUp(entry: Entry): void {
    entry.failures++;
    this.#set(entry, 'untried', '');
  }

  /** Exponential back-off with full jitter in its upper half, so that edges do not probe in step. */
  #delayMs(entry: Entry): number {
    const { probeMinMs, probeMaxMs, retryMinMs, retryMaxMs } = this.#options.times();
    const awaited = entry.waiting > 0;
    const least = awaited ? Math.min(probeMinMs, retryMinMs) : probeMinMs;
    const greatest = awaited ? Math.min(probeMaxMs, retryMaxMs) : probeMaxMs;
    const doublings = Math.min(entry.failures + entry.relapses, 20);
    return Math.min(least * 2 ** doublings, greatest) * (0.5 + Math.random() / 2);
  }

  #schedule(entry: Entry, delayMs: number): void {
    clearTimeout(entry.timer);
    entry.dueMs = performance.now() + delayMs;
    entry.timer = setTimeout(() => this.#due(entry), delayMs);
  }

  /** A stream has begun to wait for this origin: the next probe must not be far. */
  #hurry(entry: Entry): void {
    entry.waiting++;
    if (entry.timer === undefined) return;
    if (entry.waiting === 1) entry.failures = 0;
    const delayMs = this.#delayMs(entry);
    // Only ever sooner: streams that begin to wait one after another must not put the probe off.
    if (performance.now() + delayMs < entry.dueMs) this.#schedule(entry, delayMs);
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
        this.#well(entry);
      },
      (error: Error) => {
        if (probing.signal.aborted) return;
        entry.probing = undefined;
        // Nothing was learned of the origin.
        if (isExhausted(error)) return this.#schedule(entry, this.#delayMs(entry));
        entry.failures++;
        this.#setAside(entry, error instanceof UpstreamError ? error.reason : error.message);
      },
    );
  }

  #forgetUnused(entry: Entry): void {
    const isUsed = entry.connections > 0 || entry.answering !== undefined;
    if (entry.standing !== 'passing' || isUsed) return;
    this.#stopProbing(entry);
    this.#entries.delete(originName(entry.address));
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
  const epochMs = Math.round(Date.now() - (performance.now() - sinceMs));
  return { name: originName(entry.address), state, reason, sinceMs: epochMs, failures, connections };
}

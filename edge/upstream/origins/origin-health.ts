/**
 * The health of origins. It belongs to the origin, not to a stream: one dead origin is found once, avoided by
 * all, tried again by one probe with back-off, and welcomed back. One that nobody uses is probed now and then.
 */

import { EventEmitter, once } from 'node:events';
import type { OriginAddress } from '../../conf/model.ts';
import { originName } from '../connection/address.ts';
import { isExhausted, UpstreamError, type UpstreamFailure } from '../connection/errors.ts';
import {
  newRecord,
  type OriginRecord,
  type OriginReport,
  type OriginState,
  reportOf,
  type Standing,
} from './origin-record.ts';
import { checkDelayMs, isRelapse, type ProbeTimes, trialDelayMs } from './probe-delays.ts';

/** What an HTTP server is asked for where nothing else is meant. */
const root = '/';

/** Failures that may be an accident, or one stream's: the origin is asked whether it is well. */
const doubtful: ReadonlySet<UpstreamFailure> = new Set(['broken', 'undecided', 'stalled']);

export interface HealthOptions {
  /** Tries the origin once, by HTTP with this folder; rejects with an UpstreamError when it is not well. */
  readonly probe: (address: OriginAddress, signal: AbortSignal, folder: string) => Promise<void>;
  /** Asked before each probe: they may change while running. */
  readonly times: () => ProbeTimes;
  readonly changed: (report: OriginReport) => void;
}

export class OriginHealth {
  readonly #options: HealthOptions;
  readonly #records = new Map<string, OriginRecord>();
  /** `change`: an origin is no longer down, or others are named by the configuration. */
  readonly #events = new EventEmitter();
  /** Another number whenever an origin's state, or which origins there are, or the configuration has changed. */
  epoch = 0;
  readonly #closing = new AbortController();

  constructor(options: HealthOptions) {
    this.#options = options;
    this.#events.setMaxListeners(0);
  }

  state(address: OriginAddress): OriginState {
    return this.#records.get(originName(address))?.state ?? 'untried';
  }

  /** Of the listed origins, and of others that carry a stream. */
  reports(): OriginReport[] {
    const records = [...this.#records.values()];
    return records.filter(({ standing, connections }) => standing === 'listed' || connections > 0).map(reportOf);
  }

  /**
   * Makes known which origins there are: those that the configuration lists, and those that were looked up. Others are
   * forgotten.
   */
  retain(listed: readonly OriginAddress[], found: readonly OriginAddress[] = []): void {
    if (this.#closing.signal.aborted) return;
    const standings = new Map<string, Standing>(found.map((address) => [originName(address), 'found']));
    for (const address of listed) standings.set(originName(address), 'listed');
    for (const [name, record] of this.#records) {
      this.#stand(record, standings.get(name) ?? 'passing');
      this.#forgetUnused(record);
    }
    for (const address of [...listed, ...found]) {
      const record = this.#record(address);
      this.#stand(record, standings.get(originName(address)) ?? 'passing');
      if (record.state !== 'down' && record.probing === undefined) this.#planCheck(record);
    }
    this.#events.emit('change');
  }

  /** The origin has answered as it should. */
  succeeded(address: OriginAddress): void {
    const record = this.#records.get(originName(address));
    if (record === undefined) return;
    this.#stopProbing(record);
    this.#well(record);
  }

  /**
   * A connection failed. What speaks against the origin sets it aside; what may be an accident has it checked. Where an
   * origin has redirected to is nobody's choice: failures there concern one stream.
   */
  failed(address: OriginAddress, error: UpstreamError): void {
    const record = this.#records.get(originName(address));
    if (record === undefined || record.standing === 'passing') return;
    if (error.blamesOrigin) this.#setAside(record, error.reason);
    else if (doubtful.has(error.failure)) this.#doubt(record, error.reason);
  }

  /** A connection failed for a reason that may be its own, an origin's slowness say: the origin is checked. */
  doubted(address: OriginAddress, { reason }: UpstreamError): void {
    const record = this.#records.get(originName(address));
    if (record !== undefined && record.standing !== 'passing') this.#doubt(record, reason);
  }

  /** Whether the origin shakes hands right now. It is asked once for all who want to know in the same moment. */
  answers(address: OriginAddress, folder = root): Promise<boolean> {
    const record = this.#record(address);
    const present = record.answering.get(folder);
    if (present !== undefined) return present;
    const answers = this.#answers(record, folder).finally(() => {
      record.answering.delete(folder);
      this.#forgetUnused(record);
    });
    record.answering.set(folder, answers);
    return answers;
  }

  /** Counts a connection in use; call the result when it has ended. */
  connected(address: OriginAddress): () => void {
    const record = this.#record(address);
    record.connections++;
    let ended = false;
    return () => {
      if (ended) return;
      ended = true;
      record.connections--;
      this.#forgetUnused(record);
    };
  }

  /**
   * Resolves when one of these origins is not down. While anyone waits for an origin, it is probed sooner.
   * @param addresses asked again whenever the configuration has changed
   */
  async available(addresses: () => readonly OriginAddress[], signal: AbortSignal): Promise<void> {
    for (;;) {
      const records = addresses().map((address) => this.#record(address));
      if (records.some(({ state }) => state !== 'down')) return;
      for (const record of records) this.#hurry(record);
      try {
        await once(this.#events, 'change', { signal });
      } finally {
        for (const record of records) record.waiting--;
      }
    }
  }

  /** Stops all probes, for good. */
  close(): void {
    this.#closing.abort();
    for (const record of this.#records.values()) this.#stopProbing(record);
    this.#records.clear();
  }

  async #answers({ address }: OriginRecord, folder: string): Promise<boolean> {
    try {
      await this.#options.probe(address, this.#closing.signal, folder);
      return true;
    } catch {
      return false;
    }
  }

  #record(address: OriginAddress): OriginRecord {
    const name = originName(address);
    let record = this.#records.get(name);
    if (record === undefined) {
      record = newRecord(address);
      this.#records.set(name, record);
    }
    return record;
  }

  #stand(record: OriginRecord, standing: Standing): void {
    if (record.standing === standing) return;
    this.epoch++;
    record.standing = standing;
  }

  #set(record: OriginRecord, state: OriginState, reason: string): void {
    record.reason = reason;
    if (record.state === state) return;
    this.epoch++;
    const wasDown = record.state === 'down';
    record.state = state;
    record.sinceMs = performance.now();
    this.#options.changed(reportOf(record));
    if (wasDown) this.#events.emit('change');
  }

  #doubt(record: OriginRecord, reason: string): void {
    if (record.state !== 'up' && record.state !== 'untried') return;
    this.#set(record, 'suspect', reason);
    this.#probe(record);
  }

  #well(record: OriginRecord): void {
    record.failures = 0;
    if (record.state === 'down' || record.state === 'untried') record.upSinceMs = performance.now();
    this.#set(record, 'up', '');
    this.#planCheck(record);
  }

  #setAside(record: OriginRecord, reason: string): void {
    // What is planned for one that is down is a trial already; for another it is a check, which is far off.
    const planned = record.state === 'down' && record.timer !== undefined;
    if (record.state !== 'down') this.#countRelapse(record);
    this.#set(record, 'down', reason);
    if (!planned && record.probing === undefined) this.#scheduleTrial(record);
  }

  #countRelapse(record: OriginRecord): void {
    const nowMs = performance.now();
    record.relapses = isRelapse(record, nowMs, this.#options.times()) ? record.relapses + 1 : 0;
    record.setAsideMs = nowMs;
  }

  /** Plans the next look at an origin that is not down. */
  #planCheck(record: OriginRecord): void {
    const times = this.#options.times();
    if (times.checkIntervalMs === 0 || record.standing !== 'listed') return;
    const delayMs = checkDelayMs(record, times);
    // Only ever sooner: configurations that change one after another must not put it off.
    if (record.timer === undefined || performance.now() + delayMs < record.dueMs) this.#schedule(record, delayMs);
  }

  /** An origin in use is watched by those who use it. */
  #due(record: OriginRecord): void {
    record.timer = undefined;
    if (record.state === 'down' && record.standing === 'found' && record.waiting === 0) return this.#giveUp(record);
    if (record.state === 'down') return this.#probe(record);
    if (this.#options.times().checkIntervalMs === 0) return;
    if (record.connections === 0) this.#probe(record);
    else this.#planCheck(record);
  }

  /** Nobody needs what was looked up once, and the address may be somebody else's by now: who needs it tries it. */
  #giveUp(record: OriginRecord): void {
    record.failures++;
    this.#set(record, 'untried', '');
  }

  #scheduleTrial(record: OriginRecord): void {
    this.#schedule(record, trialDelayMs(record, this.#options.times()));
  }

  #schedule(record: OriginRecord, delayMs: number): void {
    clearTimeout(record.timer);
    record.dueMs = performance.now() + delayMs;
    record.timer = setTimeout(() => this.#due(record), delayMs);
  }

  /** A stream has begun to wait for this origin: the next probe must not be far. */
  #hurry(record: OriginRecord): void {
    record.waiting++;
    if (record.waiting === 1) record.failures = 0;
    // It is being probed.
    if (record.timer === undefined) return;
    const delayMs = trialDelayMs(record, this.#options.times());
    // Only ever sooner: streams that begin to wait one after another must not put the probe off.
    if (performance.now() + delayMs < record.dueMs) this.#schedule(record, delayMs);
  }

  #probe(record: OriginRecord): void {
    clearTimeout(record.timer);
    record.timer = undefined;
    const probing = new AbortController();
    record.probing = probing;
    this.#options.probe(record.address, probing.signal, root).then(
      () => {
        if (probing.signal.aborted) return;
        record.probing = undefined;
        this.#well(record);
      },
      (error: Error) => {
        if (probing.signal.aborted) return;
        record.probing = undefined;
        // Nothing was learned of the origin.
        if (isExhausted(error)) return this.#scheduleTrial(record);
        record.failures++;
        this.#setAside(record, error instanceof UpstreamError ? error.reason : error.message);
      },
    );
  }

  #forgetUnused(record: OriginRecord): void {
    const isUsed = record.connections > 0 || record.answering.size > 0;
    if (record.standing !== 'passing' || isUsed) return;
    this.#stopProbing(record);
    this.#records.delete(originName(record.address));
  }

  #stopProbing(record: OriginRecord): void {
    clearTimeout(record.timer);
    record.timer = undefined;
    record.probing?.abort();
    record.probing = undefined;
  }
}

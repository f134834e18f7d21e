/**
 * What is known of one origin, and what is planned for it.
 */

import type { OriginAddress } from '../../conf/model.ts';
import { originName } from '../connection/address.ts';

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

/** `listed` by the configuration, `found` by a look-up, or `passing`: where an origin has redirected to. */
export type Standing = 'listed' | 'found' | 'passing';

export interface OriginRecord {
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
  /** Local monotonic time since which it has been up, doubts in between included. */
  upSinceMs: number;
  connections: number;
  /** Streams that wait for it. */
  waiting: number;
  /** The next probe: a trial of one that is down, a check of another. */
  timer: NodeJS.Timeout | undefined;
  /** Local monotonic time at which the timer fires. */
  dueMs: number;
  probing: AbortController | undefined;
  /** It is asked whether it answers: by the folder that is asked for. */
  readonly answering: Map<string, Promise<boolean>>;
}

/** Of an origin of which nothing is known. */
export function newRecord(address: OriginAddress): OriginRecord {
  return {
    address,
    state: 'untried',
    reason: '',
    sinceMs: performance.now(),
    standing: 'passing',
    failures: 0,
    relapses: 0,
    setAsideMs: Number.NEGATIVE_INFINITY,
    upSinceMs: Number.NEGATIVE_INFINITY,
    connections: 0,
    waiting: 0,
    timer: undefined,
    dueMs: 0,
    probing: undefined,
    answering: new Map(),
  };
}

export function reportOf({ address, state, reason, sinceMs, failures, connections }: OriginRecord): OriginReport {
  const epochMs = Math.round(Date.now() - (performance.now() - sinceMs));
  return { name: originName(address), state, reason, sinceMs: epochMs, failures, connections };
}

/**
 * What every pull and push of this process shares.
 */

import type { Logger } from 'pino';
import type { MediaMemory } from '../budget/media-memory.ts';
import type { PausedReaders } from '../budget/readers.ts';
import type { HttpPings } from './connection/http-pings.ts';
import type { OriginKeys } from './connection/origin-keys.ts';
import type { ClientVerdicts } from './origins/client-verdicts.ts';
import type { Locator } from './origins/locator.ts';
import type { StreamMemory } from './origins/memory.ts';
import type { OriginHealth } from './origins/origin-health.ts';
import type { OriginReport } from './origins/origin-record.ts';
import type { Origins } from './origins/origins.ts';
import type { PushedStreams } from './origins/pushed-streams.ts';
import type { Turns } from './origins/turns.ts';

export interface UpstreamContext {
  readonly log: Logger;
  readonly health: OriginHealth;
  readonly origins: Origins;
  readonly locator: Locator;
  readonly pings: HttpPings;
  readonly keys: OriginKeys;
  readonly memory: StreamMemory;
  readonly verdicts: ClientVerdicts;
  readonly pushed: PushedStreams;
  /** Who may have an origin asked for a name that nobody knows. */
  readonly turns: Turns;
  /** Where what is kept for origins is counted. */
  readonly mediaMemory: MediaMemory;
  /** Told to origins that ask who we are (`debug_srs_upnode`). */
  readonly serverId: string;
  readonly keepaliveMs: () => number;
  /** Counts origins that are not read for now. */
  readonly paused: PausedReaders;
  readonly counters: UpstreamCounters;
}

/** A stream, by its key, goes on from or to another origin. */
export interface OriginSwitch {
  readonly stream: string;
  readonly direction: 'pull' | 'push';
  readonly from: string;
  readonly to: string;
  /** How long players had no frame; 0 for a push. */
  readonly gapMs: number;
}

/** Process-wide counts for the exporter. */
export interface UpstreamCounters {
  pulls: number;
  pushes: number;
  /** Times that a stream went on from another origin, by direction. */
  pullSwitches: number;
  pushSwitches: number;
  /** Times that a stream was pushed again because its origin did not have it. */
  pushRepeats: number;
  pushDroppedGops: number;
  /** Messages of origins that could not be used and were passed over. */
  oddMessages: number;
  droppedHeaders: number;
  /** Told when a stream goes on from or to another origin. */
  switched: (origins: OriginSwitch) => void;
  /** Told how long it took until an origin was found that has a stream. */
  searches: (tookMs: number) => void;
  /** Told when an origin's state has changed. */
  originChanged: (report: OriginReport) => void;
}

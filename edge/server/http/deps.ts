/**
 * What the HTTP servers need of the rest of the edge beside the gateway. Wired in main.
 */

import type { Difference } from '../../conf/diff.ts';
import type { LogCounts } from '../../log/log.ts';

/** What is known of an origin. */
export interface OriginStatus {
  readonly name: string;
  readonly state: 'untried' | 'up' | 'suspect' | 'down';
  /** Why it is not up, in words; empty when it is. */
  readonly reason: string;
  /** Milliseconds since the epoch of the last change of state. */
  readonly sinceMs: number;
  readonly failures: number;
  /** Connections that carry a stream to or from it. */
  readonly connections: number;
}

/** Counts since the start. */
export interface OriginCounters {
  readonly pulls: number;
  readonly pushes: number;
  /** Times that a stream went on from another origin, by direction. */
  readonly pullSwitches: number;
  readonly pushSwitches: number;
  readonly pushRepeats: number;
  readonly pushDroppedGops: number;
  readonly oddMessages: number;
  readonly droppedHeaders: number;
}

/** How often DNS was asked for origins since the start, by how that ended, and how many addresses are known by it. */
export interface LookupFigures {
  readonly counts: Readonly<Record<'found' | 'empty' | 'failed', number>>;
  readonly addresses: number;
}

/** How taking over a changed configuration went. */
export type ReloadOutcome =
  | { readonly ok: true; readonly atMs: number; readonly difference: Difference }
  /** The running configuration stays in force. */
  | { readonly ok: false; readonly atMs: number; readonly error: string };

export interface ConfigInForce {
  /** `configHash` of its file's text. */
  readonly hash: string;
  /** Paths of directives whose new values wait for a restart. */
  readonly needsRestart: readonly string[];
}

export interface HttpDeps {
  /** Whether new clients are taken: false before the listeners are open, and when a stopping edge has closed them. */
  accepting(): boolean;
  origins(): readonly OriginStatus[];
  counters(): OriginCounters;
  lookups(): LookupFigures;
  /** How often `locate_url` was asked where a stream is, by how that ended. */
  locateCounts(): LookupFigures['counts'];
  /** Callbacks (`on_close`, `on_stop`, `on_unpublish`) that were not sent because too many waited for an answer. */
  lostCallbacks(): number;
  /** Callbacks that have no answer yet. */
  callbacksUnderWay(): number;
  /** Reads the configuration again and applies it; never fails, but says how it went. */
  reload(): Promise<ReloadOutcome>;
  /** What the edge runs with: what was refused since changes nothing of it. */
  config(): ConfigInForce;
  /** How the last reload went, if there was one. */
  lastReload(): ReloadOutcome | undefined;
  logCounts(): LogCounts;
}

/** Kills the origin in use, brings it back after a while, and again, for as long as the demo runs. */

import { setTimeout as delay } from 'node:timers/promises';
import type { Origin } from './servers.ts';

/** All playing before the first kill; how long an origin is away; both there before the next kill. */
const calmMs = 3_000;
const awayMs = 4_000;
const backMs = 5_000;
/** Nothing is killed in the last moments: players are to be seen going on. */
const lastMs = 2_000;

/** The least time in which an origin is killed, seconds. */
export const leastSeconds = (calmMs + lastMs) / 1_000;

export interface OutageEvents {
  /** The origin to kill; undefined while not both have the stream. */
  inUse(): Promise<Origin | undefined>;
  kill(origin: Origin): Promise<void>;
  revive(origin: Origin): Promise<void>;
}

/** Runs until `signal` says so; throws when an origin cannot be killed or brought back. */
export async function causeOutages(events: OutageEvents, endMs: number, signal: AbortSignal): Promise<void> {
  for (await delay(calmMs, undefined, { signal }); ; await delay(backMs, undefined, { signal })) {
    // A moment more or less must not decide whether the shortest demo kills at all.
    if (performance.now() > endMs - lastMs + calmMs / 10) return;
    const origin = await events.inUse();
    if (origin === undefined) continue;
    await events.kill(origin);
    await delay(awayMs, undefined, { signal });
    await events.revive(origin);
  }
}

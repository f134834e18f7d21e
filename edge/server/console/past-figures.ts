/**
 * The figures of the last ten minutes, for the console's lines: of the edge and of each stream. Every ten seconds it
 * reads what is counted anyway; nothing is done for a frame, and nothing at all while there is no console.
 *
 * Its room: 1,000 streams, those that were there first, with about 600 bytes each: 0.6 MB at most. A stream is
 * forgotten with the first look that does not find it any more.
 */

import type { LiveStream } from '../../stream/live-stream.ts';
import { streamKey } from '../../stream/name.ts';
import type { StreamRequest } from '../../stream/request.ts';
import { streamName } from '../../stream/request.ts';
import type { Gateway } from '../gateway.ts';
import { type StreamEntry, streamEntries } from '../http/figures.ts';
import { inTurns } from '../http/in-turns.ts';
import type { CpuShare, LoopLag } from '../http/system.ts';
import { perTurn, type Traffic } from '../http/traffic.ts';
import { Curve, pointEveryMs } from './curve.ts';
import { isConsoleWanted } from './wanted.ts';

const streamsMax = 1_000;

/** A stream that is younger tells no rate yet. */
const ageMinMs = 1_000;

/** What a stream has had in all, at a look. */
interface Totals {
  readonly atMs: number;
  readonly received: number;
  readonly sent: number;
  readonly videoFrames: number;
}

/** Rates of a stream: kilobits and video frames per second. */
export interface Rates {
  readonly inKbps: number;
  readonly outKbps: number;
  readonly videoFps: number;
}

export interface FirstFrames {
  /** From asking to the first frame, of the player that came last, and of the one that waited longest. Milliseconds. */
  readonly lastMs: number;
  readonly slowestMs: number;
}

/** Of this process, as they were at the last look. */
export interface ProcessFigures {
  readonly cpu: Pick<CpuShare, 'self'>;
  readonly loop: Pick<LoopLag, 'worstMs'>;
}

export class StreamPast {
  readonly inKbps: Curve = new Curve();
  readonly outKbps: Curve = new Curve();
  rates: Rates | undefined;
  firstFrames: FirstFrames | undefined;
  /** Whose totals these are: a stream that ended and began anew counts from zero. */
  live: LiveStream | undefined;
  before: Totals | undefined;
}

export class PastFigures {
  readonly cpuPercent: Curve = new Curve();
  readonly loopLagMs: Curve = new Curve();
  readonly outKbps: Curve = new Curve();
  readonly inKbps: Curve = new Curve();
  readonly #gateway: Gateway;
  readonly #traffic: Traffic;
  readonly #process: ProcessFigures;
  readonly #streams = new Map<string, StreamPast>();
  readonly #timer: NodeJS.Timeout;
  #before: Omit<Totals, 'videoFrames'> | undefined;
  #looking = false;

  constructor(gateway: Gateway, traffic: Traffic, process: ProcessFigures) {
    this.#gateway = gateway;
    this.#traffic = traffic;
    this.#process = process;
    gateway.clients.onFirstFrame((request, tookMs) => this.#firstFrame(request, tookMs));
    this.#timer = setInterval(() => void this.look(performance.now()), pointEveryMs).unref();
  }

  ofStream(key: string): StreamPast | undefined {
    return this.#streams.get(key);
  }

  /** Adds a point to each curve. Two looks never overlap. */
  async look(nowMs: number): Promise<void> {
    if (this.#looking) return;
    if (!isConsoleWanted(this.#gateway.config)) return this.#streams.clear();
    this.#looking = true;
    try {
      await this.#traffic.collect();
      this.#lookAtEdge(nowMs);
      const seen = new Set<string>();
      await inTurns(streamEntries(this.#gateway.hub), perTurn, (entry) => {
        const key = streamKey(entry.name);
        seen.add(key);
        const past = this.#pastOf(key);
        if (past !== undefined) this.#lookAt(past, entry, key, nowMs);
      });
      await inTurns([...this.#streams.keys()], perTurn, (key) => {
        if (!seen.has(key)) this.#streams.delete(key);
      });
    } finally {
      this.#looking = false;
    }
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #lookAtEdge(atMs: number): void {
    const { received, sent } = this.#traffic.total;
    const before = this.#before;
    this.#before = { atMs, received, sent };
    this.cpuPercent.add(this.#process.cpu.self * 100);
    this.loopLagMs.add(this.#process.loop.worstMs);
    if (before === undefined || atMs <= before.atMs) return;
    this.inKbps.add(perSecond(received - before.received, atMs - before.atMs) / 125);
    this.outKbps.add(perSecond(sent - before.sent, atMs - before.atMs) / 125);
  }

  #lookAt(past: StreamPast, { live }: StreamEntry, key: string, atMs: number): void {
    const { received, sent } = this.#traffic.ofStream(key);
    const now = {
      atMs,
      received: live?.stats.bytesReceived ?? received,
      sent,
      videoFrames: live?.stats.videoFrames ?? 0,
    };
    const rates =
      past.before !== undefined && past.live === live ? ratesBetween(past.before, now) : firstRates(live, now);
    Object.assign(past, { before: now, live, rates });
    past.inKbps.add(rates?.inKbps ?? 0);
    past.outKbps.add(rates?.outKbps ?? 0);
  }

  #firstFrame(request: StreamRequest, tookMs: number): void {
    if (!isConsoleWanted(this.#gateway.config)) return;
    const past = this.#pastOf(streamKey(streamName(request)));
    if (past === undefined) return;
    past.firstFrames = { lastMs: tookMs, slowestMs: Math.max(tookMs, past.firstFrames?.slowestMs ?? 0) };
  }

  #pastOf(key: string): StreamPast | undefined {
    const known = this.#streams.get(key);
    if (known !== undefined || this.#streams.size >= streamsMax) return known;
    const past = new StreamPast();
    this.#streams.set(key, past);
    return past;
  }
}

/** The rates of a stream as a row shows them: of the last ten seconds, or since it began. */
export function ratesNow(past: StreamPast | undefined, live: LiveStream | undefined): Rates | undefined {
  return past?.rates ?? firstRates(live);
}

function ratesBetween(before: Totals, now: Totals): Rates | undefined {
  const ms = now.atMs - before.atMs;
  if (ms <= 0) return undefined;
  return {
    inKbps: perSecond(now.received - before.received, ms) / 125,
    outKbps: perSecond(now.sent - before.sent, ms) / 125,
    videoFps: perSecond(now.videoFrames - before.videoFrames, ms),
  };
}

/** Of a stream that is looked at for the first time: over its whole life, which is short as a rule. */
function firstRates(live: LiveStream | undefined, now?: Totals): Rates | undefined {
  if (live === undefined || live.ageMs < ageMinMs) return undefined;
  const { bytesReceived, videoFrames } = live.stats;
  return {
    inKbps: perSecond(bytesReceived, live.ageMs) / 125,
    outKbps: perSecond(now?.sent ?? 0, live.ageMs) / 125,
    videoFps: perSecond(videoFrames, live.ageMs),
  };
}

/** Bytes per second are 125 to a kilobit per second. */
function perSecond(count: number, ms: number): number {
  return Math.max(0, (count * 1000) / ms);
}

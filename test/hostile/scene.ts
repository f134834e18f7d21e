/**
 * One row: an origin, an edge, honest clients and hostile ones, each in a process of its own. The attack is run
 * several times in a row against the same edge; everything is ended afterwards.
 */

import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { AttackOptions, Row, Target } from './attack.ts';
import { edgeConfig, originConfig } from './configs.ts';
import { Helper } from './helper.ts';
import type { HonestOptions, HonestReport } from './honest.ts';
import { MeasuredServer } from './server.ts';
import { Watch, type Watched } from './watch.ts';

export interface SceneOptions {
  /** Honest players of each kind. */
  readonly players: number;
  /** Longest time of an attack. */
  readonly seconds: number;
  readonly share: number;
  readonly runs: number;
  /** How long honest clients are watched before the first attack, and left alone after each. */
  readonly calmMs: number;
}

/** What one attack did. */
export interface Run {
  readonly honest: HonestReport;
  readonly watched: Watched;
  readonly peakMb: number;
  readonly originPeakMb: number;
  readonly afterMb: number;
  readonly logLines: number;
  readonly logBytes: number;
  readonly fate: string;
  /** What went wrong beside the figures: the edge ended, or did what the row calls wrong. */
  readonly faults: readonly string[];
}

export interface Outcome {
  readonly row: Row;
  /** What honest clients saw before. */
  readonly normal: HonestReport;
  readonly beforeMb: number;
  readonly runs: readonly Run[];
}

const file = (name: string): string => join(import.meta.dirname, name);
/** More than a row's own time: for an edge that is so busy that nobody gets through. */
const extraPatienceMs = 30_000;

export async function playRow(row: Row, options: SceneOptions): Promise<Outcome> {
  const ends: (() => unknown)[] = [];
  const own = <T extends { stop(): unknown }>(started: T): T => {
    ends.push(() => started.stop());
    return started;
  };
  try {
    const attacker = own(Helper.start(file('attacker.ts'), { row: row.name }));
    const hostilePort = await attacker.ask<number>('originPort');
    const origin = own(await MeasuredServer.start(originConfig));
    const setup = row.edge ?? {};
    const edge = own(
      await MeasuredServer.start((folder) => edgeConfig(folder, origin.port('rtmp'), hostilePort, setup), setup),
    );
    const target: Target = {
      ...{ rtmp: edge.port('rtmp'), rtmps: edge.port('rtmps'), http: edge.port('http'), https: edge.port('https') },
      ...{ api: edge.port('http-api'), origin: origin.port('rtmp') },
    };
    const { players } = options;
    const honestOptions: HonestOptions = {
      ...{ rtmpPort: target.rtmp, httpPort: target.http, originPort: target.origin, players },
    };
    const honest = own(Helper.start(file('honest.ts'), honestOptions));
    await honest.ask('gather');
    const watch = own(new Watch(edge, target.http));
    await delay(options.calmMs);
    const normal = await honest.ask<HonestReport>('report');
    const beforeMb = edge.memory()?.nowMb ?? 0;
    const runs: Run[] = [];
    while (runs.length < options.runs && edge.ended === undefined) {
      if (runs.length > 0) await honest.ask('gather');
      watch.report();
      const { seconds, share } = options;
      runs.push(await attack({ edge, origin, honest, attacker, watch }, { target, seconds, share }, options.calmMs));
    }
    return { row, normal, beforeMb, runs };
  } finally {
    for (const end of ends.reverse()) await end();
  }
}

interface Actors {
  readonly edge: MeasuredServer;
  readonly origin: MeasuredServer;
  readonly honest: Helper;
  readonly attacker: Helper;
  readonly watch: Watch;
}

async function attack(actors: Actors, options: AttackOptions, calmMs: number): Promise<Run> {
  const { edge, origin, honest, attacker, watch } = actors;
  const faults: string[] = [];
  edge.resetPeak();
  origin.resetPeak();
  const logBefore = edge.logCount();
  let fate = 'unknown';
  try {
    fate = await attacker.ask<string>('attack', options, options.seconds * 1000 + extraPatienceMs);
  } catch (error) {
    faults.push(error instanceof Error ? error.message : String(error));
  }
  const peakMb = edge.memory()?.peakMb ?? Number.NaN;
  // What went wrong may show only when the edge has got round to it: the calm belongs to the run.
  await delay(calmMs);
  const watched = watch.report();
  if (watched.killed) faults.push('killed: it took 3 GB');
  else if (edge.ended !== undefined) faults.push(`the edge ended: ${edge.ended}`);
  if (origin.ended !== undefined) faults.push(`the origin ended: ${origin.ended}`);
  const memory = edge.memory();
  const logAfter = edge.logCount();
  return {
    honest: await honest.ask<HonestReport>('report'),
    watched,
    peakMb: Math.max(peakMb, memory?.peakMb ?? Number.NaN),
    originPeakMb: origin.memory()?.peakMb ?? Number.NaN,
    afterMb: memory?.nowMb ?? Number.NaN,
    logLines: logAfter.lines - logBefore.lines,
    logBytes: logAfter.bytes - logBefore.bytes,
    fate,
    faults,
  };
}

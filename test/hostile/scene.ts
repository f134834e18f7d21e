/**
 * An origin, an edge, honest clients and hostile ones, each in a process of its own. Attacks are run one after the
 * other against the same edge.
 */

import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { AttackOrder, EdgeSetup, Row, Target } from './attack.ts';
import { edgeConfig, originConfig } from './configs.ts';
import { Helper } from './helper.ts';
import type { HonestOptions, HonestReport } from './honest.ts';
import { MeasuredServer } from './server.ts';
import { Watch, type Watched } from './watch.ts';

export interface AttackOptions {
  /** Longest time of an attack. */
  readonly seconds: number;
  /** 1 is all of it. */
  readonly share: number;
  /** How long honest clients are watched after an attack (and before the first one). */
  readonly calmMs: number;
}

export interface PlayOptions extends AttackOptions {
  /** Honest players of each kind. */
  readonly players: number;
  readonly runs: number;
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
/** An edge that does not answer for so long after an attack has stopped working. */
const answerPatienceMs = 8_000;
/** `linger` is 10 s by default. */
const lingerPatienceMs = 20_000;
/** One that the edge pulls, one that it pushes. */
const honestStreams = 2;

export class Scene {
  readonly #edge: MeasuredServer;
  readonly #origin: MeasuredServer;
  readonly #honest: Helper;
  readonly #attacker: Helper;
  readonly #watch: Watch;
  readonly #target: Target;

  private constructor(
    edge: MeasuredServer,
    origin: MeasuredServer,
    honest: Helper,
    attacker: Helper,
    watch: Watch,
    target: Target,
  ) {
    this.#edge = edge;
    this.#origin = origin;
    this.#honest = honest;
    this.#attacker = attacker;
    this.#watch = watch;
    this.#target = target;
  }

  /**
   * Resolves when all honest players have a picture.
   * @param players honest ones of each kind
   */
  static async start(setup: EdgeSetup, players: number): Promise<Scene> {
    const started: { stop(): unknown }[] = [];
    const own = <T extends { stop(): unknown }>(one: T): T => {
      started.push(one);
      return one;
    };
    try {
      const attacker = own(Helper.start(file('attacker.ts'), {}));
      const hostilePort = await attacker.ask<number>('originPort');
      const origin = own(await MeasuredServer.start(originConfig));
      const originPort = origin.port('rtmp');
      const edge = own(
        await MeasuredServer.start((folder) => edgeConfig(folder, originPort, hostilePort, setup), setup),
      );
      const [rtmp, rtmps, http, https] = [edge.port('rtmp'), edge.port('rtmps'), edge.port('http'), edge.port('https')];
      const [api, exporter] = [edge.port('http-api'), edge.port('exporter')];
      const target = { rtmp, rtmps, http, https, api, exporter, origin: originPort };
      const honestOptions: HonestOptions = { rtmpPort: rtmp, httpPort: http, originPort, players };
      const honest = own(Helper.start(file('honest.ts'), honestOptions));
      await honest.ask('gather');
      const watch = own(new Watch(edge, http));
      return new Scene(edge, origin, honest, attacker, watch, target);
    } catch (error) {
      for (const one of started.reverse()) await one.stop();
      throw error;
    }
  }

  /** Resident memory of the edge in MB. */
  get memoryMb(): number {
    return this.#edge.memory()?.nowMb ?? Number.NaN;
  }

  get edgeRuns(): boolean {
    return this.#edge.ended === undefined;
  }

  /** Brings back honest clients that were cut off. */
  async gather(): Promise<void> {
    await this.#honest.ask('gather');
  }

  /**
   * Waits until the edge has let go of the streams of an attack, which it keeps for `linger`: the memory of the next attack
   * shall not be measured on top of theirs.
   */
  async lingered(): Promise<void> {
    const url = `http://127.0.0.1:${this.#target.api}/api/v1/streams?count=1`;
    for (const untilMs = performance.now() + lingerPatienceMs; performance.now() < untilMs; await delay(250)) {
      const answer = await fetch(url, { signal: AbortSignal.timeout(answerPatienceMs) });
      if (((await answer.json()) as { readonly total: number }).total <= honestStreams) return;
    }
  }

  /** What honest clients see in so many milliseconds without an attack. */
  async calm(ms: number): Promise<HonestReport> {
    await this.#honest.ask<HonestReport>('report');
    await delay(ms);
    this.#watch.report();
    return this.#honest.ask<HonestReport>('report');
  }

  /** @param calmMs how long everything is watched on: what went wrong may show only later */
  async attack(row: Row, { seconds, share, calmMs }: AttackOptions): Promise<Run> {
    const [edge, origin] = [this.#edge, this.#origin];
    const faults: string[] = [];
    edge.resetPeak();
    origin.resetPeak();
    const logBefore = edge.logBytes;
    let fate = 'unknown';
    try {
      const order: AttackOrder = { row: row.name, target: this.#target, seconds, share };
      fate = await this.#attacker.ask<string>('attack', order, seconds * 1000 + extraPatienceMs);
    } catch (error) {
      faults.push(error instanceof Error ? error.message : String(error));
    }
    await delay(calmMs);
    if (!(await this.#watch.answers(answerPatienceMs))) faults.push('/readyz gets no answer');
    const watched = this.#watch.report();
    if (watched.killed) faults.push('killed: it took 3 GB');
    else if (edge.ended !== undefined) faults.push(`the edge ended: ${edge.ended}`);
    if (origin.ended !== undefined) faults.push(`the origin ended: ${origin.ended}`);
    const memory = edge.memory();
    const log = edge.logSince(logBefore);
    if (log.includes(`"origin":"127.0.0.1:${this.#target.origin}","state":"down"`)) {
      faults.push('the edge took its origin for dead');
    }
    return {
      honest: await this.#honest.ask<HonestReport>('report'),
      watched,
      peakMb: memory?.peakMb ?? Number.NaN,
      originPeakMb: origin.memory()?.peakMb ?? Number.NaN,
      afterMb: memory?.nowMb ?? Number.NaN,
      logLines: countLines(log),
      logBytes: log.length,
      fate,
      faults,
    };
  }

  async stop(): Promise<void> {
    for (const one of [this.#watch, this.#honest, this.#edge, this.#origin, this.#attacker]) await one.stop();
  }
}

function countLines(text: Buffer): number {
  let lines = 0;
  for (let at = text.indexOf(0x0a); at >= 0; at = text.indexOf(0x0a, at + 1)) lines++;
  return lines;
}

/** One row in a scene of its own. */
export async function playRow(row: Row, options: PlayOptions): Promise<Outcome> {
  const scene = await Scene.start(row.edge ?? {}, options.players);
  try {
    const normal = await scene.calm(options.calmMs);
    const beforeMb = scene.memoryMb;
    const runs: Run[] = [];
    while (runs.length < options.runs && scene.edgeRuns) {
      if (runs.length > 0) {
        await scene.gather();
        await scene.lingered();
      }
      runs.push(await scene.attack(row, options));
    }
    return { row, normal, beforeMb, runs };
  } finally {
    await scene.stop();
  }
}

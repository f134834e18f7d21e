/**
 * Driving the load program (load/load.c): it is built here, started with options, and reports when asked.
 */
import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import readline from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Program, run, start } from './processes.ts';

const SOURCES = import.meta.dirname;
const CACHE = path.join(SOURCES, '../../.cache/bench');

/** Milliseconds. */
export interface Spread {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export interface PlayReport {
  /** Length of the window that the counts are of. */
  readonly seconds: number;
  readonly count: number;
  /** Players that have had a picture and 20 KB, and are still connected. */
  readonly playing: number;
  /** Players that were refused or disconnected, since the start, and do not come back. */
  readonly gone: number;
  /** Connections that were lost after they had been served, since the start, with `rejoin`. */
  readonly cut: number;
  /** From a connection's loss to the next frame, in this window, with `rejoin`. */
  readonly back: Spread | null;
  readonly bytes: number;
  /** What the player that got least got; those that are gone do not count. */
  readonly leastBytes: number;
  /** How many players are parsed all the time; `audio` to `worstGapMs` are about them. */
  readonly sampled: number;
  readonly audio: number;
  readonly video: number;
  readonly keyFrames: number;
  /** Messages whose time lies before that of the one before. */
  readonly backwards: number;
  /** Greatest step in the times of one player's audio or video. */
  readonly worstStepMs: number;
  /** Longest that a player waited for its next message. */
  readonly worstGapMs: number;
  /** The longest that each of them waited for its next message in this window. */
  readonly gap: Spread | null;
  /** From connect to the end of the TLS handshake, since the start. */
  readonly handshake: Spread | null;
  /** TLS sessions that were taken up again, since the start. */
  readonly resumed: number;
  /** From connect to the first key frame, since the start. */
  readonly firstFrame: Spread | null;
  readonly first20k: Spread | null;
  /** From the publisher's write to the player's read. */
  readonly latency: Spread | null;
  /** From the reference player's read to this player's. */
  readonly added: Spread | null;
  readonly error: string;
}

export interface PublishReport {
  readonly seconds: number;
  readonly count: number;
  readonly sending: number;
  readonly gone: number;
  /** Connections that were lost after they had been accepted, since the start, with `rejoin`. */
  readonly cut: number;
  /** From a connection's loss until the stream is accepted again, in this window, with `rejoin`. */
  readonly back: Spread | null;
  readonly payloadBytes: number;
  readonly messages: number;
  /** How late messages were sent: the load program's own trouble. */
  readonly lateMs: Spread | null;
  /** With `turn`, since the start: publications begun, and those that were refused, cut off or never accepted. */
  readonly turns: number;
  readonly turnsFailed: number;
  readonly error: string;
}

export interface VisitReport {
  readonly count: number;
  readonly gone: number;
  /** Visitors that are connected now. */
  readonly here: number;
  /** Since the start, as are the following. */
  readonly visits: number;
  /** Visits that have had a picture. */
  readonly pictures: number;
  /** Visits to a name that nobody publishes, which the server ended. */
  readonly unknown: number;
  /** Visits to a published name that had no picture after 3 s or were ended by the server. */
  readonly failed: number;
  readonly error: string;
}

export interface Clip {
  readonly file: string;
  readonly durationMs: number;
  /** Of audio and video, without any container. */
  readonly payloadBytes: number;
  readonly messages: number;
  readonly frames: number;
}

export interface Tools {
  readonly load: string;
  readonly floor: string;
  readonly clip: Clip;
}

async function compile(output: string, sources: readonly string[]): Promise<string> {
  const newest = Math.max(...sources.map((file) => statSync(file).mtimeMs));
  if (!existsSync(output) || statSync(output).mtimeMs < newest) {
    await run('gcc', [
      '-O2',
      '-Wall',
      '-o',
      output,
      ...sources.filter((file) => file.endsWith('.c')),
      '-lm',
      '-lssl',
      '-lcrypto',
    ]);
  }
  return output;
}

/** 20 s of 640×360 H.264 (25 fps, a key frame each 2 s) and AAC, together about 626 kb/s. */
async function recordClip(file: string): Promise<void> {
  const picture = ['-f', 'lavfi', '-i', 'testsrc2=size=640x360:rate=25'];
  const sound = ['-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=44100'];
  const h264 = ['-c:v', 'libx264', '-preset', 'veryfast', '-pix_fmt', 'yuv420p', '-bf', '0', '-g', '50'];
  const rate = [
    '-sc_threshold',
    '0',
    '-b:v',
    '540k',
    '-maxrate',
    '540k',
    '-bufsize',
    '540k',
    '-x264-params',
    'nal-hrd=cbr',
  ];
  const aac = ['-c:a', 'aac', '-b:a', '64k', '-ac', '2'];
  const quiet = ['-hide_banner', '-loglevel', 'error', '-y'];
  await run('ffmpeg', [...quiet, ...picture, ...sound, '-t', '20', ...h264, ...rate, ...aac, file]);
}

/** Builds the C programs and records the clip, where that has not been done yet. */
export async function prepareTools(): Promise<Tools> {
  mkdirSync(CACHE, { recursive: true });
  const folder = path.join(SOURCES, 'load');
  const sources = readdirSync(folder).map((name) => path.join(folder, name));
  const load = await compile(path.join(CACHE, 'load'), sources);
  const floor = await compile(path.join(CACHE, 'floor'), [path.join(SOURCES, 'floor.c')]);
  const file = path.join(CACHE, 'clip.flv');
  if (!existsSync(file)) await recordClip(file);
  const clip = JSON.parse(await run(load, ['clip', '--file', file])) as Omit<Clip, 'file'>;
  return { load, floor, clip: { file, ...clip } };
}

export class Load<Report extends { count: number; gone: number; error: string }> {
  readonly #program: Program;
  readonly #lines: AsyncIterator<string>;

  constructor(program: Program) {
    if (!program.child.stdout) throw new Error('the load program was started without pipes');
    this.#program = program;
    this.#lines = readline.createInterface({ input: program.child.stdout })[Symbol.asyncIterator]();
  }

  /** What happened since the last report. */
  async report(): Promise<Report> {
    this.#program.child.stdin?.write('report\n');
    const { value, done } = await this.#lines.next();
    if (done) throw new Error('the load program has ended; see its log');
    return JSON.parse(value) as Report;
  }

  /** Asks for reports until one is as wished; throws with the load's own first error after `timeoutMs`. */
  async until(isReady: (report: Report) => boolean, timeoutMs: number): Promise<Report> {
    for (const deadline = Date.now() + timeoutMs; ; await sleep(200)) {
      const report = await this.report();
      if (isReady(report)) return report;
      if (Date.now() > deadline) throw new Error(`not ready after ${timeoutMs} ms: ${JSON.stringify(report)}`);
    }
  }

  stop(): Promise<void> {
    return this.#program.stop();
  }
}

export interface PlayOptions {
  /** 1: whoever is cut connects again at once. */
  readonly rejoin?: 1;
  readonly url: string;
  readonly count: number;
  readonly streams?: number;
  /** Players take turns at so many ports, from that of the URL on. */
  readonly servers?: number;
  /** Joins a second. */
  readonly rate?: number;
  readonly sample?: number;
  /** 1: TLS sessions are taken up again. */
  readonly resume?: 1;
  readonly reference?: string;
}

export interface PublishOptions {
  /** 1: whoever is cut connects again at once. */
  readonly rejoin?: 1;
  readonly url: string;
  readonly count: number;
  readonly rate?: number;
  /** CLOCK_MONOTONIC, ms: publishers with the same epoch send the same frames at the same time. */
  readonly epoch?: number;
  /** Milliseconds after which each publisher goes over to another name. */
  readonly turn?: number;
  /** How many names there are then. */
  readonly names?: number;
}

export interface VisitOptions {
  readonly url: string;
  /** How many are there at once. */
  readonly count: number;
  /** Joins a second at the beginning. */
  readonly rate?: number;
  /** Publishers of the streams, their `turn` and `names`. */
  readonly slots: number;
  readonly turn: number;
  readonly names: number;
  /** Milliseconds that a visit lasts on the average; one to a name that nobody publishes three times as long. */
  readonly stay: number;
  /** Percent of the visits that are to a name that nobody publishes. */
  readonly missing: number;
}

function toArguments(options: object): string[] {
  return Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
}

export function play(tools: Tools, log: string, options: PlayOptions): Load<PlayReport> {
  return new Load(start(tools.load, ['play', ...toArguments(options)], { log, talk: true }));
}

export function publish(tools: Tools, log: string, options: PublishOptions): Load<PublishReport> {
  const args = ['publish', '--file', tools.clip.file, ...toArguments(options)];
  return new Load(start(tools.load, args, { log, talk: true }));
}

export function visit(tools: Tools, log: string, options: VisitOptions): Load<VisitReport> {
  return new Load(start(tools.load, ['visit', ...toArguments(options)], { log, talk: true }));
}

/**
 * The demo: two origins, an EdgeCluster of two edges, a publisher to both origins, and players on the edges; where nginx
 * is installed, HLS beside them. The origin in use is killed and comes back, again and again; the players are to notice
 * nothing.
 *
 * Runs until Ctrl-C, or for DEMO_SECONDS, and ends with a verdict. Exit codes: 0 passed; 1 failed; 2 wrong
 * DEMO_SECONDS; 130 ended before everybody was playing.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Screen } from '../../operator/screen.ts';
import { type Stoppable, scope } from '../bench/scope.ts';
import { Figures, type HlsPart, type Scene } from './figures.ts';
import { Hls } from './hls.ts';
import { Ledger } from './ledger.ts';
import { causeOutages, leastSeconds } from './outages.ts';
import { findPackager } from './packager.ts';
import { DemoPage } from './page.ts';
import { Players } from './players.ts';
import { Publisher } from './publisher.ts';
import { Edge, exampleCluster, Origin, startEdges } from './servers.ts';
import { judge, type Outcome } from './verdict.ts';
import { introduction, picture } from './view.ts';

const originPorts = [1936, 1937];
/** Players of each edge; the example has two. */
const audiences = [
  { rtmp: 20, httpFlv: 1 },
  { rtmp: 3, httpFlv: 1 },
];
const lookEveryMs = 500;

const interrupted = new Error('interrupted');

type Own = <S extends Stoppable>(it: S) => S;

interface Events {
  readonly failed: (error: Error) => void;
  readonly log: (line: string) => void;
}

/** Starts everything; returns when every player has a picture. */
async function setUp(own: Own, { failed, log }: Events, signal: AbortSignal): Promise<Scene> {
  const startOrigins = originPorts.map((port, index) => Origin.start(`origin-${index + 1}`, port));
  const origins = await ownAll(own, startOrigins);
  const directory = mkdtempSync(join(tmpdir(), 'edgecluster-'));
  own({ stop: async () => rmSync(directory, { recursive: true, force: true }) });
  const names = origins.map(({ name }) => name);
  const found = findPackager();
  const example = exampleCluster('nginx' in found ? { hls: Hls.spec } : {});
  const hls: HlsPart =
    'nginx' in found ? { hls: own(await Hls.start(example, { nginx: found.nginx, names, directory, log })) } : found;
  const cluster = own(await startEdges(example, origins, directory, log));
  const edges = cluster.edges.map((edge, index) => new Edge(`edge ${index + 1}`, edge));
  signal.throwIfAborted();
  const ledger = new Ledger();
  const targets = [...origins, ...('hls' in hls ? hls.hls.targets : [])];
  const publisher = own(await Publisher.start(targets, ledger, failed, signal));
  const startPlayers = edges.map((edge, index) => Players.start(edge, audiences[index], ledger, signal));
  const players = await ownAll(own, startPlayers);
  const playing = [...players, ...('hls' in hls ? [hls.hls] : [])].map((each) => each.playing(signal));
  await Promise.race([Promise.all(playing), aborted(signal)]);
  return { origins, edges, publisher, players, hls, configFile: cluster.configFile };
}

/** Those that could be started are owned before anything is thrown. */
async function ownAll<S extends Stoppable>(own: Own, starting: readonly Promise<S>[]): Promise<S[]> {
  const started: S[] = [];
  let failure: { readonly reason: unknown } | undefined;
  for (const result of await Promise.allSettled(starting)) {
    if (result.status === 'fulfilled') started.push(own(result.value));
    else failure ??= result;
  }
  if (failure !== undefined) throw failure.reason;
  return started;
}

/** Without HLS there is nothing to show beside HTTP-FLV, which edges have a page for. */
async function startPage(own: Own, { hls, edges }: Scene, figures: Figures): Promise<string | undefined> {
  const [edge] = edges;
  if (!('hls' in hls) || edge === undefined) return undefined;
  const view = () => figures.view();
  return own(await DemoPage.start({ flvUrl: edge.flvUrl, hlsUrl: hls.hls.url, view })).url;
}

interface RunOptions {
  readonly seconds: number;
  /** Ends it before: by Ctrl-C, or with the error that makes it fail. */
  readonly end: AbortController;
}

/** Runs the demo for a time, or until it is ended. */
async function run(scene: Scene, figures: Figures, screen: Screen, options: RunOptions): Promise<Outcome> {
  const { seconds, end } = options;
  const { signal } = end;
  const { hls } = scene;
  const beside = 'hls' in hls ? hls.hls : undefined;
  const endMs = performance.now() + seconds * 1_000;
  const keepLooking = async (): Promise<void> => {
    for (;;) {
      await figures.look(signal);
      await delay(lookEveryMs, undefined, { signal });
    }
  };
  const outages = causeOutages(
    {
      inUse: async () => {
        await figures.look(signal);
        return figures.originInUse;
      },
      kill: async (origin) => {
        figures.killing();
        screen.log(`${origin.name} (${origin.address}) is killed`);
        await Promise.all([origin.kill(), beside?.kill(origin.name)]);
      },
      revive: async (origin) => {
        await Promise.all([origin.revive(), beside?.revive(origin.name)]);
        screen.log(`${origin.name} (${origin.address}) is back`);
      },
    },
    endMs,
    signal,
  );
  const over = Number.isFinite(seconds) ? delay(seconds * 1_000, undefined, { signal }) : aborted(signal);
  screen.show(() => picture(figures.view()));
  let failure: string | undefined;
  try {
    await Promise.race([over, Promise.all([keepLooking(), outages])]);
  } catch (error) {
    const reason: unknown = signal.aborted ? signal.reason : error;
    if (reason !== interrupted) failure = reason instanceof Error ? reason.message : String(reason);
  }
  const outcome = figures.outcome(failure);
  screen.stop(picture(figures.view()));
  end.abort(interrupted);
  return outcome;
}

async function aborted(signal: AbortSignal): Promise<never> {
  signal.throwIfAborted();
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

/** Infinity when the demo is to run until Ctrl-C, undefined when this is no usable number. */
function readSeconds(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return Number.POSITIVE_INFINITY;
  const seconds = Number(text);
  return Number.isFinite(seconds) && seconds >= leastSeconds ? seconds : undefined;
}

async function main(): Promise<number> {
  const seconds = readSeconds(process.env.DEMO_SECONDS);
  if (seconds === undefined) {
    process.stderr.write(`DEMO_SECONDS must be a number, at least ${leastSeconds}\n`);
    return 2;
  }
  const end = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    // Who insists need not wait: what has been started ends with this process.
    process.on(signal, () => (end.signal.aborted ? process.exit(130) : end.abort(interrupted)));
  }
  const screen = new Screen();
  screen.say('Starting two origins, two edges, a publisher and players …\n');
  try {
    return await scope(async (own) => {
      const events = { failed: (error: Error) => end.abort(error), log: (line: string) => screen.log(line) };
      const scene = await setUp(own, events, end.signal);
      const figures = new Figures(scene);
      const pageUrl = await startPage(own, scene, figures);
      for (const line of introduction(scene, pageUrl)) screen.say(line);
      const verdict = judge(await run(scene, figures, screen, { seconds, end }));
      for (const line of ['', ...verdict.lines]) screen.say(line);
      return verdict.passed ? 0 : 1;
    });
  } catch (error) {
    const reason: unknown = end.signal.aborted ? end.signal.reason : error;
    if (reason === interrupted) return 130;
    process.stderr.write(`The demo could not begin: ${reason instanceof Error ? reason.message : String(reason)}\n`);
    return 1;
  }
}

process.exit(await main());

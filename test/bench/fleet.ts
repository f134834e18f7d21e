/**
 * A fleet: hundreds of edges of one machine, each a process, in front of one origin, with four players each. What an edge
 * takes, and what the origin sees of them all; the same with a tier of few edges between.
 */
import { constants, setPriority } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Case, type Column, type Figures, milliseconds, type Settings } from './case.ts';
import { play } from './load.ts';
import { median, processorTime, proportionalBytes } from './measure.ts';
import { freePorts } from './processes.ts';
import { type Stoppable, scope } from './scope.ts';
import { type Duty, launchServer, playUrl, type Server, type ServerName } from './servers.ts';
import { log, payloadRate, publishTo, settled, startOrigin, WARM_UP_MS } from './stage.ts';
import { delivered, gone } from './watch.ts';

const PLAYERS_EACH = 4;
/** The first player at an edge costs it most: it compiles what it runs for the first time. */
const JOINS_A_SECOND = 20;
/** More would only take turns at the processor. */
const STARTS_AT_A_TIME = 4;
const TIER_EDGES = 4;
const READY_TIMEOUT_MS = 60_000;

const count = (title: string): Column => ({ title, digits: 0, over: 'max' });

interface Arrangement {
  readonly streams: number;
  /** Edges between the fleet and the origin; each stream comes to the fleet through one of them. */
  readonly tier: boolean;
}

class Fleet implements Stoppable {
  readonly edges: readonly Server[];

  private constructor(edges: readonly Server[]) {
    this.edges = edges;
  }

  /** Starts all, a few at a time, at ports in a row, and waits until all accept connections. */
  static async start(name: ServerName, size: number, duty: Duty, settings: Settings): Promise<Fleet> {
    const edges: Server[] = [];
    const port = await freePorts(size);
    for (let i = 0; i < size; i++) {
      await edges.at(-STARTS_AT_A_TIME)?.ready(READY_TIMEOUT_MS);
      edges.push(await launchServer(name, duty, settings.tools, settings.folder, port + i));
    }
    for (const edge of edges.slice(-STARTS_AT_A_TIME)) await edge.ready(READY_TIMEOUT_MS);
    return new Fleet(edges);
  }

  /** Processor time of all, in milliseconds. */
  cpuMs(): number {
    return this.edges.reduce((sum, { program }) => {
      const { userMs, systemMs } = processorTime(program.pid);
      return sum + userMs + systemMs;
    }, 0);
  }

  /** The median edge's memory, its share of what they share, in MB. */
  megabytes(): number {
    return median(this.edges.map(({ program }) => proportionalBytes(program.pid) / 1e6));
  }

  async stop(): Promise<void> {
    await Promise.all(this.edges.map((edge) => edge.stop()));
  }
}

/** What hundreds of edges wait for has a node of its own elsewhere; here they would starve it. Takes root. */
function favour({ program }: Server): void {
  if (process.getuid?.() === 0) setPriority(program.pid, constants.priority.PRIORITY_HIGHEST);
}

interface Seen {
  readonly players: number;
  readonly publishers: number;
}

/** Who is connected to a server of SRS's API. */
async function seenBy(server: Server): Promise<Seen> {
  const answer = await fetch(`http://127.0.0.1:${server.httpPort}/api/v1/clients?count=100000`);
  const { clients } = (await answer.json()) as { clients: { publish: boolean }[] };
  const publishers = clients.filter(({ publish }) => publish).length;
  return { players: clients.length - publishers, publishers };
}

/** What an edge takes with its players, over one window. */
async function watchFleet(fleet: Fleet, settings: Settings): Promise<{ cpu: number; seconds: number }> {
  const began = performance.now();
  const before = fleet.cpuMs();
  await sleep(settings.seconds * 1000);
  const usedMs = fleet.cpuMs() - before;
  const elapsedMs = performance.now() - began;
  return { cpu: (100 * usedMs) / elapsedMs / fleet.edges.length, seconds: elapsedMs / 1000 };
}

export function fleetCase(name: string, title: string, { streams, tier }: Arrangement): Case {
  return {
    name,
    title,
    servers: tier ? ['before', 'ours'] : ['srs', 'before', 'ours'],
    columns: {
      readyS: { title: 'all ready, s', digits: 1, over: 'min' },
      idleCpu: { title: 'CPU of an edge at rest, % of a core', digits: 3, over: 'min' },
      cpu: { title: 'with players, % of a core', digits: 3, over: 'min' },
      idle: { title: 'memory of an edge at rest, MB', digits: 1, over: 'max' },
      used: { title: 'with players, MB', digits: 1, over: 'max' },
      pulls: count('players at the origin'),
      publishers: count('publishers there'),
      p50: milliseconds('first picture p50'),
      p99: milliseconds('p99'),
      delivered,
      gone,
    },
    compare: 'cpu',
    once: true,
    measure: (server, settings) =>
      scope(async (own): Promise<Figures> => {
        const { edges: size, origin: kind, tools } = settings;
        const origin = own(await startOrigin(kind === 'nginx' ? 'ours' : kind, settings));
        favour(origin);
        own(await publishTo(origin, streams, settings));
        let origins = [origin.rtmpPort];
        if (tier) {
          const duty = { kind: 'edge', minLatency: false, origins } as const;
          const between = own(await Fleet.start(server, TIER_EDGES, duty, settings));
          for (const edge of between.edges) favour(edge);
          origins = between.edges.map(({ rtmpPort }) => rtmpPort);
        }
        const began = performance.now();
        const duty = { kind: 'edge', minLatency: false, origins, byHash: tier } as const;
        const fleet = own(await Fleet.start(server, size, duty, settings));
        const readyS = (performance.now() - began) / 1000;

        await sleep(WARM_UP_MS);
        const { cpu: idleCpu } = await watchFleet(fleet, settings);
        const idle = fleet.megabytes();

        const [first] = fleet.edges;
        if (!first) throw new Error('a fleet without edges');
        const players = PLAYERS_EACH * size;
        const url = playUrl(first, 'stream{}', 'rtmp');
        const options = { url, count: players, servers: size, streams, rate: JOINS_A_SECOND };
        const load = own(play(tools, log(settings, name), options));
        await settled(load, players, JOINS_A_SECOND);
        await sleep(WARM_UP_MS);
        await load.report();
        const { cpu, seconds } = await watchFleet(fleet, settings);
        const { bytes, playing, firstFrame, error } = await load.report();
        if (error) console.error(`${name}, ${server}: ${players - playing} not served; the first: ${error}`);
        const seen = await seenBy(origin);
        return {
          readyS,
          idleCpu,
          cpu,
          idle,
          used: fleet.megabytes(),
          pulls: seen.players,
          publishers: seen.publishers,
          p50: firstFrame?.p50 ?? Number.NaN,
          p99: firstFrame?.p99 ?? Number.NaN,
          delivered: (100 * bytes) / (payloadRate(tools, players) * seconds),
          gone: players - playing,
        };
      }),
  };
}

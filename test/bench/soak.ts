/**
 * Half an hour of coming and going: publishers who publish for some seconds under one name after another, and visitors
 * who come, play for some seconds and leave. What a server keeps of those who are gone shows in its memory.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Case, Column, Figures, Settings } from './case.ts';
import { type Load, type PublishReport, publish, type VisitReport, visit } from './load.ts';
import { processorTime, residentBytes, slope } from './measure.ts';
import { type Own, scope } from './scope.ts';
import { type Protocol, playUrl, pushUrl, type Server, startServer } from './servers.ts';
import { log, startOrigin } from './stage.ts';

/** Of streams that are published at the edge, and of those that are published at the origin. */
const NAMES_EACH = 5000;
/** All names come by in 29 minutes. */
const PUBLISHERS_EACH = 20;
const TURN_MS = 7000;
/** Of each protocol at each sort of streams. */
const VISITORS_EACH = 20;
const STAY_MS = 4000;
/** Percent of the visits. */
const MISSING = 10;

const LOOK_EVERY_MS = 30_000;

interface Look {
  readonly minutes: number;
  readonly rss: number;
  /** Of Node alone. */
  readonly heapUsed?: number;
  readonly streams?: number;
  readonly clients?: number;
}

/** What ours says of itself (`/metrics`). */
async function told({ exporterPort }: Server): Promise<Omit<Look, 'minutes' | 'rss'>> {
  if (exporterPort === undefined) return {};
  const text = await (await fetch(`http://127.0.0.1:${exporterPort}/metrics`)).text();
  const figure = (name: string): number => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
  const heapUsed = figure('nodejs_heap_size_used_bytes') / 1e6;
  return { heapUsed, streams: figure('srs_streams'), clients: figure('srs_clients') };
}

/** A line for each look, so that half an hour is not a riddle, and the course of it is kept. */
function tell(server: Server, { minutes, rss, heapUsed, streams, clients }: Look, visits: number): void {
  const own = heapUsed === undefined ? '' : `, heap ${heapUsed.toFixed(1)} MB, ${streams} streams, ${clients} clients`;
  console.log(`${server.name}, ${minutes.toFixed(1)} min: RSS ${rss.toFixed(1)} MB${own}, ${visits} visits`);
}

interface Crowd {
  readonly publishers: readonly Load<PublishReport>[];
  readonly visitors: readonly Load<VisitReport>[];
}

async function reports<Report extends { count: number; gone: number; error: string }>(
  loads: readonly Load<Report>[],
): Promise<readonly Report[]> {
  return await Promise.all(loads.map((load) => load.report()));
}

function sum<Report>(all: readonly Report[], of: (report: Report) => number): number {
  return all.reduce((total, each) => total + of(each), 0);
}

/** Visitors come when all publishers have had their first turn. */
async function gather(edge: Server, origin: Server, settings: Settings, own: Own): Promise<Crowd> {
  const { tools } = settings;
  const turns = { turn: TURN_MS, names: NAMES_EACH };
  const file = log(settings, 'soak');
  const sorts = ['pushed{}', 'pulled{}'] as const;
  const publishers = sorts.map((sort) => {
    const url = sort === 'pushed{}' ? pushUrl(edge, sort) : playUrl(origin, sort, 'rtmp');
    return own(publish(tools, file, { url, count: PUBLISHERS_EACH, ...turns }));
  });
  await sleep(2 * TURN_MS);
  // nginx-rtmp has no HTTP-FLV.
  const protocols: readonly Protocol[] = edge.name === 'nginx' ? ['rtmp'] : ['rtmp', 'http-flv'];
  const visitors = sorts.flatMap((sort) =>
    protocols.map((protocol) => {
      const url = playUrl(edge, sort, protocol);
      const options = { slots: PUBLISHERS_EACH, stay: STAY_MS, missing: MISSING, rate: 2, ...turns };
      return own(visit(tools, file, { url, count: VISITORS_EACH, ...options }));
    }),
  );
  return { publishers, visitors };
}

const memory = (title: string): Column => ({ title: `${title}, MB`, digits: 0, over: 'max' });
const count = (title: string): Column => ({ title, digits: 0, over: 'max' });

export const soak: Case = {
  name: 'soak',
  title: `coming and going for half an hour (\`--minutes\`), ${2 * NAMES_EACH} names`,
  servers: ['nginx', 'srs', 'before', 'ours'],
  columns: {
    early: memory('RSS after a sixth of the time'),
    late: memory('at the end'),
    rss: memory('greatest'),
    slope: { title: 'slope over the last two thirds, MB an hour', digits: 1, over: 'max' },
    joins: count('joins'),
    publishes: count('publications'),
    unknown: count('told that nobody publishes'),
    gone: count('failed'),
    cpu: { title: 'CPU, % of a core', digits: 1, over: 'min' },
  },
  compare: 'rss',
  once: true,
  onlyNamed: true,
  measure: (name, settings) =>
    scope(async (own): Promise<Figures> => {
      const origin = own(await startOrigin(settings.origin, settings));
      const duty = { kind: 'edge', minLatency: false, origins: [origin.rtmpPort], exporter: true } as const;
      const edge = own(await startServer(name, duty, settings.tools, settings.folder));
      const { pid } = edge.program;
      const crowd = await gather(edge, origin, settings, own);
      const began = performance.now();
      const looks: Look[] = [];
      for (let due = LOOK_EVERY_MS; due <= settings.minutes * 60_000; due += LOOK_EVERY_MS) {
        await sleep(began + due - performance.now());
        const look = { minutes: due / 60_000, rss: residentBytes(pid) / 1e6, ...(await told(edge)) };
        looks.push(look);
        tell(
          edge,
          look,
          sum(await reports(crowd.visitors), ({ visits }) => visits),
        );
      }
      const { userMs, systemMs } = processorTime(pid);
      const visited = await reports(crowd.visitors);
      const published = await reports(crowd.publishers);
      for (const { error } of [...visited, ...published]) {
        if (error) console.error(`soak, ${name}: the first failure of one of the load programs: ${error}`);
      }
      const rest = looks.filter(({ minutes }) => minutes >= settings.minutes / 3);
      return {
        early: looks.find(({ minutes }) => minutes >= settings.minutes / 6)?.rss ?? Number.NaN,
        late: looks.at(-1)?.rss ?? Number.NaN,
        rss: Math.max(...looks.map(({ rss }) => rss)),
        slope: 60 * slope(rest.map(({ minutes, rss }) => [minutes, rss])),
        joins: sum(visited, ({ visits }) => visits),
        publishes: sum(published, ({ turns }) => turns),
        unknown: sum(visited, ({ unknown }) => unknown),
        gone: sum(visited, ({ failed }) => failed) + sum(published, ({ turnsFailed }) => turnsFailed),
        cpu: (100 * (userMs + systemMs)) / (performance.now() - began),
      };
    }),
};

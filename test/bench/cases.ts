/**
 * The cases: what is set up and what is measured.
 */
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Case, type Column, type Figures, milliseconds, type Settings } from './case.ts';
import { failover, massFailover } from './failover.ts';
import { type Load, type PlayReport, play, publish, type Tools } from './load.ts';
import { locate } from './locate.ts';
import { processorTime, residentBytes } from './measure.ts';
import { scope } from './scope.ts';
import { playUrl, pushUrl, receivedBytes, type Server, type ServerName, startServer } from './servers.ts';

const WARM_UP_MS = 4000;
const SAMPLE = 20;

const cpu: Column = { title: 'CPU, % of a core', digits: 1, over: 'min' };
const user: Column = { title: 'in user space', digits: 1, over: 'min' };
const rss: Column = { title: 'RSS, MB', digits: 0, over: 'max' };
const delivered: Column = { title: 'delivered, %', digits: 1, over: 'min' };
const least: Column = { title: 'to the worst-off, %', digits: 1, over: 'min' };
const gone: Column = { title: 'not served', digits: 0, over: 'max' };
const backwards: Column = { title: 'time went back', digits: 0, over: 'max' };

function log(settings: Settings, name: string): string {
  return path.join(settings.folder, `load-${name}.log`);
}

function startOrigin(kind: ServerName, settings: Settings): Promise<Server> {
  return startServer(kind, { kind: 'origin', minLatency: false }, settings.tools, settings.folder);
}

function startEdge(name: ServerName, origin: Server, settings: Settings, minLatency = false): Promise<Server> {
  const duty = { kind: 'edge', minLatency, origins: [origin.rtmpPort] } as const;
  return startServer(name, duty, settings.tools, settings.folder);
}

async function publishTo(origin: Server, count: number, settings: Settings) {
  const url = `rtmp://127.0.0.1:${origin.rtmpPort}/live/stream{}`;
  const load = publish(settings.tools, log(settings, 'publish'), { url, count, rate: 100 });
  await load.until((report) => report.sending === count, 10_000 + count * 20);
  return load;
}

/** The payload of `count` streams, bytes a second: what a server has to deliver, containers not counted. */
function payloadRate(tools: Tools, count: number): number {
  return (count * tools.clip.payloadBytes) / (tools.clip.durationMs / 1000);
}

/**
 * Watches a server at work, window after window; `bytes` answers what was delivered since it was last asked.
 * The cheapest window counts: what else the machine does only ever adds (shared caches and cores).
 */
async function watch(server: Server, settings: Settings, rate: number, bytes: () => Promise<number>): Promise<Figures> {
  const { pid } = server.program;
  let cheapest = { cpu: Number.POSITIVE_INFINITY, user: Number.POSITIVE_INFINITY };
  let resident = 0;
  let total = 0;
  await sleep(WARM_UP_MS);
  await bytes();
  const began = performance.now();
  for (let i = 0; i < settings.windows; i++) {
    const from = performance.now();
    const before = processorTime(pid);
    await sleep(settings.seconds * 1000);
    const after = processorTime(pid);
    const elapsed = performance.now() - from;
    const user = (100 * (after.userMs - before.userMs)) / elapsed;
    const cpu = user + (100 * (after.systemMs - before.systemMs)) / elapsed;
    if (cpu < cheapest.cpu) cheapest = { cpu, user };
    resident = Math.max(resident, residentBytes(pid));
    total += await bytes();
  }
  const seconds = (performance.now() - began) / 1000;
  return { ...cheapest, rss: resident / 1e6, delivered: (100 * total) / (rate * seconds) };
}

/** Waits until all players have joined, or long enough: who still has no picture then is counted as not served. */
async function settled(load: Load<PlayReport>, count: number, rate: number): Promise<void> {
  const deadline = Date.now() + 20_000 + (1000 * count) / rate;
  await load.until((report) => report.playing + report.gone >= count || Date.now() > deadline, 3_600_000);
}

interface Audience {
  readonly count: number;
  readonly streams: number;
  readonly protocol: 'rtmp' | 'http-flv';
}

function playersCase(name: string, title: string, servers: readonly ServerName[], audience: Audience): Case {
  const { count, streams, protocol } = audience;
  const rate = 500;
  return {
    name,
    title,
    servers,
    columns: { cpu, user, rss, delivered, least, gone, backwards },
    compare: 'cpu',
    measure: (server, settings) =>
      scope(async (own) => {
        const origin = own(await startOrigin(settings.origin, settings));
        const source = own(await publishTo(origin, streams, settings));
        const edge = own(await startEdge(server, origin, settings));
        const url = playUrl(edge, 'stream{}', protocol);
        // SRS 7 pulls `stream0.flv` when a stream is first asked for by HTTP, so somebody always plays it by RTMP first.
        if (protocol === 'http-flv') {
          const first = { url: playUrl(edge, 'stream0', 'rtmp'), count: 1 };
          await settled(own(play(settings.tools, log(settings, name), first)), 1, 1);
        }
        const load = own(play(settings.tools, log(settings, name), { url, count, streams, rate, sample: SAMPLE }));
        await settled(load, count, rate);
        let worst = Number.POSITIVE_INFINITY;
        let wentBack = 0;
        let lost = 0;
        let error = '';
        let asked = 0;
        const figures = await watch(edge, settings, payloadRate(settings.tools, count), async () => {
          const report = await load.report();
          if (asked++ > 0) worst = Math.min(worst, report.leastBytes / report.seconds);
          wentBack += report.backwards;
          lost = report.count - report.playing;
          error = report.error;
          return report.bytes;
        });
        if (error) console.error(`${name}, ${server}: ${lost} not served; the first: ${error}`);
        const published = await source.report();
        if (published.gone > 0) throw new Error(`${published.gone} publishers lost the origin: ${published.error}`);
        const share = (100 * worst) / payloadRate(settings.tools, 1);
        return { ...figures, least: share, gone: lost, backwards: wentBack };
      }),
  };
}

const push: Case = {
  name: 'publish-300',
  title: '300 publishers pushed on to an origin',
  servers: ['nginx', 'srs', 'before', 'ours'],
  columns: { cpu, user, rss, delivered, gone, late: milliseconds('load late, p99') },
  compare: 'cpu',
  measure: (server, settings) =>
    scope(async (own) => {
      const count = 300;
      const origin = own(await startOrigin('nginx', settings));
      const edge = own(await startEdge(server, origin, settings));
      const url = pushUrl(edge, 'stream{}');
      const load = own(publish(settings.tools, log(settings, 'push'), { url, count, rate: 100 }));
      await load.until((report) => report.sending + report.gone >= count, 30_000);
      let arrived = await receivedBytes(origin);
      const figures = await watch(edge, settings, payloadRate(settings.tools, count), async () => {
        const before = arrived;
        arrived = await receivedBytes(origin);
        return arrived - before;
      });
      const report = await load.report();
      if (report.error) console.error(`publish-300, ${server}: ${report.gone} cut off; the first: ${report.error}`);
      return { ...figures, gone: report.gone, late: report.lateMs?.p99 ?? Number.NaN };
    }),
};

const joins: Case = {
  name: 'joins',
  title: 'joins: 500 a second to 1,500 RTMP players of a running stream',
  servers: ['nginx', 'srs', 'before', 'ours'],
  columns: {
    pictureP50: milliseconds('first picture p50'),
    pictureP99: milliseconds('p99'),
    p50: milliseconds('first 20 KB p50'),
    p99: milliseconds('p99'),
    max: milliseconds('max'),
    gone,
  },
  compare: 'p50',
  measure: (server, settings) =>
    scope(async (own) => {
      const count = 1500;
      const origin = own(await startOrigin(settings.origin, settings));
      own(await publishTo(origin, 1, settings));
      const edge = own(await startEdge(server, origin, settings));
      const url = playUrl(edge, 'stream0', 'rtmp');
      const first = own(play(settings.tools, log(settings, 'joins'), { url, count: 1, sample: 1 }));
      await settled(first, 1, 1);
      await sleep(WARM_UP_MS);
      const load = own(play(settings.tools, log(settings, 'joins'), { url, count, rate: 500 }));
      await settled(load, count, 500);
      const { firstFrame, first20k, playing } = await load.report();
      if (!firstFrame || !first20k) throw new Error('no player saw a picture');
      const { p50, p99, max } = first20k;
      return { pictureP50: firstFrame.p50, pictureP99: firstFrame.p99, p50, p99, max, gone: count - playing };
    }),
};

function latencyCase(players: number): Case {
  return {
    name: `latency-${players}`,
    title: `latency added by the edge, min_latency on, ${players} players`,
    servers: ['nginx', 'srs', 'before', 'ours'],
    columns: { p50: milliseconds('p50', 2), p99: milliseconds('p99', 2), max: milliseconds('max', 2) },
    compare: 'p50',
    measure: (server, settings) =>
      scope(async (own) => {
        const origin = own(await startOrigin('nginx', settings));
        own(await publishTo(origin, 1, settings));
        const edge = own(await startEdge(server, origin, settings, true));
        const url = playUrl(edge, 'stream0', 'rtmp');
        // The edge pulls before the reference comes: nginx serves who came last first, so the reference is never late.
        await settled(own(play(settings.tools, log(settings, 'latency'), { url, count: 1 })), 1, 1);
        const reference = playUrl(origin, 'stream0', 'rtmp');
        const options = { url, reference, count: players, sample: Math.min(players, SAMPLE) };
        const load = own(play(settings.tools, log(settings, 'latency'), options));
        await settled(load, players, 500);
        await sleep(WARM_UP_MS);
        await load.report();
        await sleep(settings.seconds * 1000);
        const { added } = await load.report();
        if (!added) throw new Error('no frame was seen both at the origin and at the edge');
        return { p50: added.p50, p99: added.p99, max: added.max };
      }),
  };
}

const everyone = ['floor', 'nginx', 'srs', 'before', 'ours'] as const;

export const cases: readonly Case[] = [
  playersCase('rtmp-2000', '2,000 RTMP players of one stream', everyone, { count: 2000, streams: 1, protocol: 'rtmp' }),
  playersCase('rtmp-6000', '6,000 RTMP players of one stream', everyone, { count: 6000, streams: 1, protocol: 'rtmp' }),
  playersCase('flv-2000', '2,000 HTTP-FLV players of one stream', ['floor', 'srs', 'before', 'ours'], {
    count: 2000,
    streams: 1,
    protocol: 'http-flv',
  }),
  playersCase('streams-300', '300 streams with 5 RTMP players each', ['nginx', 'srs', 'before', 'ours'], {
    count: 1500,
    streams: 300,
    protocol: 'rtmp',
  }),
  push,
  joins,
  latencyCase(1),
  latencyCase(500),
  failover('killed'),
  failover('hung'),
  massFailover,
  locate,
];

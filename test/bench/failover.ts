/**
 * Failover: two origins carry the same stream with the same clock, the one the edge pulls from is killed or stopped,
 * and players measure the longest they waited for a message. With `min_latency on`, so that the merging of writes
 * hides nothing. The origins have a GOP cache, as nginx-rtmp's do not: else one would measure the wait for a key frame.
 */
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Case, milliseconds, type Settings } from './case.ts';
import { type Load, type PlayReport, play, publish } from './load.ts';
import { connectedPorts, median, percentile } from './measure.ts';
import { type Stoppable, scope } from './scope.ts';
import { playUrl, type Server, startServer } from './servers.ts';

const PLAYERS = 5;
const POLL_MS = 500;
const STEADY_MS = 2500;
const GIVE_UP_MS = 30_000;
/** By then all play again; a gap that goes on counts with its length so far. */
const LONG_AFTER_MS = 6_000;

/** An origin with the encoder that publishes to it. */
interface Site extends Stoppable {
  readonly origin: Server;
}

/** @param streams published as `stream`, or as `stream0`, `stream1` and so on where there are several */
async function startSite(epoch: number, settings: Settings, port?: number, streams = 1): Promise<Site> {
  const origin = await startServer(
    settings.origin,
    { kind: 'origin', minLatency: true },
    settings.tools,
    settings.folder,
    port,
  );
  const url = playUrl(origin, streams === 1 ? 'stream' : 'stream{}', 'rtmp');
  const options = { url, count: streams, epoch, rate: 100 };
  const encoder = publish(settings.tools, path.join(settings.folder, 'load-site.log'), options);
  const site: Site = {
    origin,
    async stop() {
      await encoder.stop();
      await origin.stop();
    },
  };
  await encoder.until((report) => report.sending === streams, 10_000 + 20 * streams);
  return site;
}

interface Interruption {
  readonly gapMs: number;
  readonly backwards: number;
  readonly worstStepMs: number;
}

/** Takes the origin away and follows the players until they have been playing from the other one for a while. */
async function interrupt(
  load: Load<PlayReport>,
  takeAway: () => void,
  isOnOther: () => boolean,
): Promise<Interruption> {
  await load.report();
  takeAway();
  let gapMs = 0;
  let backwards = 0;
  let worstStepMs = 0;
  let calm = 0;
  for (const deadline = Date.now() + GIVE_UP_MS; calm < 3; ) {
    await sleep(POLL_MS);
    const report = await load.report();
    gapMs = Math.max(gapMs, report.worstGapMs);
    backwards += report.backwards;
    worstStepMs = Math.max(worstStepMs, report.worstStepMs);
    if (report.gone > 0) throw new Error(`${report.gone} players were cut off: ${report.error}`);
    if (Date.now() > deadline) throw new Error(`players were not served again within ${GIVE_UP_MS} ms`);
    calm = isOnOther() && report.video > 0 ? calm + 1 : 0;
  }
  return { gapMs, backwards, worstStepMs };
}

export function failover(how: 'killed' | 'hung'): Case {
  return {
    name: `failover-${how}`,
    title: `gap that players see when the origin is ${how}, min_latency on`,
    servers: ['srs', 'before', 'ours'],
    columns: {
      p50: milliseconds('gap p50'),
      p99: milliseconds('p99'),
      max: milliseconds('max'),
      step: milliseconds('greatest step of time'),
      backwards: { title: 'time went back', digits: 0, over: 'max' },
      runs: { title: 'runs', digits: 0, over: 'min' },
    },
    compare: 'p50',
    once: true,
    measure: (name, settings) =>
      scope(async (own) => {
        const epoch = Number(process.hrtime.bigint() / 1_000_000n);
        const sites = [await startSite(epoch, settings), await startSite(epoch, settings)];
        own({
          async stop() {
            for (const site of sites) await site.stop();
          },
        });
        const origins = sites.map((site) => site.origin.rtmpPort);
        const edge = own(
          await startServer(name, { kind: 'edge', minLatency: true, origins }, settings.tools, settings.folder),
        );
        const url = playUrl(edge, 'stream', 'rtmp');
        const log = path.join(settings.folder, 'load-failover.log');
        const load = own(play(settings.tools, log, { url, count: PLAYERS, sample: PLAYERS }));
        await load.until((report) => report.playing === PLAYERS, 20_000);

        const interruptions: Interruption[] = [];
        for (let run = 0; run < settings.failovers; run++) {
          await sleep(STEADY_MS);
          const connected = connectedPorts(edge.program.pid);
          const index = origins.findIndex((port) => connected.has(port));
          const site = sites[index];
          const other = origins[1 - index];
          if (!site || other === undefined) throw new Error('the edge is connected to no origin');
          const { program, rtmpPort } = site.origin;
          interruptions.push(
            await interrupt(
              load,
              () => program.signal(how === 'killed' ? 'SIGKILL' : 'SIGSTOP'),
              () => connectedPorts(edge.program.pid).has(other),
            ),
          );
          await site.stop();
          sites[index] = await startSite(epoch, settings, rtmpPort);
        }
        const gaps = interruptions.map((each) => each.gapMs);
        return {
          p50: median(gaps),
          p99: percentile(gaps, 0.99),
          max: Math.max(...gaps),
          step: Math.max(...interruptions.map((each) => each.worstStepMs)),
          backwards: interruptions.reduce((sum, each) => sum + each.backwards, 0),
          runs: gaps.length,
        };
      }),
  };
}

/** All streams of an origin at once: the edge has 300 others to find in the same moment. */
export const massFailover: Case = {
  name: 'failover-300',
  title: 'gap that players of 300 streams see when the origin of all is killed, min_latency on',
  servers: ['srs', 'before', 'ours'],
  columns: { p50: milliseconds('longest gap of a player, p50'), p99: milliseconds('p99'), max: milliseconds('max') },
  compare: 'p99',
  measure: (name, settings) =>
    scope(async (own) => {
      const streams = 300;
      const epoch = Number(process.hrtime.bigint() / 1_000_000n);
      const sites = [
        own(await startSite(epoch, settings, undefined, streams)),
        own(await startSite(epoch, settings, undefined, streams)),
      ];
      const origins = sites.map((site) => site.origin.rtmpPort);
      const duty = { kind: 'edge', minLatency: true, origins } as const;
      const edge = own(await startServer(name, duty, settings.tools, settings.folder));
      const log = path.join(settings.folder, 'load-failover.log');
      const url = playUrl(edge, 'stream{}', 'rtmp');
      const load = own(play(settings.tools, log, { url, count: streams, streams, rate: 100, sample: streams }));
      await load.until((report) => report.playing === streams, GIVE_UP_MS);
      await sleep(STEADY_MS);
      const connected = connectedPorts(edge.program.pid);
      const site = sites.find(({ origin }) => connected.has(origin.rtmpPort));
      const other = origins.find((port) => port !== site?.origin.rtmpPort);
      if (!site || other === undefined) throw new Error('the edge is connected to no origin');
      await load.report();
      site.origin.program.signal('SIGKILL');
      await sleep(LONG_AFTER_MS);
      const { gap, gone, error } = await load.report();
      if (gone > 0) throw new Error(`${gone} players were cut off: ${error}`);
      if (!gap || !connectedPorts(edge.program.pid).has(other)) throw new Error('the edge went to no other origin');
      return { p50: gap.p50, p99: gap.p99, max: gap.max };
    }),
};

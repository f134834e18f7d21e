/**
 * The time that a frame spends in the edge.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Case, milliseconds } from './case.ts';
import { play } from './load.ts';
import { scope } from './scope.ts';
import { playUrl } from './servers.ts';
import { log, publishTo, settled, startEdge, startOrigin, WARM_UP_MS } from './stage.ts';

const SAMPLE = 20;

export function latencyCase(players: number): Case {
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

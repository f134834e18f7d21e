/**
 * Finding a stream: six origins, the stream on one of them in turn, the others silent about it. How long until the first
 * picture when the edge knows nothing, and when it has had the stream before.
 */
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Case, milliseconds, type Settings } from './case.ts';
import { play, publish } from './load.ts';
import { connectedPorts, median } from './measure.ts';
import { scope } from './scope.ts';
import { playUrl, type Server, startServer } from './servers.ts';

const ORIGINS = 6;
const GIVE_UP_MS = 30_000;
const POLL_MS = 100;

/** Milliseconds from connect to the first key frame of one player; it leaves again. */
async function firstPicture(edge: Server, stream: string, settings: Settings): Promise<number> {
  const log = path.join(settings.folder, 'load-locate.log');
  const load = play(settings.tools, log, { url: playUrl(edge, stream, 'rtmp'), count: 1, sample: 1 });
  try {
    for (const deadline = performance.now() + GIVE_UP_MS; performance.now() < deadline; await sleep(POLL_MS)) {
      const { firstFrame } = await load.report();
      if (firstFrame !== null) return firstFrame.max;
    }
    return GIVE_UP_MS;
  } finally {
    await load.stop();
  }
}

export const locate: Case = {
  name: 'locate',
  title: `first picture of a stream that one of ${ORIGINS} origins has`,
  servers: ['srs', 'before', 'ours'],
  columns: {
    coldP50: milliseconds('cold p50'),
    cold: milliseconds('cold, worst place'),
    known: milliseconds('known, worst place'),
  },
  compare: 'cold',
  once: true,
  measure: (name, settings) =>
    scope(async (own) => {
      const origins: Server[] = [];
      for (let place = 0; place < ORIGINS; place++) {
        const duty = { kind: 'origin', minLatency: true } as const;
        const origin = own(await startServer(settings.origin, duty, settings.tools, settings.folder));
        origins.push(origin);
        const url = `rtmp://127.0.0.1:${origin.rtmpPort}/live/at${place}`;
        const log = path.join(settings.folder, 'load-locate-publish.log');
        const source = own(publish(settings.tools, log, { url, count: 1 }));
        await source.until((report) => report.sending === 1, GIVE_UP_MS);
      }
      const ports = origins.map(({ rtmpPort }) => rtmpPort);
      const cold: number[] = [];
      const known: number[] = [];
      for (let place = 0; place < ORIGINS; place++) {
        // A fresh edge knows no stream.
        const duty = { kind: 'edge', minLatency: true, origins: ports } as const;
        const edge = await startServer(name, duty, settings.tools, settings.folder);
        try {
          cold.push(await firstPicture(edge, `at${place}`, settings));
          while (ports.some((port) => connectedPorts(edge.program.pid).has(port))) await sleep(POLL_MS);
          known.push(await firstPicture(edge, `at${place}`, settings));
        } finally {
          await edge.stop();
        }
      }
      return { coldP50: median(cold), cold: Math.max(...cold), known: Math.max(...known) };
    }),
};

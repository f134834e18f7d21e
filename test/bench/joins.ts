/**
 * Many players who come to a running stream at once: how soon each has a picture.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Case, milliseconds } from './case.ts';
import { play } from './load.ts';
import { scope } from './scope.ts';
import { playUrl } from './servers.ts';
import { log, publishTo, settled, startEdge, startOrigin, WARM_UP_MS } from './stage.ts';
import { gone } from './watch.ts';

export const joins: Case = {
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

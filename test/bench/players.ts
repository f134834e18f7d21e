/**
 * Players of streams that the edge pulls: what they cost it.
 */
import type { Case, Column } from './case.ts';
import { play } from './load.ts';
import { residentBytes } from './measure.ts';
import { scope } from './scope.ts';
import { type Protocol, playUrl, type ServerName } from './servers.ts';
import { log, payloadRate, publishTo, settled, startEdge, startOrigin, startSecureEdge } from './stage.ts';
import { backwards, cpu, delivered, gone, least, rss, user, watch } from './watch.ts';

const each: Column = { title: 'RSS for each player, KB', digits: 1, over: 'max' };

/** How many players are parsed all the time. */
const SAMPLE = 20;

interface Audience {
  readonly count: number;
  readonly streams: number;
  readonly protocol: Protocol;
}

export function playersCase(name: string, title: string, servers: readonly ServerName[], audience: Audience): Case {
  const { count, streams, protocol } = audience;
  const secure = protocol === 'rtmps' || protocol === 'https-flv';
  const rate = secure ? 100 : 500;
  return {
    name,
    title,
    servers,
    ...(secure ? { names: { nginx: 'nginx’s TLS relay in front of ours' } } : {}),
    columns: { cpu, user, rss, each, delivered, least, gone, backwards },
    compare: 'cpu',
    measure: (server, settings) =>
      scope(async (own) => {
        const origin = own(await startOrigin(settings.origin, settings));
        const source = own(await publishTo(origin, streams, settings));
        const edge = secure
          ? await startSecureEdge(server, origin, settings, own)
          : own(await startEdge(server, origin, settings));
        const url = playUrl(edge, 'stream{}', protocol);
        // SRS 7 pulls `stream0.flv` when a stream is first asked for by HTTP, so somebody always plays it by RTMP first.
        if (protocol === 'http-flv' || protocol === 'https-flv') {
          const first = { url: playUrl(edge, 'stream0', 'rtmp'), count: 1 };
          await settled(own(play(settings.tools, log(settings, name), first)), 1, 1);
        }
        const alone = residentBytes(edge.program.pid);
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
        const each = (figures.rss * 1e6 - alone) / 1e3 / count;
        return { ...figures, each, least: share, gone: lost, backwards: wentBack };
      }),
  };
}

/**
 * Publishers whose streams the edge pushes on to an origin: what they cost it.
 */
import { type Case, milliseconds } from './case.ts';
import { publish } from './load.ts';
import { scope } from './scope.ts';
import { pushUrl, receivedBytes } from './servers.ts';
import { log, payloadRate, startEdge, startOrigin } from './stage.ts';
import { cpu, delivered, gone, rss, user, watch } from './watch.ts';

export function publishersCase(count: number): Case {
  const name = `publish-${count}`;
  return {
    name,
    title: `${count.toLocaleString('en')} publishers pushed on to an origin`,
    servers: ['nginx', 'srs', 'before', 'ours'],
    columns: { cpu, user, rss, delivered, gone, late: milliseconds('load late, p99') },
    compare: 'cpu',
    measure: (server, settings) =>
      scope(async (own) => {
        const origin = own(await startOrigin('nginx', settings));
        const edge = own(await startEdge(server, origin, settings));
        const url = pushUrl(edge, 'stream{}');
        const load = own(publish(settings.tools, log(settings, 'push'), { url, count, rate: 100 }));
        await load.until((report) => report.sending + report.gone >= count, 20_000 + count * 20);
        let arrived = await receivedBytes(origin);
        const figures = await watch(edge, settings, payloadRate(settings.tools, count), async () => {
          const before = arrived;
          arrived = await receivedBytes(origin);
          return arrived - before;
        });
        const report = await load.report();
        if (report.error) console.error(`${name}, ${server}: ${report.gone} cut off; the first: ${report.error}`);
        return { ...figures, gone: report.gone, late: report.lateMs?.p99 ?? Number.NaN };
      }),
  };
}

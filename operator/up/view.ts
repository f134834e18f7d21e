/** What `edgecluster up` shows: each edge with its figures, and the origins as the edges see them. */

import { type EdgeReport, parseEdgeReport } from '../reconcile/edges/report.ts';
import { basicAuthorization } from '../render/credential.ts';
import { columns, type Picture } from '../screen.ts';
import type { LocalCluster } from './local-cluster.ts';
import type { EdgeAddresses, LocalEdge } from './local-edge.ts';

export interface Sight {
  readonly edge: LocalEdge;
  /** What it says of itself, or undefined when it does not answer. */
  readonly report: EdgeReport | undefined;
}

const patienceMs = 2_000;

/** Asks every edge that takes clients. */
export function look(edges: readonly LocalEdge[]): Promise<Sight[]> {
  return Promise.all(edges.map(async (edge) => ({ edge, report: await reportOf(edge).catch(() => undefined) })));
}

async function reportOf({ addresses, credential }: LocalEdge): Promise<EdgeReport> {
  const answer = await fetch(`http://${addresses.api}/api/v1/edge`, {
    headers: { authorization: basicAuthorization(credential) },
    signal: AbortSignal.timeout(patienceMs),
  });
  return parseEdgeReport(await answer.text());
}

/** Where to publish and to play: a line for each edge. */
export function addresses(clusters: readonly LocalCluster[]): string {
  const rows = clusters.flatMap(({ cluster, edges }) => {
    // Without the page there is nothing to open in a browser.
    const path = cluster.spec.listeners.http.page ? '' : 'live/STREAM.flv';
    return edges.map(({ name, addresses }) => [name, ...urlsOf(addresses, path)]);
  });
  return columns(rows).join('\n');
}

function urlsOf({ rtmp, rtmps, http, https }: EdgeAddresses, path: string): string[] {
  return [
    `rtmp://${rtmp}/live/STREAM`,
    ...(rtmps === undefined ? [] : [`rtmps://${rtmps}/live/STREAM`]),
    ...(http === undefined ? [] : [`http://${http}/${path}`]),
    ...(https === undefined ? [] : [`https://${https}/${path}`]),
  ];
}

/** @param clusters those above first */
export function picture(clusters: readonly LocalCluster[], sights: readonly Sight[]): Picture {
  const pictures = clusters.map((local) =>
    pictureOf(
      local,
      sights.filter(({ edge }) => local.edges.includes(edge)),
    ),
  );
  return {
    line: pictures.map(({ line }) => line).join('; '),
    table: [...pictures.flatMap(({ table }) => table), 'Ctrl-C ends it.'],
  };
}

function pictureOf(local: LocalCluster, sights: readonly Sight[]): Picture {
  const { name } = local.cluster.metadata;
  const reports = sights.flatMap(({ report }) => report ?? []);
  const sum = (of: (report: EdgeReport) => number): number => reports.reduce((total, report) => total + of(report), 0);
  const players = sum(({ figures }) => figures.players);
  const publishers = sum(({ figures }) => figures.publishers);
  const origins = originsOf(reports);
  const reached = origins.filter(({ state }) => state === 'up' || state === 'suspect').length;
  const draining = local.draining === 0 ? '' : `, draining ${local.draining}`;
  const total = `${name}: edges ${reports.length}/${sights.length}${draining}, publishers ${publishers}, players ${players}, origins ${reached}/${origins.length}`;
  const heads = ['edge', 'state', 'players', 'publishers', 'streams', 'kb/s in', 'kb/s out', 'configuration'];
  return {
    line: total,
    table: [
      total,
      '',
      ...columns([heads, ...sights.map(edgeRow)]),
      '',
      ...columns([['origin', 'state', ''], ...origins.map((origin) => [origin.name, origin.state, origin.reason])]),
      '',
    ],
  };
}

function edgeRow({ edge, report }: Sight): string[] {
  if (report === undefined) return [edge.name, 'does not answer', '', '', '', '', '', ''];
  const { state, config, figures } = report;
  const { players, publishers, streams, receivedKbps, sentKbps } = figures;
  const numbers = [players, publishers, streams, receivedKbps, sentKbps].map(String);
  return [edge.name, state, ...numbers, config.error === undefined ? config.hash : `refused: ${config.error}`];
}

interface OriginRow {
  readonly name: string;
  readonly state: string;
  readonly reason: string;
}

/** As the edge sees it that knows the worst of it: here all edges have the same network. */
function originsOf(reports: readonly EdgeReport[]): OriginRow[] {
  const worst = ['untried', 'up', 'suspect', 'down'];
  const rows = new Map<string, OriginRow>();
  for (const { origins } of reports) {
    for (const [name, { state, reason }] of origins) {
      const known = rows.get(name);
      if (known === undefined || worst.indexOf(state) > worst.indexOf(known.state))
        rows.set(name, { name, state, reason });
    }
  }
  return [...rows.values()];
}

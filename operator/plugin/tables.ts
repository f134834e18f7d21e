/** What `kubectl edge` shows: rows of text, made of what the edges said. Pure. */
import { type EdgeFigures, type EdgeReport, savedBy } from '../reconcile/edges/report.ts';
import { columns } from '../screen.ts';
import type { ClientRow, StreamRow } from './answers.ts';
import type { Edge, Told } from './fleet.ts';
import { type Above, treeOrder } from './tree.ts';

/** A line for each EdgeCluster, then one for each edge; tiers below stand behind the one above, and farther right. */
export function topLines(told: readonly Told<EdgeReport>[], above: Above = new Map()): string[] {
  const clusters = Map.groupBy(told, ({ edge }) => clusterOf(edge));
  return treeOrder([...clusters.keys()], above).flatMap(({ cluster, depth }, i) => {
    const edges = clusters.get(cluster) ?? [];
    const rows = columns([
      ['EDGE', 'STATE', 'PLAYERS', 'PUBLISHERS', 'STREAMS', 'KB/S IN', 'KB/S OUT', 'ORIGINS', 'CONFIGURATION'],
      ...edges.map(edgeRow),
    ]);
    const margin = '    '.repeat(depth);
    const mark = depth === 0 ? '' : `${'    '.repeat(depth - 1)}└── `;
    return [...(i === 0 ? [] : ['']), `${mark}${totalLine(cluster, edges)}`, ...rows.map((row) => `${margin}${row}`)];
  });
}

function totalLine(cluster: string, told: readonly Told<EdgeReport>[]): string {
  const reports = told.flatMap((one) => ('answer' in one ? [one.answer] : []));
  const sum = (of: (report: EdgeReport) => number) => reports.reduce((total, report) => total + of(report), 0);
  const edgePlayers = sum(({ figures }) => figures.edgePlayers);
  const draining = told.filter(isDraining).length;
  const silent = told.length - reports.length;
  return [
    `${cluster}: edges ${told.length}`,
    ...(draining > 0 ? [`draining ${draining}`] : []),
    ...(silent > 0 ? [`without an answer ${silent}`] : []),
    `players ${sum(({ figures }) => figures.players)}${edgePlayers > 0 ? ` (${edgePlayers} of them edges below)` : ''}`,
    `publishers ${sum(({ figures }) => figures.publishers)}`,
    `origins ${originsText(reports)}${savedText(reports)}`,
  ].join(', ');
}

/** What the tier keeps from its origins; nothing is said while it has no clients. */
function savedText(reports: readonly EdgeReport[]): string {
  const sum = (figure: keyof EdgeFigures) => reports.reduce((total, { figures }) => total + figures[figure], 0);
  const clients = sum('players') + sum('publishers');
  if (clients === 0) return '';
  const [originConnections, sentKbps, receivedKbps] = [sum('originConnections'), sum('sentKbps'), sum('receivedKbps')];
  const figures = { players: sum('players'), publishers: sum('publishers'), originConnections, sentKbps, receivedKbps };
  const { connections, kbps } = savedBy(figures);
  return ` by ${originConnections} connections, saving ${connections} and ${(kbps / 1000).toFixed(1)} Mb/s`;
}

function isDraining(one: Told<EdgeReport>): boolean {
  return one.edge.pod.ending || ('answer' in one && one.answer.state === 'draining');
}

function edgeRow(one: Told<EdgeReport>): string[] {
  const name = one.edge.pod.metadata.name;
  if ('silence' in one) return [name, isDraining(one) ? 'draining' : 'no answer', '', '', '', '', '', '', one.silence];
  const { figures, config } = one.answer;
  const { players, publishers, streams, receivedKbps, sentKbps } = figures;
  const state = isDraining(one) ? 'draining' : one.edge.pod.ready ? 'serving' : 'not ready';
  const numbers = [players, publishers, streams, receivedKbps, sentKbps].map(String);
  const configuration = config.error === undefined ? config.hash : `refused: ${config.error}`;
  return [name, state, ...numbers, originsText([one.answer]), configuration];
}

/** Reached and all, as the edge sees each that knows the worst of it. */
function originsText(reports: readonly EdgeReport[]): string {
  const all = new Set(reports.flatMap(({ origins }) => [...origins.keys()]));
  const isUp = (name: string) =>
    reports.every(({ origins }) => ['up', 'suspect', undefined].includes(origins.get(name)?.state));
  return `${[...all].filter(isUp).length}/${all.size}`;
}

export interface StreamTotal extends StreamRow {
  /** `namespace/name` of the EdgeCluster. */
  readonly cluster: string;
  readonly edges: number;
}

/** Each stream of each EdgeCluster once; those with most clients first. */
export function streamTotals(told: readonly Told<readonly StreamRow[]>[]): StreamTotal[] {
  const totals = new Map<string, StreamTotal>();
  for (const one of told) {
    if ('silence' in one) continue;
    const cluster = clusterOf(one.edge);
    for (const row of one.answer) {
      const key = `${cluster} ${row.url}`;
      const before = totals.get(key);
      totals.set(key, {
        cluster,
        url: row.url,
        edges: (before?.edges ?? 0) + 1,
        clients: (before?.clients ?? 0) + row.clients,
        receivedKbps: (before?.receivedKbps ?? 0) + row.receivedKbps,
        sentKbps: (before?.sentKbps ?? 0) + row.sentKbps,
        active: before?.active === true || row.active,
      });
    }
  }
  return [...totals.values()].toSorted((a, b) => b.clients - a.clients || a.url.localeCompare(b.url));
}

export function streamLines(totals: readonly StreamTotal[]): string[] {
  const rows = totals.map(({ cluster, url, clients, edges, receivedKbps, sentKbps, active }) => [
    url,
    cluster,
    ...[clients, edges, receivedKbps, sentKbps].map(String),
    active ? 'yes' : 'no',
  ]);
  return columns([['STREAM', 'CLUSTER', 'CLIENTS', 'EDGES', 'KB/S IN', 'KB/S OUT', 'LIVE'], ...rows]);
}

export interface ClientAt extends ClientRow {
  readonly namespace: string;
  /** Name of the pod. */
  readonly edge: string;
}

/** @param stream the name of one stream, or its `vhost/app/stream`; undefined: all */
export function clientsAt(told: readonly Told<readonly ClientRow[]>[], stream: string | undefined): ClientAt[] {
  return told.flatMap((one) => {
    if ('silence' in one) return [];
    const { namespace, pod } = one.edge;
    return one.answer
      .filter(({ url }) => stream === undefined || url === stream || url.endsWith(`/${stream}`))
      .map((row) => ({ ...row, namespace, edge: pod.metadata.name }));
  });
}

export function clientLines(clients: readonly ClientAt[]): string[] {
  const rows = clients.map(({ id, edge, type, url, ip, connectedSeconds, receivedKbps, sentKbps }) => [
    id,
    edge,
    type,
    url,
    ip,
    ...[connectedSeconds, receivedKbps, sentKbps].map(String),
  ]);
  return columns([['CLIENT', 'EDGE', 'TYPE', 'STREAM', 'ADDRESS', 'SECONDS', 'KB/S IN', 'KB/S OUT'], ...rows]);
}

/** Edges that could not be asked, a line for each. */
export function silences(told: readonly Told<unknown>[]): string[] {
  return told.flatMap((one) => ('silence' in one ? [`${one.edge.pod.metadata.name}: ${one.silence}`] : []));
}

function clusterOf({ namespace, cluster }: Edge): string {
  return `${namespace}/${cluster}`;
}

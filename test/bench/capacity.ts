/**
 * What a large audience takes: pods, cores, memory, bandwidth, connections of the origin, and money, computed from what
 * was measured of one edge (capacity.json). `node test/bench/capacity.ts` writes CAPACITY.md again.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** A figure, and how to have it again. */
interface Measured {
  readonly value: number;
  readonly unit: string;
  readonly what: string;
  readonly machine: string;
  readonly date: string;
  readonly how: string;
}

interface Price {
  readonly value: number;
  readonly unit: string;
  readonly what: string;
  readonly date: string;
  readonly source: string;
}

export interface Sheet {
  readonly measured: Readonly<
    Record<
      | 'streamKbps'
      | 'playerCpu'
      | 'edgeCpu'
      | 'edgeMb'
      | 'streamMb'
      | 'playerKb'
      | 'tlsPlayerCpu'
      | 'tlsPlayerKb'
      | 'edgesAtAnOrigin',
      Measured
    >
  >;
  readonly prices: Readonly<Record<'coreHour' | 'egressGb', Price>>;
}

interface Audience {
  readonly title: string;
  readonly players: number;
  readonly playersAnEdge: number;
  readonly streams: number;
  /** Edges between; each stream comes through one of them. */
  readonly tierEdges: number;
  readonly tls: boolean;
}

/** The rest of a core is for joins, for the network card's work, and for an edge that takes over from another. */
export const BUSY_AT_MOST = 0.6;
const HOURS_A_MONTH = 730;

const document = { title: '640,000 players', players: 640_000, playersAnEdge: 2000 } as const;
const great = { title: '10 million players', players: 10_000_000, playersAnEdge: 4000 } as const;

export const audiences: readonly Audience[] = [
  { ...document, title: `${document.title} of one stream`, streams: 1, tierEdges: 0, tls: false },
  { ...document, title: `${document.title} of one stream, TLS`, streams: 1, tierEdges: 0, tls: true },
  { ...document, title: `${document.title} of 50 streams, a tier of 4`, streams: 50, tierEdges: 4, tls: true },
  { ...great, title: `${great.title} of one stream, a tier of 8`, streams: 1, tierEdges: 8, tls: true },
  { ...great, title: `${great.title} of 1,000 streams, a tier of 400`, streams: 1000, tierEdges: 400, tls: true },
];

export interface Need {
  readonly edges: number;
  readonly edgeCpu: number;
  readonly edgeMb: number;
  readonly edgeGbps: number;
  readonly cores: number;
  readonly memoryGb: number;
  readonly playersGbps: number;
  /** What goes from the tier to the edges; 0 without a tier. */
  readonly tierGbps: number;
  /** What a tier's edge sends. */
  readonly tierEdgeGbps: number;
  /** Pulls of the streams. */
  readonly originConnections: number;
  readonly originGbps: number;
  readonly coresPerHour: number;
  readonly egressPerHour: number;
}

/** An edge's players may be at any of the streams: it pulls each at most once. */
export function need(sheet: Sheet, audience: Audience): Need {
  const of = (name: keyof Sheet['measured']): number => sheet.measured[name].value;
  const { players, playersAnEdge, streams, tierEdges, tls } = audience;
  const streamGbps = of('streamKbps') / 1e6;
  const edges = Math.ceil(players / playersAnEdge);
  const pulledByAnEdge = Math.min(streams, playersAnEdge);
  const edgeCpu = of('edgeCpu') + playersAnEdge * of(tls ? 'tlsPlayerCpu' : 'playerCpu');
  const perPlayerKb = of(tls ? 'tlsPlayerKb' : 'playerKb');
  const edgeMb = of('edgeMb') + pulledByAnEdge * of('streamMb') + (playersAnEdge * perPlayerKb) / 1000;
  const pulls = edges * pulledByAnEdge;
  // An edge is a player to the tier: it costs what a player without TLS costs.
  const tierCpu = tierEdges * of('edgeCpu') + (tierEdges === 0 ? 0 : pulls * of('playerCpu'));
  const originConnections = tierEdges === 0 ? pulls : streams;
  const tierGbps = tierEdges === 0 ? 0 : pulls * streamGbps;
  const playersGbps = players * streamGbps;
  const cores = (edges * edgeCpu + tierCpu) / 100 / BUSY_AT_MOST;
  const tierMb =
    tierEdges * of('edgeMb') + (tierEdges === 0 ? 0 : streams * of('streamMb') + (pulls * of('playerKb')) / 1000);
  return {
    edges,
    edgeCpu,
    edgeMb,
    edgeGbps: playersAnEdge * streamGbps,
    cores,
    memoryGb: (edges * edgeMb + tierMb) / 1000,
    playersGbps,
    tierGbps,
    tierEdgeGbps: tierEdges === 0 ? 0 : tierGbps / tierEdges,
    originConnections,
    originGbps: originConnections * streamGbps,
    coresPerHour: cores * sheet.prices.coreHour.value,
    // Gigabits a second to gigabytes an hour.
    egressPerHour: ((playersGbps * 3600) / 8) * sheet.prices.egressGb.value,
  };
}

const whole = (value: number): string => Math.round(value).toLocaleString('en');
/** Two digits that count, and no decimals above ten. */
const short = (value: number): string =>
  value === 0 ? '–' : value >= 10 ? whole(value) : value.toPrecision(2).replace(/\.0$/, '');
const dollars = (value: number): string => `$${short(value)}`;

/** What is told of a need, and how. */
export const rows: readonly (readonly [string, (each: Need) => string])[] = [
  ['edge pods', ({ edges }) => whole(edges)],
  ['CPU of an edge, % of a core', ({ edgeCpu }) => short(edgeCpu)],
  ['memory of an edge, MB', ({ edgeMb }) => whole(edgeMb)],
  ['an edge sends, Gb/s', ({ edgeGbps }) => short(edgeGbps)],
  [`cores, busy to ${BUSY_AT_MOST * 100} %`, ({ cores }) => whole(Math.ceil(cores))],
  ['memory of all, GB', ({ memoryGb }) => whole(Math.ceil(memoryGb))],
  ['to the players, Gb/s', ({ playersGbps }) => whole(playersGbps)],
  ['from the tier to the edges, Gb/s', ({ tierGbps }) => short(tierGbps)],
  ['of it from each of the tier, Gb/s', ({ tierEdgeGbps }) => short(tierEdgeGbps)],
  ['connections at the origin', ({ originConnections }) => whole(originConnections)],
  ['the origin sends, Gb/s', ({ originGbps }) => short(originGbps)],
  ['cores, an hour', ({ coresPerHour }) => dollars(coresPerHour)],
  ['**egress, an hour**', ({ egressPerHour }) => `**${dollars(egressPerHour)}**`],
  ['egress, a month without a pause', ({ egressPerHour }) => dollars(egressPerHour * HOURS_A_MONTH)],
];

function tableOf(head: readonly string[], body: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map((_, i) => (i === 0 ? '---' : '---:'))), ...body.map(line)].join('\n');
}

export function page(sheet: Sheet): string {
  const needs = audiences.map((audience) => need(sheet, audience));
  const measured = Object.values(sheet.measured).map(
    ({ what, value, unit, machine, date, how }) => `| ${what} | ${value} ${unit} | ${machine} | ${date} | ${how} |`,
  );
  const prices = Object.values(sheet.prices).map(
    ({ what, value, unit, date, source }) => `| ${what} | ${unit.replace('$', `$${value}`)} | ${date} | ${source} |`,
  );
  const shares = needs.map(({ coresPerHour, egressPerHour }) => (100 * coresPerHour) / (coresPerHour + egressPerHour));
  return `# What a large audience takes

\`node test/bench/capacity.ts\` writes this page from the figures in [capacity.json](capacity.json), which were measured
by the commands that stand beside them. Measure on your machines, change the file, and run it again.

For an audience of yours, ask the calculator. It says what sets the number of edges, and warns of a tier that is too small:

\`\`\`sh run
node test/bench/calculate.ts --players 50000 --kbps 3000 --streams 20 --tls --tier 3
\`\`\`

${tableOf(
  ['', ...audiences.map(({ title }) => title)],
  rows.map(([name, show]) => [name, ...needs.map(show)]),
)}

- **Egress is the bill.** Cores are ${short(Math.min(...shares))} to ${short(Math.max(...shares))} % of what cores and egress cost together. What to
  save on is the price of a gigabyte (committed traffic, a network of one's own, hosts that sell ports and not gigabytes)
  and the bitrate; a cheaper edge saves hardly anything. Memory comes with the cores.
- **The bandwidth of a node sets how many players an edge takes**, long before its CPU does. Plan an edge for what its
  node's network sends without a pause, not for the "up to" of its data sheet.
- **A tier saves the origin, not money.** Without one the origin has a connection for each edge and stream. Behind one it
  has one for each stream (\`balance hash\`), and what the tier sends stays inside. For a moment it can be more: while a
  stream is new to the tier, edges that wait for it ask the tier's other edges, too, and these pull it until nobody has
  wanted it for \`linger\` of 10 s.
- Where each edge has few players of each of many streams, the tier sends as much as the edges do, or nearly. Bring
  players of a stream to the same edges.

## What it rests on

| | value | machine | date | how |
| --- | ---: | --- | --- | --- |
${measured.join('\n')}

| price | | read | source |
| --- | ---: | --- | --- |
${prices.join('\n')}

What was not measured: a network card and its interrupts (all of it ran on the loopback of one machine, where the kernel
copies but no card sends), players that are far away and lose packets, and more than ${whole(sheet.measured.edgesAtAnOrigin.value)} edges at one
origin. Cores count as busy to ${BUSY_AT_MOST * 100} % for that reason. Prices are list prices of one provider, without
load balancers, addresses, or traffic between zones.
`;
}

const FILE = path.join(import.meta.dirname, 'CAPACITY.md');

export function readSheet(): Sheet {
  return JSON.parse(readFileSync(path.join(import.meta.dirname, 'capacity.json'), 'utf8')) as Sheet;
}

if (process.argv[1] === import.meta.filename) writeFileSync(FILE, page(readSheet()));

/** What the demo shows, as lines of text: where to play, the table of edges and origins, and a line for logs. */

import { columns, type Picture } from '../../operator/screen.ts';
import type { Scene } from './figures.ts';
import type { HlsSight } from './hls.ts';

export interface EdgeRow {
  readonly name: string;
  /** As the edge counts them: whoever plays along is among them. */
  readonly players: number;
  /** Of the demo's own players. */
  readonly cutOff: number;
  readonly origin: string | null;
  readonly switches: number;
  /** As the demo's players measured them. */
  readonly switchGapMs: number | undefined;
  readonly longestGapMs: number;
  readonly missing: number;
}

export interface OriginRow {
  readonly name: string;
  readonly address: string;
  readonly state: string;
}

export interface View {
  readonly elapsedMs: number;
  readonly edges: readonly EdgeRow[];
  readonly origins: readonly OriginRow[];
  readonly kills: number;
  /** Undefined where there is no HLS. */
  readonly hls: HlsSight | undefined;
}

/**
 * Told once, at the beginning.
 * @param pageUrl of the page that shows HTTP-FLV and HLS beside each other, where there is HLS
 */
export function introduction({ edges, origins, publisher, hls, configFile }: Scene, pageUrl?: string): string[] {
  const [first] = edges;
  const names = origins.map(({ name, address }) => `${name} ${address}`).join(', ');
  return [
    `Published to both origins (${names}): ${publisher.source}.`,
    ...edges.flatMap(({ name, rtmpUrl, flvUrl, pageUrl }) => [
      '',
      `${name}   in a browser  ${pageUrl}`,
      `         RTMP          ${rtmpUrl}`,
      `         HTTP-FLV      ${flvUrl}`,
    ]),
    '',
    ...('hls' in hls
      ? [`HLS      in a browser  ${pageUrl} (beside HTTP-FLV)`, `         the cache     ${hls.hls.url}`]
      : [`There is no HLS: ${hls.missing}.`]),
    '',
    `Figures of ${first?.name}: ${first?.metricsUrl}`,
    `Its configuration, rendered from crds/examples/edgecluster.yaml: ${configFile}`,
    '',
  ];
}

/** What the screen shows of it. */
export function picture(view: View): Picture {
  return { table: table(view), line: logLine(view) };
}

function table({ elapsedMs, edges, origins, kills, hls }: View): string[] {
  const rows = edges.map((edge) => [
    edge.name,
    String(edge.players),
    String(edge.cutOff),
    edge.origin ?? 'none',
    String(edge.switches),
    gap(edge.switchGapMs),
    gap(edge.longestGapMs),
    String(edge.missing),
  ]);
  const heads = [
    '',
    'players',
    'cut off',
    'origin in use',
    'switches',
    'gap at last switch',
    'longest gap',
    'frames missing',
  ];
  return [
    `${seconds(elapsedMs)}   stream live/demo   origins killed: ${kills}`,
    '',
    ...columns([heads, ...rows]),
    '',
    ...columns(origins.map(({ name, address, state }) => [name, address, state])),
    ...(hls === undefined ? [] : ['', hlsLine(hls)]),
    '',
    'Ctrl-C ends the demo.',
  ];
}

/** The same in one line. */
function logLine({ elapsedMs, edges, hls }: View): string {
  const parts = edges.map(
    ({ name, players, cutOff, origin, switchGapMs, missing }) =>
      `${name}: ${players} players, ${cutOff} cut off, from ${origin ?? 'none'}, gap at last switch ${gap(switchGapMs)}, ${missing} frames missing`,
  );
  return `${seconds(elapsedMs)}  ${[...parts, ...(hls === undefined ? [] : [hlsLine(hls)])].join(' | ')}`;
}

function hlsLine({ segments, missing, refused, longestWaitMs }: HlsSight): string {
  const wait = `longest wait for one ${gap(longestWaitMs)}`;
  return `HLS: ${segments} segments, ${missing} missing, ${refused.length} requests in vain, ${wait}`;
}

function gap(ms: number | undefined): string {
  return ms === undefined ? '–' : `${Math.round(ms)} ms`;
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1_000)} s`.padStart(5);
}

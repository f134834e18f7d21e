/**
 * Plots of what was measured over time, as SVG: panels below each other that share the axis of time. Scales and lines
 * are those of d3; what they draw reads well on light and on dark ground.
 */

import { scaleLinear } from 'd3-scale';
import { curveLinear, curveStepAfter, line } from 'd3-shape';

/** `[seconds, value]`; undefined: not known then. */
export type Point = readonly [seconds: number, value: number | undefined];

export interface Series {
  /** Shown in the panel's legend. */
  readonly name: string;
  readonly colour: Colour;
  readonly points: readonly Point[];
  /** The value holds until the next one: for counts that change at once. */
  readonly isStepped?: boolean;
  /** Dashed: what was wanted, beside what was. */
  readonly isDashed?: boolean;
}

export interface Panel {
  readonly title: string;
  readonly series: readonly Series[];
}

export interface Plot {
  readonly title: string;
  /** For who does not see it. */
  readonly description: string;
  readonly panels: readonly Panel[];
}

export type Colour = keyof typeof colours;

/** Each has enough contrast with white and with black. */
const colours = { blue: '#2f7de1', orange: '#c8690a', green: '#1f8a4c', grey: '#7a828a' } as const;

const width = 760;
const left = 60;
const right = 16;
const panelHeight = 118;
/** Above each panel, for its title and legend. */
const headHeight = 34;
const axisHeight = 44;
const characterWidth = 6.6;

export function plotSvg({ title, description, panels }: Plot): string {
  const times = panels.flatMap(({ series }) => series.flatMap(({ points }) => points.map(([seconds]) => seconds)));
  const x = scaleLinear([0, Math.max(1, ...times) / 60], [left, width - right]);
  const height = panels.length * (headHeight + panelHeight) + axisHeight;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="title description">`,
    `<title id="title">${escaped(title)}</title>`,
    `<desc id="description">${escaped(description)}</desc>`,
    '<style>',
    'text { font: 12px system-ui, sans-serif; fill: #1c2126 }',
    '.title { font-weight: 600 } .grid { stroke: #d5dae0 } .ground { fill: #fff }',
    '.line { fill: none; stroke-width: 1.8; stroke-linejoin: round }',
    '@media (prefers-color-scheme: dark) { text { fill: #e4e8ec } .grid { stroke: #3a444e } .ground { fill: #14181c } }',
    '</style>',
    `<rect class="ground" width="${width}" height="${height}"/>`,
    ...panels.flatMap((panel, index) => panelSvg(panel, index * (headHeight + panelHeight), x)),
    ...timeAxis(x, height - axisHeight),
    '</svg>',
    '',
  ].join('\n');
}

type Scale = ReturnType<typeof scaleLinear<number, number>>;

function panelSvg({ title, series }: Panel, top: number, x: Scale): string[] {
  const values = series.flatMap(({ points }) => points.flatMap(([, value]) => value ?? []));
  const bottom = top + headHeight + panelHeight;
  const y = scaleLinear([0, Math.max(1, ...values)], [bottom, top + headHeight]).nice(4);
  // Counts have no halves.
  const ticks = y.ticks(4).filter(Number.isInteger);
  return [
    `<text class="title" x="${left}" y="${top + 22}">${escaped(title)}</text>`,
    ...legend(series, top + 22),
    ...ticks.flatMap((value) => [
      `<line class="grid" x1="${left}" x2="${width - right}" y1="${round(y(value))}" y2="${round(y(value))}"/>`,
      `<text x="${left - 8}" y="${round(y(value) + 4)}" text-anchor="end">${value.toLocaleString('en')}</text>`,
    ]),
    ...series.map((each) => lineSvg(each, x, y)),
  ];
}

/** At the right end, the last one outermost. */
function legend(series: readonly Series[], y: number): string[] {
  let end = width - right;
  return series.toReversed().flatMap((each) => {
    const begin = end - each.name.length * characterWidth;
    end = begin - 44;
    return [
      `<line ${stroke(each)} x1="${round(begin - 26)}" x2="${round(begin - 6)}" y1="${y - 4}" y2="${y - 4}"/>`,
      `<text x="${round(begin)}" y="${y}">${escaped(each.name)}</text>`,
    ];
  });
}

function lineSvg(series: Series, x: Scale, y: Scale): string {
  const path = line<Point>()
    .defined(([, value]) => value !== undefined)
    .x(([seconds]) => round(x(seconds / 60)))
    .y(([, value]) => round(y(value ?? 0)))
    .curve(series.isStepped ? curveStepAfter : curveLinear)(series.points);
  return `<path ${stroke(series)} d="${path ?? ''}"/>`;
}

function stroke({ colour, isDashed }: Series): string {
  return `class="line" stroke="${colours[colour]}"${isDashed ? ' stroke-dasharray="5 4"' : ''}`;
}

function timeAxis(x: Scale, y: number): string[] {
  return [
    ...x
      .ticks(10)
      .filter(Number.isInteger)
      .map((minutes) => `<text x="${round(x(minutes))}" y="${y + 18}" text-anchor="middle">${minutes}</text>`),
    `<text x="${width - right}" y="${y + 36}" text-anchor="end">minutes</text>`,
  ];
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

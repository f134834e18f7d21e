/**
 * From the figures of all rounds to a table in Markdown.
 */
import type { Case, Column, Figures } from './case.ts';
import { median } from './measure.ts';
import type { ServerName } from './servers.ts';

/** Share of the stream, in percent, below which a server has not done the work whose cost is compared. */
const FULL_DELIVERY = 98;

const NAMES: Readonly<Record<ServerName, string>> = {
  floor: 'floor',
  nginx: 'nginx-rtmp',
  srs: 'SRS',
  before: 'ours, before',
  ours: 'ours',
};

function combine(column: Column, values: readonly number[]): number {
  switch (column.over) {
    case 'median':
      return median(values);
    case 'max':
      return Math.max(...values);
    case 'min':
      return Math.min(...values);
  }
}

/** One figure for each column, from those of all rounds. */
export function summarize(one: Case, rounds: readonly Figures[]): Figures {
  return Object.fromEntries(
    Object.entries(one.columns).map(([key, column]) => [
      key,
      combine(
        column,
        rounds.map((round) => round[key] ?? Number.NaN),
      ),
    ]),
  );
}

function fellShort(figures: Figures): boolean {
  return (figures.delivered ?? 100) < FULL_DELIVERY || (figures.gone ?? 0) > 0;
}

/** The table of one case. Who delivered less than everything is marked, and nobody is compared with them. */
export function table(one: Case, results: ReadonlyMap<ServerName, Figures>): string {
  const keys = Object.keys(one.columns);
  const ours = results.get('ours');
  const ratio = (name: ServerName, figures: Figures): string => {
    if (!ours || name === 'ours') return '';
    if (fellShort(figures) || fellShort(ours)) return '–';
    return `× ${((ours[one.compare] ?? Number.NaN) / (figures[one.compare] ?? Number.NaN)).toFixed(2)}`;
  };
  const head = ['', ...Object.values(one.columns).map((column) => column.title), ...(ours ? ['ours is'] : [])];
  const body = [...results].map(([name, figures]) => [
    `${one.names?.[name] ?? NAMES[name]}${fellShort(figures) ? ' (falls short)' : ''}`,
    ...keys.map((key) => (figures[key] ?? Number.NaN).toFixed(one.columns[key]?.digits)),
    ...(ours ? [ratio(name, figures)] : []),
  ]);
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const rule = head.map((_, i) => (i === 0 ? '---' : '---:'));
  return [`**${one.title}** (\`${one.name}\`)`, '', line(head), line(rule), ...body.map(line), ''].join('\n');
}

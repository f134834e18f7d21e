/** How the cost of a change is shown: for a person, or as JSON. */
import type { ChangeCost } from './change-cost.ts';
import { type Cost, costWords, type Finding } from './cost.ts';

export interface Report extends ChangeCost {
  /** `namespace/name` of the EdgeCluster. */
  readonly cluster: string;
  /** Who is connected now, in words; undefined where no cluster was asked. */
  readonly now: string | undefined;
}

const meanings: Readonly<Record<Cost, string>> = {
  nothing: 'no client notices it',
  reload: 'running edges take it, and nobody is disconnected',
  listeners: 'clients find the edges at other ports or addresses',
  roll: 'edges end, and let their clients finish first',
  cut: 'clients are disconnected',
};

export function textOf(reports: readonly Report[]): string {
  return reports.map((report) => `${linesOf(report).join('\n')}\n`).join('\n');
}

export function jsonOf(reports: readonly Report[]): string {
  return `${JSON.stringify(reports, undefined, 2)}\n`;
}

function linesOf({ cluster, cost, findings, now }: Report): string[] {
  const meaning = findings.length === 0 ? 'nothing differs' : meanings[cost];
  const width = Math.max(...findings.map(({ cost }) => costWords[cost].length));
  return [
    `${cluster}: ${costWords[cost]} (${meaning})`,
    ...(now === undefined ? [] : [`  ${now}`]),
    ...findings.map((found) => `  ${costWords[found.cost].padEnd(width)}  ${sentenceOf(found)}`),
  ];
}

function sentenceOf({ object, change, effect }: Finding): string {
  return `${object}: ${change}${effect && ` (${effect})`}`;
}

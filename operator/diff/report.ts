/** How the cost of a change is shown: for a person, or as JSON. */
import { pausedBy } from '../api/pause.ts';
import type { EdgeCluster } from '../api/types.ts';
import type { ChangeCost } from './change-cost.ts';
import { type Cost, costWords, type Finding } from './cost.ts';
import type { Rollout } from './staged.ts';

export interface Report extends ChangeCost {
  /** `namespace/name` of the EdgeCluster. */
  readonly cluster: string;
  /** Who is connected now, where a cluster was asked; what keeps the change from being applied. In words. */
  readonly notes: readonly string[];
  /** A configuration that is on its way to the edges, where a cluster was asked and has one. */
  readonly rollout?: Rollout;
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

/** A paused EdgeCluster is left as it is, so that neither its spec nor a change of it need be in force. */
export function pauseNotes(present: EdgeCluster | undefined, next: EdgeCluster): string[] {
  const [before, after] = [present && pausedBy(present), pausedBy(next)];
  if (after !== undefined) return [`paused by ${after}: nothing of this happens before that is taken back`];
  if (before === undefined) return [];
  return [`paused by ${before} until now: what was edited meanwhile is put back, which is not in the list`];
}

function linesOf({ cluster, cost, findings, notes }: Report): string[] {
  const meaning = findings.length === 0 ? 'nothing differs' : meanings[cost];
  const width = Math.max(...findings.map(({ cost }) => costWords[cost].length));
  return [
    `${cluster}: ${costWords[cost]} (${meaning})`,
    ...notes.map((note) => `  ${note}`),
    ...findings.map((found) => `  ${costWords[found.cost].padEnd(width)}  ${sentenceOf(found)}`),
  ];
}

function sentenceOf({ object, change, effect }: Finding): string {
  return `${object}: ${change}${effect && ` (${effect})`}`;
}

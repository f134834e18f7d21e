/** The table of the hostile run: a line for each row, figures of both runs with a slash between them. */

import { gapAboveNormalMs } from './bounds.ts';
import type { Outcome, Run } from './scene.ts';

const titles = [
  'row',
  'gap, ms',
  'above normal, ms',
  'cut',
  'guests not served',
  'RSS before, MB',
  'peak, MB',
  'after, MB',
  "origin's peak, MB",
  'log lines',
  '`/readyz`, ms',
  'hostile clients (second run)',
];

export const tableHead: string = [line(titles), line(titles.map(() => '---'))].join('\n');

export function tableLine(outcome: Outcome): string {
  const { row, runs, beforeMb } = outcome;
  const each = (figure: (run: Run) => number): string => runs.map((run) => number(figure(run))).join(' / ');
  return line([
    row.name,
    each(({ honest }) => honest.greatestGapMs),
    each((run) => gapAboveNormalMs(outcome, run)),
    each(({ honest }) => honest.cut.length),
    each(({ honest }) => honest.guestsRefused),
    number(beforeMb),
    each(({ peakMb }) => peakMb),
    each(({ afterMb }) => afterMb),
    each(({ originPeakMb }) => originPeakMb),
    each(({ logLines }) => logLines),
    each(({ watched }) => watched.longestAnswerMs),
    runs.at(-1)?.fate ?? '',
  ]);
}

function number(value: number): string {
  return Number.isNaN(value) ? 'ended' : value.toFixed(0);
}

function line(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

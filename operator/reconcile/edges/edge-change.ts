/** Whether what an edge says is news. Pure. */

import type { EdgeReport, EdgeState } from './report.ts';

/** `figures`: players and bandwidth only. */
export type EdgeChange = 'facts' | 'figures';

/** What is new; undefined when nothing is. */
export function changeOf(before: EdgeState, after: EdgeState): EdgeChange | undefined {
  if (before.state !== after.state) return 'facts';
  if (before.state === 'silent' && after.state === 'silent')
    return before.cause === after.cause && before.last === after.last ? undefined : 'facts';
  if (before.state === 'answering' && after.state === 'answering') {
    if (facts(before.report) !== facts(after.report)) return 'facts';
    return JSON.stringify(before.report.figures) === JSON.stringify(after.report.figures) ? undefined : 'figures';
  }
  return undefined;
}

function facts({ state, config, origins }: EdgeReport): string {
  return JSON.stringify([state, config, [...origins].map(([name, { state }]) => [name, state])]);
}

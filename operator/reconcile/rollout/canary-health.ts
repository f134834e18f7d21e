/** What speaks against a changed configuration: how the edges that got it first are, beside what the others say. */

import type { EdgeReport, EdgeState } from '../edges/report.ts';
import type { PodView } from '../observe/views.ts';

/** An edge that has, or is to get, the changed configuration. */
export interface Canary {
  readonly pod: PodView;
  readonly edge: EdgeState;
  /** What it said before it had it; undefined: not known, as after the operator was started. */
  readonly before: EdgeReport | undefined;
}

/** An edge that keeps the former configuration. */
export interface Control {
  readonly edge: EdgeState;
  /** What it said when the first canary had the changed one. */
  readonly before: EdgeReport | undefined;
}

/** So many refused clients say something; fewer may be strays. */
const refusedLeast = 3;
/** By so much the share of refused clients may be greater than that of the other edges. */
const refusedShareMore = 0.1;
/** An event loop that is so late, and so many times later than those of the others, has too much to do. */
const lag = { leastMs: 250, times: 4 } as const;

/**
 * Why the configuration is no good, as one edge shows; undefined: nothing speaks against it. An edge that has not taken
 * it yet, and one that cannot be asked, says nothing.
 * @param hash of the changed edge.conf
 */
export function complaintOf(
  { pod, edge, before }: Canary,
  controls: readonly Control[],
  hash: string,
): string | undefined {
  const { failure, ready } = pod;
  if (failure !== undefined) return `${failure.reason}${failure.message && `: ${failure.message}`}`;
  if (!ready) return 'it is not ready any more';
  if (edge.state !== 'answering') return undefined;
  const { report } = edge;
  if (report.config.hash !== hash)
    return report.config.error === undefined ? undefined : `it refuses the file: ${report.config.error}`;
  return refusals(report, before, controls) ?? lostOrigins(report, before, controls) ?? slowness(report, controls);
}

function refusals(now: EdgeReport, before: EdgeReport | undefined, controls: readonly Control[]): string | undefined {
  const { taken, refused } = clientsSince(now, before);
  if (refused < refusedLeast) return undefined;
  const others = controls.map(({ edge, before }) =>
    edge.state === 'answering' ? clientsSince(edge.report, before) : { taken: 0, refused: 0 },
  );
  const share = shareOf([{ taken, refused }]);
  const usual = shareOf(others);
  if (share <= usual + refusedShareMore) return undefined;
  const beside = controls.length === 0 ? '' : `; edges with the former configuration refused ${percent(usual)}`;
  return `it refused ${refused} of ${Math.max(taken, refused)} clients (${percent(share)})${beside}`;
}

interface Counts {
  readonly taken: number;
  readonly refused: number;
}

/** An edge that was started again counts from the start. */
function clientsSince(now: EdgeReport, before: EdgeReport | undefined): Counts {
  const { taken = 0, refused = 0 } = now.clients ?? {};
  // What it refused before, nobody knows.
  if (before === undefined) return { taken: 0, refused: 0 };
  const former = before.clients ?? { taken: 0, refused: 0 };
  if (taken < former.taken) return { taken, refused };
  return { taken: taken - former.taken, refused: Math.max(0, refused - former.refused) };
}

/** HTTP clients that are refused at once are not counted as taken. */
function shareOf(counts: readonly Counts[]): number {
  const refused = counts.reduce((sum, count) => sum + count.refused, 0);
  const all = counts.reduce((sum, count) => sum + Math.max(count.taken, count.refused), 0);
  return all === 0 ? 0 : refused / all;
}

/** Origins that it cannot reach, unless they were down before or are for the others, too. */
function lostOrigins(
  now: EdgeReport,
  before: EdgeReport | undefined,
  controls: readonly Control[],
): string | undefined {
  const isDown = (report: EdgeReport | undefined, name: string): boolean => report?.origins.get(name)?.state === 'down';
  const lost = [...now.origins].filter(
    ([name, { state }]) =>
      state === 'down' &&
      !isDown(before, name) &&
      !controls.some(({ edge }) => edge.state === 'answering' && isDown(edge.report, name)),
  );
  if (lost.length === 0) return undefined;
  return `it cannot reach ${lost.map(([name, { reason }]) => `${name}${reason && ` (${reason})`}`).join(', ')}`;
}

function slowness({ eventLoopLagMs = 0 }: EdgeReport, controls: readonly Control[]): string | undefined {
  const others = controls.map(({ edge }) => (edge.state === 'answering' ? (edge.report.eventLoopLagMs ?? 0) : 0));
  const usualMs = Math.max(0, ...others);
  if (eventLoopLagMs < lag.leastMs || eventLoopLagMs < usualMs * lag.times) return undefined;
  return `its event loop is ${eventLoopLagMs} ms late; those of edges with the former configuration ${usualMs} ms`;
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

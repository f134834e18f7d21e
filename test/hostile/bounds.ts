/** What a row must not do to the edge and its honest clients. */

import type { Outcome, Run } from './scene.ts';

export const bounds = {
  /** Above the greatest gap that honest players see without an attack. */
  gapAboveNormalMs: 500,
  answerMs: 1_000,
  peakMb: 400,
  /** The second run may peak so much higher: garbage is collected when it suits the engine. */
  secondPeakMb: 40,
  logLines: 3_000,
  logBytes: 3_000_000,
} as const;

/** How much longer the greatest gap of a run was than the normal one, without the delays of the players' process. */
export function gapAboveNormalMs({ normal }: Outcome, { honest }: Run): number {
  return Math.max(0, honest.greatestGapMs - honest.ownDelayMs - normal.greatestGapMs);
}

/** Breaches that do not depend on how fast the machine is. */
export function countBreaches({ row, runs }: Outcome): string[] {
  const linesMax = row.logLinesMax ?? bounds.logLines;
  const breaches = runs.flatMap((run, index) => {
    const found = [...run.faults];
    if (run.honest.cut.length > 0) found.push(`${run.honest.cut.length} cut: ${run.honest.cut[0]}`);
    if (run.honest.guestsRefused > 0)
      found.push(`${run.honest.guestsRefused} guests not served: ${run.honest.refusal}`);
    if (run.watched.notReady > 0) found.push(`/readyz ${run.watched.notReady} times not 200`);
    if (!(run.peakMb <= bounds.peakMb)) found.push(`peak of ${run.peakMb.toFixed(0)} MB`);
    if (!(run.originPeakMb <= bounds.peakMb)) found.push(`origin's peak of ${run.originPeakMb.toFixed(0)} MB`);
    if (run.logLines > linesMax) found.push(`${run.logLines} log lines`);
    if (run.logBytes > bounds.logBytes) found.push(`${(run.logBytes / 1e6).toFixed(0)} MB of log`);
    return found.map((breach) => `run ${index + 1}: ${breach}`);
  });
  const [first, second] = runs;
  if (first !== undefined && second !== undefined && second.peakMb > first.peakMb + bounds.secondPeakMb) {
    breaches.push(`the second peak is higher: ${first.peakMb.toFixed(0)}, then ${second.peakMb.toFixed(0)} MB`);
  }
  return breaches;
}

/** Those that do. */
export function timeBreaches(outcome: Outcome): string[] {
  return outcome.runs.flatMap((run, index) => {
    const found: string[] = [];
    const gapMs = gapAboveNormalMs(outcome, run);
    if (gapMs > bounds.gapAboveNormalMs) found.push(`a gap of ${gapMs.toFixed(0)} ms above normal`);
    const { longestAnswerMs } = run.watched;
    if (longestAnswerMs > bounds.answerMs) found.push(`/readyz after ${longestAnswerMs.toFixed(0)} ms`);
    return found.map((breach) => `run ${index + 1}: ${breach}`);
  });
}

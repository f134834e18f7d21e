/** Judges what the players saw. */

import type { HlsSight } from './hls.ts';
import { segmentMs } from './packager.ts';
import type { Sight } from './watch.ts';

/**
 * The promise is 300 ms. This much more is allowed here because servers, encoder and players share the machine, and
 * with whatever else it does; `make bench` measures.
 */
const longestGapAllowedMs = 1_000;
/** Times are in whole milliseconds and rounded on the way. */
const distanceAllowedMs = 2;
/**
 * An origin that is asked right behind a key frame gives nothing that the edge has had: there is no frame to compare
 * clocks by, and the edge measures that one step by its own clock. It is off by less than a picture lasts.
 */
const stepAllowedMs = 50;

/** Less than players of HLS hold. A segment lasts 2 s, and caches give a playlist as it was up to 2 s ago. */
const longestHlsWaitAllowedMs = 4 * segmentMs;

export interface Outcome {
  readonly elapsedMs: number;
  readonly players: number;
  /** Why players were disconnected, one entry each. */
  readonly cutOff: readonly string[];
  readonly sights: readonly Sight[];
  readonly longestGapMs: number;
  readonly kills: number;
  /** Undefined where there is no HLS. */
  readonly hls: HlsSight | undefined;
  /** Why the demo could not go on, if it could not. */
  readonly failure: string | undefined;
}

export interface Verdict {
  readonly passed: boolean;
  readonly lines: readonly string[];
}

export function judge(outcome: Outcome): Verdict {
  const { players, cutOff, sights, longestGapMs, kills, failure } = outcome;
  const sum = (of: (sight: Sight) => number): number => sights.reduce((total, sight) => total + of(sight), 0);
  const frames = sum(({ frames }) => frames);
  const missing = sum(({ missing }) => missing);
  const wrong = sum(({ repeated, foreign }) => repeated + foreign);
  const stepsBack = sum(({ stepsBack }) => stepsBack);
  const worstStepMs = Math.max(0, ...sights.map((sight) => sight.worstStepMs));
  const worstDistanceMs = Math.max(0, ...sights.map((sight) => sight.worstDistanceMs));
  const checks: readonly (readonly [ok: boolean, text: string])[] = [
    [kills > 0, `an origin was killed ${kills} ${kills === 1 ? 'time' : 'times'}`],
    [cutOff.length === 0, `${players} players, ${cutOff.length} disconnected${cutOff[0] ? `: ${cutOff[0]}` : ''}`],
    [
      stepsBack === 0 && worstStepMs <= stepAllowedMs,
      `time: ${stepsBack} steps back, at most ${worstStepMs} ms off the publisher's`,
    ],
    [
      worstDistanceMs <= distanceAllowedMs,
      `audio and video: at most ${worstDistanceMs} ms off the publisher's distance`,
    ],
    [
      longestGapMs <= longestGapAllowedMs,
      `longest gap between two frames: ${Math.round(longestGapMs)} ms (${longestGapAllowedMs} ms allowed)`,
    ],
    [frames > 0 && missing === 0, `frames missing: ${missing} of ${frames + missing}`],
    [wrong === 0, `frames repeated or changed: ${wrong}`],
    ...(outcome.hls === undefined ? [] : [judgeHls(outcome.hls)]),
  ];
  const passed = failure === undefined && checks.every(([ok]) => ok);
  return {
    passed,
    lines: [
      `After ${Math.round(outcome.elapsedMs / 1_000)} s:`,
      ...checks.map(([ok, text]) => `  ${ok ? 'ok  ' : 'FAIL'}  ${text}`),
      ...(failure === undefined ? [] : [`  FAIL  ${failure}`]),
      passed ? 'The demo has passed.' : 'The demo has FAILED.',
    ],
  };
}

function judgeHls({ segments, missing, refused, longestWaitMs }: HlsSight): readonly [ok: boolean, text: string] {
  const isGood = segments > 0 && missing === 0 && refused.length === 0 && longestWaitMs <= longestHlsWaitAllowedMs;
  const first = refused[0] === undefined ? '' : `, ${refused.length} requests in vain: ${refused[0]}`;
  const wait = `the longest wait for one ${Math.round(longestWaitMs)} ms (${longestHlsWaitAllowedMs} ms allowed)`;
  return [isGood, `HLS: ${segments} segments, ${missing} missing, ${wait}${first}`];
}

/**
 * How long an origin alone is waited for, and how long it must have served. An address where nobody is any more keeps a
 * connection waiting for `connect_timeout`, as nothing comes back from there: meanwhile others are asked.
 */

import { setTimeout as delay } from 'node:timers/promises';
import type { OriginAddress, VhostConfig } from '../../conf/model.ts';
import { originName } from '../connection/address.ts';

/** In units of `locate_interval`: long enough for an origin that is far away, or slow because it has much to do. */
const patienceFactor = 5;

/** So long an origin that has been asked may take to answer before another one is preferred to it, milliseconds. */
export function answerPatienceMs({ edge }: VhostConfig): number {
  return patienceFactor * edge.locateIntervalMs;
}

/**
 * A stream that an origin gives or takes for less than this was not served: who is lost so soon several times in a row
 * asks again later and later. One that lasted longer is looked for at once, however often origins die.
 */
export const shortLifeMs = 2_000;

interface Others {
  /** One that is not among these, by name; undefined while there is none. */
  readonly next: (asked: ReadonlySet<string>) => OriginAddress | undefined;
  /** Whether it shakes hands; never rejects. */
  readonly answers: (origin: OriginAddress) => Promise<boolean>;
}

/**
 * Asks one after another whether it answers, beside each other from the second one on. Resolves when one does; rejects
 * when the signal says so.
 * @param asked names of those that are not to be asked
 * @param intervalMs between two of them
 */
export async function anotherAnswers(
  { next, answers }: Others,
  asked: Iterable<string>,
  intervalMs: number,
  signal: AbortSignal,
): Promise<void> {
  const all = new Set(asked);
  const found = new AbortController();
  const ended = AbortSignal.any([signal, found.signal]);
  while (!found.signal.aborted) {
    const origin = next(all);
    if (origin !== undefined) {
      all.add(originName(origin));
      answers(origin).then((does) => does && found.abort());
    }
    try {
      await delay(intervalMs, undefined, { signal: ended });
    } catch (error) {
      if (!found.signal.aborted) throw error;
    }
  }
}

/**
 * Which origin to try next for a stream. Pure: health and memory come as arguments.
 */

import { createHash } from 'node:crypto';
import type { EdgeTuning, OriginAddress } from '../../conf/model.ts';
import { originName } from '../connection/address.ts';
import type { OriginState } from './origin-record.ts';

export interface BalanceInput {
  /** Those that somebody named who knows: tried in their order, before all others. */
  readonly located: readonly OriginAddress[];
  readonly origins: readonly OriginAddress[];
  /** Those to try when none of `origins` is left; asked for only then. */
  readonly further: () => readonly OriginAddress[];
  readonly balance: EdgeTuning['balance'];
  readonly streamKey: string;
  /** Counts this stream's attempts: SRS's round robin goes one further with each. */
  readonly attempt: number;
  /** Name of the origin that is known to have the stream. */
  readonly remembered: string | undefined;
  /** Names of the origins already tried in this round. */
  readonly tried: ReadonlySet<string>;
  readonly state: (origin: OriginAddress) => OriginState;
}

/** The origin to try, or undefined when each one is down or was tried. Suspects come after the well and the untried. */
export function nextOrigin(input: BalanceInput): OriginAddress | undefined {
  const named = { ...input, balance: 'failover', remembered: undefined } as const;
  return nextOf(input.located, named) ?? nextOf(input.origins, input) ?? nextOf(input.further(), input);
}

function nextOf(origins: readonly OriginAddress[], input: BalanceInput): OriginAddress | undefined {
  const candidates = ordered(origins, input).filter(
    (origin) => !input.tried.has(originName(origin)) && input.state(origin) !== 'down',
  );
  const remembered = candidates.find((origin) => originName(origin) === input.remembered);
  const isWell = (origin: OriginAddress): boolean => input.state(origin) !== 'suspect';
  if (remembered !== undefined && isWell(remembered)) return remembered;
  return candidates.find(isWell) ?? candidates[0];
}

/** Where a stream belongs with `balance hash`, of the origins that are well. */
export function homeOf(
  origins: readonly OriginAddress[],
  streamKey: string,
  state: BalanceInput['state'],
): OriginAddress | undefined {
  return nextOrigin({
    located: [],
    origins,
    further: () => [],
    balance: 'hash',
    streamKey,
    attempt: 0,
    remembered: undefined,
    tried: new Set(),
    state,
  });
}

function ordered(
  origins: readonly OriginAddress[],
  { balance, streamKey, attempt }: BalanceInput,
): readonly OriginAddress[] {
  switch (balance) {
    case 'round_robin': {
      const first = origins.length === 0 ? 0 : attempt % origins.length;
      return [...origins.slice(first), ...origins.slice(0, first)];
    }
    case 'hash':
      return byRendezvous(origins, streamKey);
    case 'failover':
      return origins;
  }
}

/** Rendezvous hashing: edges with the same list agree, and an origin that leaves moves only its own streams. */
function byRendezvous(origins: readonly OriginAddress[], streamKey: string): readonly OriginAddress[] {
  return origins
    .map((origin) => ({
      origin,
      weight: createHash('sha1')
        .update(`${originName(origin)} ${streamKey}`)
        .digest('hex'),
    }))
    .sort((a, b) => (a.weight < b.weight ? -1 : 1))
    .map(({ origin }) => origin);
}

/** Lists that a console shows: filtered, sorted, a page at a time, by what a query asks for. */

import { naturalNumber } from './api-resource.ts';
import { inTurns } from './in-turns.ts';

/** What a query asks for: `start`, `count`, `sort`, `order`, `match`. */
export interface Wanted<Key extends string> {
  readonly start: number;
  readonly count: number;
  readonly sort: Key;
  readonly descending: boolean;
  /** In lower case; empty for all. */
  readonly match: string;
}

/** A query that says something wrong, and what. */
export interface WrongQuery {
  readonly wrong: string;
}

/** More is kept of no list while it is sorted. */
const endMax = 10_000;
const matchMaxLength = 256;

/** @param sorts the names that `sort` takes; the first is the default */
export function wantedBy<Key extends string>(
  query: URLSearchParams,
  sorts: readonly [Key, ...Key[]],
  countDefault: number,
): Wanted<Key> | WrongQuery {
  const sort = query.get('sort') ?? sorts[0];
  const known = sorts.find((each) => each === sort);
  if (known === undefined) return { wrong: `sort= takes ${sorts.join(', ')}` };
  const order = query.get('order') ?? 'asc';
  if (order !== 'asc' && order !== 'desc') return { wrong: 'order= takes asc and desc' };
  const start = naturalNumber(query.get('start') ?? '0');
  const count = naturalNumber(query.get('count') ?? String(countDefault));
  if (start === undefined || count === undefined || start + count > endMax) {
    return { wrong: `start= and count= take whole numbers, ${endMax} in all at most; match= finds what is behind` };
  }
  const match = (query.get('match') ?? '').trim().toLowerCase();
  if (match.length > matchMaxLength) return { wrong: `match= takes ${matchMaxLength} characters at most` };
  return { start, count, sort: known, descending: order === 'desc', match };
}

export interface Selected<T> {
  readonly items: readonly T[];
  /** How many there are that match. */
  readonly matching: number;
}

/**
 * The part of `all` that is wanted. The event loop turns meanwhile, and no more is sorted at once than the part that is
 * shown and one turn's work.
 *
 * @param matches whether an item belongs into the list
 * @param compare the order, ascending; one in which no two are the same keeps pages steady
 */
export async function selected<T>(
  all: Iterable<T>,
  { start, count }: Pick<Wanted<string>, 'start' | 'count'>,
  matches: (item: T) => boolean,
  compare: (one: T, other: T) => number,
): Promise<Selected<T>> {
  const end = start + count;
  let matching = 0;
  let first: T[] = [];
  let next: T[] = [];
  const merge = (): void => {
    first = [...first, ...next].sort(compare).slice(0, end);
    next = [];
  };
  await inTurns(all, perTurn, (item) => {
    if (!matches(item)) return;
    matching++;
    next.push(item);
    if (next.length >= Math.max(perTurn, end)) merge();
  });
  merge();
  return { items: first.slice(start), matching };
}

/** Items that are looked at in one turn of the event loop: about a millisecond's work. */
const perTurn = 250;

export function byText(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

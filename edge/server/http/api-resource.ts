/** What the HTTP API is made of: resources by name, the calls they take, and the answers they give. */

import { inTurns, part } from './in-turns.ts';
import { readMethods } from './reply.ts';

export interface Answer {
  readonly status?: number;
  readonly code?: number;
  /** Put beside `code`, `server`, `service` and `pid`. */
  readonly fields?: object;
  /** What is listed, put behind the fields: it may be long. */
  readonly list?: Listed;
}

/** A list by its name, each entry as JSON. */
export interface Listed {
  readonly name: string;
  readonly entries: readonly string[];
}

/** `id` is what follows the path of a collection; empty for the collection itself. */
export interface Call {
  readonly id: string;
  readonly query: URLSearchParams;
  /** The host name that was asked. */
  readonly host: string;
}

export interface Resource {
  readonly doc: string;
  readonly GET: (call: Call) => Answer | Promise<Answer>;
  /** Whether a GET changes something; it does not as a rule. */
  readonly acts?: (call: Call) => boolean;
  readonly DELETE?: (call: Call) => Answer;
  readonly POST?: (call: Call) => Answer;
}

/** The methods that a resource takes, or a path that is none, as the header `Allow` lists them. */
export function methodsOf(resource: Resource | undefined): string {
  const more = (['DELETE', 'POST'] as const).filter((method) => resource?.[method] !== undefined);
  return [readMethods, ...more].join(', ');
}

export type Resources = Readonly<Record<string, Resource>>;

/** As in SRS: how many streams or clients an answer lists unless `count` says otherwise. */
const defaultCount = 10;

/** Entries that are made in one turn of the event loop: about a millisecond's work. */
const perTurn = 25;

/** The part of `all` that `start` and `count` ask for. */
export function page<T>(all: Iterable<T>, query: URLSearchParams): Iterable<T> {
  const start = naturalNumber(query.get('start')) ?? 0;
  return part(all, start, naturalNumber(query.get('count')) ?? defaultCount);
}

/** Lists some things; the event loop turns meanwhile. */
export async function listed<T>(name: string, items: Iterable<T>, figures: (item: T) => object): Promise<Listed> {
  const entries: string[] = [];
  await inTurns(items, perTurn, (item) => entries.push(JSON.stringify(figures(item))));
  return { name, entries };
}

/** An answer's text in JSON. @param first fields before those of the answer */
export function textOf(first: object, { fields = {}, list }: Answer): string {
  const text = JSON.stringify({ ...first, ...fields });
  if (list === undefined) return text;
  return `${text.slice(0, -1)},${JSON.stringify(list.name)}:[${list.entries.join()}]}`;
}

/** A whole number of at most nine digits; undefined for anything else. */
export function naturalNumber(text: string | null): number | undefined {
  return text !== null && /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}

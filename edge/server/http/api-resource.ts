/** What the HTTP API is made of: resources by name, the calls they take, and the answers they give. */

export interface Answer {
  readonly status?: number;
  readonly code?: number;
  /** Put beside `code`, `server`, `service` and `pid`. */
  readonly fields?: object;
}

/** `id` is what follows the path of a collection; empty for the collection itself. */
export interface Call {
  readonly id: string;
  readonly query: URLSearchParams;
}

export interface Resource {
  readonly doc: string;
  readonly GET: (call: Call) => Answer | Promise<Answer>;
  /** Whether a GET changes something; it does not as a rule. */
  readonly acts?: (call: Call) => boolean;
  readonly DELETE?: (call: Call) => Answer;
  readonly POST?: (call: Call) => Answer;
}

export type Resources = Readonly<Record<string, Resource>>;

/** As in SRS: how many streams or clients an answer lists unless `count` says otherwise. */
const defaultCount = 10;

/** The part of `all` that `start` and `count` ask for. */
export function page<T>(all: readonly T[], query: URLSearchParams): readonly T[] {
  const start = naturalNumber(query.get('start')) ?? 0;
  return all.slice(start, start + (naturalNumber(query.get('count')) ?? defaultCount));
}

/** A whole number of at most nine digits; undefined for anything else. */
export function naturalNumber(text: string | null): number | undefined {
  return text !== null && /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}

/** What goes wrong, when asked for: for the n-th request that looks like this, do that. */
import { Refusal } from './objects.ts';
import type { LoggedRequest, Verb } from './requests.ts';

export interface Fault {
  /** Which requests; what is left out is any. */
  readonly verb?: Verb | readonly Verb[];
  /** Plural: `deployments`. */
  readonly resource?: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly subresource?: string;
  /** Of one client, where each has its own. */
  readonly userAgent?: string;
  /** So many such requests are let pass first; default none. */
  readonly after?: number;
  /** So many are hit; default 1. */
  readonly times?: number;
  readonly effect: Effect;
}

export type Effect =
  | FaultyAnswer
  /** The request is done, and its answer lost: the connection is cut. */
  | { readonly connection: 'lose-answer' }
  /** The connection is cut, the request not done. */
  | { readonly connection: 'reset' }
  /** No answer ever, and nothing is done. */
  | { readonly connection: 'hang' }
  /** Done after a while. */
  | { readonly delayMs: number };

/** The request isn't done; `reason` (default by status), message and Retry-After as given. */
export interface FaultyAnswer {
  readonly status: number;
  readonly reason?: string;
  readonly message?: string;
  readonly retryAfterSeconds?: number;
}

export interface FaultHandle {
  /** Requests that it has hit. */
  readonly hits: number;
  end(): void;
}

export class Faults {
  readonly #active = new Set<{ readonly fault: Fault; passed: number; hits: number }>();

  add(fault: Fault): FaultHandle {
    const entry = { fault, passed: 0, hits: 0 };
    this.#active.add(entry);
    return {
      get hits() {
        return entry.hits;
      },
      end: () => this.#active.delete(entry),
    };
  }

  /** What is to happen to this request. */
  for(request: LoggedRequest): Effect | undefined {
    for (const entry of this.#active) {
      const { fault } = entry;
      if (!matches(fault, request) || entry.hits >= (fault.times ?? 1)) continue;
      if (entry.passed < (fault.after ?? 0)) {
        entry.passed++;
        continue;
      }
      entry.hits++;
      return fault.effect;
    }
    return undefined;
  }
}

function matches(fault: Fault, request: LoggedRequest): boolean {
  const verbs = fault.verb === undefined ? undefined : [fault.verb].flat();
  if (verbs !== undefined && !verbs.includes(request.verb)) return false;
  return (['resource', 'namespace', 'name', 'subresource', 'userAgent'] as const).every(
    (field) => fault[field] === undefined || fault[field] === request[field],
  );
}

const REASONS: Readonly<Record<number, string>> = {
  404: 'NotFound',
  409: 'Conflict',
  410: 'Expired',
  429: 'TooManyRequests',
  503: 'ServiceUnavailable',
};

export function faulted(answer: FaultyAnswer): Refusal {
  const { status, reason = REASONS[status] ?? 'InternalError', message = 'a fault of the test' } = answer;
  return new Refusal(status, reason, message, answer.retryAfterSeconds);
}

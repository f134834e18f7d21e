/** From text to what it means: bodies, events and errors of the API server; and queries. */
import type { KubernetesObject } from '@kubernetes/client-node';
import { ApiError, statusError } from './error.ts';
import type { Selection, WriteOptions } from './options.ts';
import type { Answer, Call } from './transport.ts';

export type WatchEvent<T> =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: T }
  | { readonly type: 'BOOKMARK'; readonly resourceVersion: string }
  /** The last event of its watch. */
  | { readonly type: 'ERROR'; readonly error: ApiError };

/** @throws ApiError InvalidAnswer */
export function parseBody(call: Call, answer: Answer): unknown {
  return parse(call, answer.body);
}

/** The error that an answer other than 2xx means. */
export function refusal(call: Call, status: number, body: string, retryAfter: string | undefined): ApiError {
  let parsed: unknown = body;
  try {
    parsed = JSON.parse(body);
  } catch {
    // A proxy's words.
  }
  return statusError(call.what, status, parsed, retryAfter);
}

/** @throws ApiError InvalidAnswer */
export function parseEvent<T extends KubernetesObject>(call: Call, line: string): WatchEvent<T> {
  const event = parse(call, line) as { readonly type: string; readonly object: T };
  switch (event.type) {
    case 'ADDED':
    case 'MODIFIED':
    case 'DELETED':
      return { type: event.type, object: event.object };
    case 'BOOKMARK':
      return { type: 'BOOKMARK', resourceVersion: event.object.metadata?.resourceVersion ?? '' };
    case 'ERROR':
      return { type: 'ERROR', error: statusError(call.what, 500, event.object) };
    default:
      throw new ApiError(0, 'InvalidAnswer', `${call.what}: an event of unknown type '${event.type}'`);
  }
}

/** Appends what is defined. */
export function withQuery(
  path: string,
  parameters: Readonly<Record<string, string | number | boolean | undefined>>,
): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) query.set(name, String(value));
  return query.size === 0 ? path : `${path}?${query}`;
}

/** Query of a write that is only tried. */
export function dryRun(options: WriteOptions) {
  return options.dryRun === true ? { dryRun: 'All', fieldValidation: 'Strict' } : {};
}

/** Query of what is wanted. */
export function selectors(selection: Selection) {
  return { labelSelector: selection.labelSelector, fieldSelector: selection.fieldSelector };
}

function parse(call: Call, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new ApiError(0, 'InvalidAnswer', `${call.what}: not JSON: ${text.slice(0, 200)}`);
  }
}

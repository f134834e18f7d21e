/**
 * JSONP, as SRS's web console and other pages of its time ask for it: `callback=NAME` wraps the answer into a call, and
 * `method=DELETE` stands for the method that a `<script>` cannot have. Such a request is one of a web page: the rules for
 * pages hold for it (see `access.ts`).
 */

import type { IncomingMessage } from 'node:http';

export interface Jsonp {
  /** The function to call with the answer; undefined: plain JSON is wanted. */
  readonly callback: string | undefined;
  /** What the request means. */
  readonly method: string;
}

export type JsonpRequest = Jsonp | { readonly error: string };

/** Names of JavaScript, with dots between: whatever else is written into a script could be one. */
const name = /^[\w$]+(?:\.[\w$]+)*$/;
const nameMax = 128;

/** What a request asks for with `callback` and `method`; an error when it cannot be had. */
export function jsonpOf({ method = 'GET' }: Pick<IncomingMessage, 'method'>, query: URLSearchParams): JsonpRequest {
  const callback = query.get('callback');
  if (callback === null || callback === '') return { callback: undefined, method };
  if (callback.length > nameMax || !name.test(callback))
    return { error: `callback must be a name of JavaScript of at most ${nameMax} characters` };
  const meant = query.get('method')?.toUpperCase() ?? '';
  return { callback, method: method === 'GET' && meant === 'DELETE' ? meant : method };
}

/** The script. The comment before it keeps the answer from being read as anything but a script. */
export function script(callback: string, json: string): string {
  // Two characters that JSON allows in strings and older JavaScript takes for line ends.
  const argument = json.replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029');
  return `/**/${callback}(${argument})`;
}

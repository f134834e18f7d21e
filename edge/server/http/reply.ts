/**
 * Sends answers over HTTP.
 */

import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { version } from '../../version.ts';

export const serverHeader = `edgecluster/${version}`;

/** Path and query of a request; undefined when the request line holds no usable URL. */
export function targetOf(request: IncomingMessage): URL | undefined {
  const target = request.url ?? '/';
  // A request line may hold a whole URL; one that begins with two slashes must not be taken for a host.
  const url = target.startsWith('/') ? `http://host${target}` : target;
  return URL.parse(url) ?? undefined;
}

/** The host name in the request's `Host` header, without port and without the brackets of an IPv6 address. */
export function hostOf(request: IncomingMessage): string {
  const match = /^(?:\[([^\]]*)\]|([^:]*))/.exec(request.headers.host ?? '');
  return match?.[1] ?? match?.[2] ?? '';
}

/** Sends a whole answer; of a HEAD request, its headers. */
export function send(
  response: ServerResponse,
  status: number,
  contentType: string,
  body: string | Buffer,
  headers: OutgoingHttpHeaders = {},
): void {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  response.writeHead(status, { 'Content-Type': contentType, 'Content-Length': bytes.length, ...headers });
  response.end(response.req.method === 'HEAD' ? undefined : bytes);
}

export function sendText(response: ServerResponse, status: number, text: string, headers?: OutgoingHttpHeaders): void {
  send(response, status, 'text/plain; charset=utf-8', `${text}\n`, headers);
}

export function sendJson(
  response: ServerResponse,
  status: number,
  value: unknown,
  headers?: OutgoingHttpHeaders,
): void {
  sendJsonText(response, status, JSON.stringify(value), headers);
}

/** Sends what is JSON already. */
export function sendJsonText(
  response: ServerResponse,
  status: number,
  json: string,
  headers?: OutgoingHttpHeaders,
): void {
  send(response, status, 'application/json', json, { 'Cache-Control': 'no-store', ...headers });
}

/** What most paths take, for the header `Allow` that an answer 405 must have (RFC 9110 §15.5.6). */
export const readMethods = 'GET, HEAD';

/**
 * SRS's answer to a preflight, or to any OPTIONS.
 * @param allow the methods that the path takes
 */
export function sendOptions(response: ServerResponse, enabled: boolean, allow: string): void {
  response.writeHead(enabled ? 200 : 405, { 'Content-Length': 0, ...(enabled ? {} : { Allow: allow }) });
  response.end();
}

/**
 * What an origin answers by HTTP that was asked for a stream: that it is there, absent, elsewhere or refused, or that
 * something is broken.
 */

import type { IncomingMessage } from 'node:http';
import { UpstreamError } from './errors.ts';

const absent: ReadonlySet<number> = new Set([404, 410]);
const elsewhere: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
/** Of the client's errors, those that say nothing of this client: another time the answer may be another. */
const passing: ReadonlySet<number> = new Set([408, 421, 425, 429]);

/** What proxies say when the server behind them closes the connection without an answer. */
const closedBehindProxy = 502;

/** The folder that a path is in. @param url absolute, or a path alone */
export function folderOf(url: string): string {
  const path = URL.parse(url, 'http://origin')?.pathname ?? '/';
  return path.slice(0, path.lastIndexOf('/') + 1);
}

/** Why the answer brings no stream; undefined when it does. @param url what was asked for, absolute */
export function faultOf(
  { statusCode = 0, headers }: IncomingMessage,
  url: string,
  origin: string,
): UpstreamError | undefined {
  const { location, 'content-encoding': encoding = 'identity' } = headers;
  const says = `answers with status ${statusCode}`;
  if (statusCode === 200) {
    if (encoding === 'identity') return undefined;
    return new UpstreamError('broken', `sends the stream compressed (${encoding.slice(0, 20)})`, { origin });
  }
  if (absent.has(statusCode)) {
    return new UpstreamError('rejected', says, { origin, code: 'NetStream.Play.StreamNotFound' });
  }
  if (elsewhere.has(statusCode)) {
    const target = location === undefined ? undefined : URL.parse(location, url);
    if (target == null) return new UpstreamError('broken', `${says} and no place to go`, { origin });
    const message = `redirects to ${target.protocol}//${target.host}${target.pathname}`;
    return new UpstreamError('redirected', message, { origin, location: target.href });
  }
  if (statusCode === closedBehindProxy) {
    const message = `${says}: the server behind the proxy closed the connection, or is gone`;
    return new UpstreamError('declined', message, { origin, folder: folderOf(url) });
  }
  if (statusCode >= 400 && statusCode < 500 && !passing.has(statusCode)) {
    return new UpstreamError('rejected', says, { origin, code: 'NetStream.Play.Failed' });
  }
  return new UpstreamError('broken', says, { origin });
}

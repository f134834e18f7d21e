/**
 * One request by HTTP to an origin, by Node's own client: over a connection of its own, so that time-outs, addresses and
 * TLS are those of every connection to an origin.
 */

import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { OriginAddress } from '../../conf/model.ts';
import { http } from '../../node-http.ts';
import { DeadlineSignal } from '../../time/deadline-signal.ts';
import { version } from '../../version.ts';
import { originName } from './address.ts';
import type { ClientOptions } from './client-options.ts';
import { UpstreamError } from './errors.ts';
import { openSocket } from './socket.ts';

/** More than this before the body is no answer. */
const headersMaxBytes = 16 * 1024;

/** Proxies say by these that the server behind them is not well. */
const gatewayFailures: ReadonlySet<number> = new Set([502, 503, 504]);

/** Sends a GET. @param path with its parameters, encoded */
export function sendGet(
  socket: Socket,
  address: OriginAddress,
  path: string,
  headers: Readonly<Record<string, string>> = {},
): ClientRequest {
  const request = http.request({
    createConnection: () => socket,
    path,
    maxHeaderSize: headersMaxBytes,
    setHost: false,
    headers: {
      Host: hostOf(address),
      'User-Agent': `edgecluster/${version}`,
      Accept: '*/*',
      'Accept-Encoding': 'identity',
      // One stream, and then nothing more: a proxy need not keep it for us.
      Connection: 'close',
      ...headers,
    },
  });
  request.end();
  return request;
}

/**
 * Asks a server whether it is there: any answer will do, but one of a proxy that says that nobody is behind it.
 * Throws an UpstreamError.
 */
export async function probeHttp(
  address: OriginAddress,
  folder: string,
  options: ClientOptions,
  signal: AbortSignal,
): Promise<void> {
  const origin = originName(address);
  const socket = await openSocket(address, options, signal);
  const timeout = new DeadlineSignal(options.requestTimeoutMs);
  try {
    const status = await statusOf(sendGet(socket, address, folder), origin, AbortSignal.any([signal, timeout.signal]));
    if (gatewayFailures.has(status)) throw new UpstreamError('broken', `answers with status ${status}`, { origin });
  } catch (error) {
    if (!timeout.signal.aborted || signal.aborted) throw error;
    const message = `no answer within request_timeout ${options.requestTimeoutMs} ms`;
    throw new UpstreamError('unanswered', message, { origin });
  } finally {
    timeout.stop();
    socket.destroy();
  }
}

function statusOf(request: ClientRequest, origin: string, signal: AbortSignal): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const abort = (): void => reject(new UpstreamError('cancelled', 'cancelled', { origin }));
  signal.addEventListener('abort', abort, { once: true });
  request.on('response', ({ statusCode = 0 }: IncomingMessage) => resolve(statusCode));
  request.on('error', (error) => reject(new UpstreamError('broken', httpWords(error), { origin, cause: error })));
  if (signal.aborted) abort();
  return promise.finally(() => signal.removeEventListener('abort', abort));
}

/** What an error of Node's HTTP client means. */
export function httpWords(error: Error): string {
  const { code = '' } = error as NodeJS.ErrnoException;
  if (code === 'HPE_HEADER_OVERFLOW') return `sends more than ${headersMaxBytes} bytes of headers`;
  if (code.startsWith('HPE_')) return `sends what is no HTTP: ${error.message.replace(/^Parse Error: /, '')}`;
  return code === 'ECONNRESET' ? 'closed the connection' : error.message;
}

function hostOf({ scheme, host, port, tlsName = host }: OriginAddress): string {
  const name = tlsName.includes(':') ? `[${tlsName}]` : tlsName;
  return port === (scheme === 'https' ? 443 : 80) ? name : `${name}:${port}`;
}
